package stream

import (
	"bytes"
	"testing"

	"github.com/purewire/purewire/codec/quic"
)

// script reads choices from fuzz input; behind its end all are 0.
type script []byte

func (s *script) next() int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b)
}

func (s *script) next16() int { return s.next()<<8 | s.next() }

// reassemblyModel is a stream as a map of octets.
type reassemblyModel struct {
	stored map[uint64]byte // received and not delivered
	next   uint64
}

func (m *reassemblyModel) pieces() (n int) {
	for at := range m.stored {
		if _, before := m.stored[at-1]; !before {
			n++
		}
	}
	return n
}

// runReassembly does what the script says to a Reassembler and to the model, and compares everything.
func runReassembly(t testing.TB, s script) {
	const ahead, pieces = 4000, 6
	st := &Store{Keep: 2}
	var r Reassembler
	r.Init(st, ahead, pieces)
	m := reassemblyModel{stored: map[uint64]byte{}}
	deliver := func(b []byte) {
		for _, c := range b {
			if want := pattern(m.next, 1)[0]; c != want {
				t.Fatalf("octet %d is %x, not %x", m.next, c, want)
			}
			delete(m.stored, m.next)
			m.next++
		}
	}
	for len(s) > 0 {
		switch op := s.next() % 8; op {
		case 0, 1, 2, 3, 4: // insert
			at := uint64(max(int(m.next)+s.next16()%5000-300, 0))
			data := pattern(at, s.next()*4)
			lend := op&1 == 0
			bad := -1
			if op == 4 && len(data) > 0 {
				bad = s.next16() % len(data)
				data[bad] ^= 0x55
			}
			lent, err := r.Insert(at, data, lend)
			// What the model says.
			end := at + uint64(len(data))
			conflict, before := false, m.pieces()
			after := map[uint64]byte{}
			for o, c := range m.stored {
				after[o] = c
			}
			for i, c := range data {
				o := at + uint64(i)
				if o < m.next {
					continue
				}
				if old, there := after[o]; there && old != c {
					conflict = true
				}
				after[o] = c
			}
			grown := reassemblyModel{stored: after}
			if bad >= 0 && !conflict {
				if err == nil {
					return // what arrives first counts: the stream is another one now
				}
			}
			_, first := m.stored[m.next]
			through := lend && at <= m.next && end > m.next && !first
			switch {
			case len(data) > 0 && end > m.next && end-m.next > ahead:
				if err != failure(rAhead) {
					t.Fatalf("too far ahead: %v", err)
				}
			case conflict:
				if err != failure(rConflict) {
					t.Fatalf("different data: %v", err)
				}
			case !through && grown.pieces() > max(before, pieces):
				if err != failure(rSpans) {
					t.Fatalf("%d pieces: %v", grown.pieces(), err)
				}
			case err != nil:
				t.Fatalf("insert %d+%d at %d: %v", at, len(data), m.next, err)
			default:
				m.stored = after
				if through != (len(lent) > 0) {
					t.Fatalf("%d octets lent, through %t", len(lent), through)
				}
				deliver(lent)
				if n := len(lent); through && m.next < end {
					if _, there := m.stored[m.next]; !there {
						t.Fatalf("lent only %d octets", n)
					}
				}
			}
			if err != nil && lent != nil {
				t.Fatal("lent with an error")
			}
		case 5, 6: // read
			buf := make([]byte, s.next()*8)
			n := r.Read(buf)
			deliver(buf[:n])
			if _, more := m.stored[m.next]; more && n < len(buf) {
				t.Fatal("read too little")
			}
		case 7:
			b := r.Peek()
			n := min(len(b), s.next()*4)
			deliver(bytes.Clone(b[:n]))
			if err := r.Consume(n); err != nil {
				t.Fatal(err)
			}
		}
		if r.Next() != m.next || r.Pieces() != m.pieces() || len(m.stored) == 0 && st.Held() != 0 {
			t.Fatalf("at %d, %d pieces, %d chunks; not %d, %d", r.Next(), r.Pieces(), st.Held(), m.next, m.pieces())
		}
		if st.Held() > ahead/ChunkLen+2 || r.Pieces() > pieces {
			t.Fatalf("%d chunks, %d pieces", st.Held(), r.Pieces())
		}
	}
	if r.Release(); st.Held() != 0 {
		t.Fatal("chunks are lost")
	}
}

// sendModel is a send buffer as one state for each octet.
type sendModel struct {
	data  []byte
	state []octet
	fin   octet
	shut  bool
}

type octet uint8

const (
	unsent octet = iota
	flying
	gone // lost
	acked
)

// runSend does what the script says to a SendBuffer and to the model. With few pieces allowed, octets may be sent more often than needed, but never
// wrongly, and everything arrives.
func runSend(t testing.TB, s script, pieces int) {
	const limit = 6000
	st := &Store{Keep: 2}
	var b SendBuffer
	b.Init(st, limit, pieces)
	exact := pieces > 1000
	m := sendModel{}
	var flight []Piece
	receive := map[uint64]byte{}
	ended := false
	released := func() (n int) {
		for n < len(m.state) && m.state[n] == acked {
			n++
		}
		return n
	}
	next := func(size int, credit uint64, probe bool) bool {
		sent := b.Sent()
		var p Piece
		var found bool
		if probe {
			p, found = b.Probe(size)
		} else {
			p, found = b.Next(size, credit)
		}
		if !found {
			for i, o := range m.state {
				if size > 0 && exact && !probe && (o == gone || o == unsent && credit > 0) || probe && size > 0 && o == flying {
					t.Fatalf("octet %d is %d and not sent", i, o)
				}
			}
			return false
		}
		if p.Len > max(size, 0) || p.Offset < b.Released() || p.Offset+uint64(p.Len) > uint64(len(m.data)) {
			t.Fatalf("%+v of %d", p, len(m.data))
		}
		if grown := b.Sent() - sent; grown > credit || probe && grown > 0 || grown > 0 && p.Offset != sent {
			t.Fatalf("sent %d new octets with credit %d", grown, credit)
		}
		out, err := b.AppendData([]byte{7}, p)
		if err != nil || out[0] != 7 || !bytes.Equal(out[1:], m.data[p.Offset:p.Offset+uint64(p.Len)]) {
			t.Fatalf("%+v: other octets, %v", p, err)
		}
		for i := p.Offset; i < p.Offset+uint64(p.Len); i++ {
			if exact && !probe && m.state[i] != gone && m.state[i] != unsent {
				t.Fatalf("octet %d is sent again", i)
			}
			if m.state[i] != acked {
				m.state[i] = flying
			}
		}
		if p.Fin != (m.shut && m.fin != acked && p.Offset+uint64(p.Len) == uint64(len(m.data))) && (p.Fin || p.Len > 0) {
			t.Fatalf("%+v: fin %d", p, m.fin)
		}
		if p.Fin {
			m.fin = flying
		}
		flight = append(flight, p)
		return true
	}
	settle := func(p Piece, ack, arrived bool) {
		if arrived {
			for i := range p.Len {
				receive[p.Offset+uint64(i)] = m.data[p.Offset+uint64(i)]
			}
			ended = ended || p.Fin
		}
		var err error
		if ack {
			err = b.Acked(p)
		} else {
			err = b.Lost(p)
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := p.Offset; i < p.Offset+uint64(p.Len); i++ {
			if ack {
				m.state[i] = acked
			} else if m.state[i] == flying {
				m.state[i] = gone
			}
		}
		if p.Fin && ack {
			m.fin = acked
		} else if p.Fin && m.fin == flying {
			m.fin = gone
		}
	}
	for len(s) > 0 {
		switch s.next() % 8 {
		case 0, 1:
			p := pattern(uint64(len(m.data)), s.next()*6)
			write := b.Write
			if s.next()&1 == 1 {
				write = b.WriteRef
			}
			room := b.Room()
			n, err := write(p)
			if m.shut != (err != nil) || err == nil && n != min(len(p), room) {
				t.Fatalf("wrote %d of %d, %v", n, len(p), err)
			}
			m.data = append(m.data, p[:n]...)
			m.state = append(m.state, make([]octet, n)...)
		case 2, 3:
			next(s.next()*5, uint64(s.next())*8, false)
		case 4:
			next(s.next()*5, 0, true)
		case 5, 6: // acknowledged or lost, in any order; what was lost may be acknowledged late
			if len(flight) > 0 {
				i := s.next() % len(flight)
				p := flight[i]
				ack := s.next()&1 == 0
				if ack {
					flight = append(flight[:i], flight[i+1:]...)
				}
				settle(p, ack, ack)
			}
		case 7:
			if s.next() > 200 {
				b.Close()
				if m.shut = true; m.fin == unsent {
					m.fin = unsent
				}
			}
		}
		if exact && b.Released() != uint64(released()) {
			t.Fatalf("released %d, not %d", b.Released(), released())
		}
		if b.Buffered() > limit || b.Written() != uint64(len(m.data)) || b.acked.Len() > pieces || b.lost.Len() > pieces {
			t.Fatalf("%d octets, %d and %d pieces", b.Buffered(), b.acked.Len(), b.lost.Len())
		}
	}
	// Everything arrives in the end: what is in flight is lost, what is sent from now on is not.
	b.Close()
	m.shut = true
	for _, p := range flight {
		settle(p, false, false)
	}
	flight = flight[:0]
	for range 1 << 14 {
		if !next(1000, quic.MaxVarint, false) {
			break
		}
		p := flight[0]
		flight = flight[:0]
		settle(p, true, true)
	}
	if !b.Done() || !ended || len(receive) != len(m.data) || b.Buffered() != 0 || st.Held() != 0 {
		t.Fatalf("done %t, fin %t; %d of %d octets arrived; %d held, %d chunks", b.Done(), ended, len(receive), len(m.data), b.Buffered(), st.Held())
	}
}

func FuzzReassembler(f *testing.F) {
	for seed := range byte(4) {
		f.Add(noise(seed, 200))
	}
	f.Fuzz(func(t *testing.T, b []byte) { runReassembly(t, b[:min(len(b), 4096)]) })
}

func FuzzSendBuffer(f *testing.F) {
	for seed := range byte(4) {
		f.Add(noise(seed, 200), seed)
	}
	f.Fuzz(func(t *testing.T, b []byte, pieces byte) {
		n := 1 + int(pieces)%8
		if pieces >= 128 {
			n = 1 << 20
		}
		runSend(t, b[:min(len(b), 4096)], n)
	})
}

// noise returns n reproducible bytes.
func noise(seed byte, n int) []byte {
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	b := make([]byte, n)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return b
}

func TestReassemblerModel(t *testing.T) {
	for seed := range byte(80) {
		runReassembly(t, noise(seed, 300))
	}
}

func TestSendBufferModel(t *testing.T) {
	for seed := range byte(100) {
		for _, pieces := range []int{1, 2, 3, 1 << 20} {
			runSend(t, noise(seed, 400), pieces)
		}
	}
}
