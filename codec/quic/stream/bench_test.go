package stream

import (
	"testing"

	"github.com/purewire/purewire/codec/quic"
)

// Frames of 1200 octets: in order, and handed through; every two swapped; and sent and acknowledged.
func BenchmarkReceiveInOrder(b *testing.B) {
	r := newRecv(Limits{StreamWindow: -1, Window: -1})
	f := data(0, 1200, false)
	b.SetBytes(1200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Receive(f, true); err != nil {
			b.Fatal(err)
		}
		if f.Offset += 1200; f.Offset > 1<<29 {
			f.Offset = 0
			r.again()
		}
	}
}

func BenchmarkReceiveSwapped(b *testing.B) {
	r := newRecv(Limits{StreamWindow: -1, Window: -1})
	r.store.Keep = 8
	one, two := data(0, 1200, false), data(1200, 1200, false)
	b.SetBytes(2400)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Receive(two, true); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Receive(one, true); err != nil {
			b.Fatal(err)
		}
		for p := r.Peek(); len(p) > 0; p = r.Peek() {
			r.Consume(len(p))
		}
		one.Offset += 2400
		if two.Offset += 2400; two.Offset > 1<<29 {
			one.Offset, two.Offset = 0, 1200
			r.again()
		}
	}
}

// 1024 pieces, and each frame repeats one in the middle: what the largest list costs.
func BenchmarkReceivePieces(b *testing.B) {
	r := newRecv(Limits{StreamWindow: -1, Window: -1})
	for at := uint64(1); at < 2048; at += 2 {
		if _, err := r.Receive(data(at, 1, false), true); err != nil {
			b.Fatal(err)
		}
	}
	f := data(1023, 1, false)
	b.ReportAllocs()
	for b.Loop() {
		r.Receive(f, true)
	}
}

func BenchmarkSend(b *testing.B) {
	r := newSend(quic.MaxVarint, quic.MaxVarint, Limits{})
	r.store.Keep = 8
	chunk := pattern(0, 1200)
	buf := make([]byte, 0, 1500)
	b.SetBytes(1200)
	b.ReportAllocs()
	for b.Loop() {
		r.Write(chunk)
		_, p, _ := r.AppendStream(buf, 1300, false)
		if p.Len != 1200 || r.Acked(p) != nil {
			b.Fatal(p)
		}
	}
}
