package stream

import (
	"fmt"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// crypto has the data of the handshake.
func (v *vectorStreams) crypto(ops map[string]codectest.VectorOp) {
	c := &v.chello
	show := func() string { return fmt.Sprintf("peek %s, complete %v", codectest.Quote(c.Peek()), c.Complete()) }
	ops["crypto"] = func(a *codectest.Args) string {
		f := quic.Frame{Kind: quic.Crypto}
		store := a.Flag("store")
		f.Offset, f.Data = a.Uint(), a.Bytes()
		var lent []byte
		var err error
		if store {
			err = c.Store(&f)
		} else {
			lent, err = c.Receive(&f)
		}
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("lent %s; %s", codectest.Quote(lent), show())
	}
	ops["crypto-read"] = func(a *codectest.Args) string {
		if err := c.Consume(int(a.Int())); err != nil {
			return vectorError(err)
		}
		return show()
	}
	ops["crypto-done"] = func(*codectest.Args) string { c.HandshakeDone(); return "" }
	ops["crypto-write"] = func(a *codectest.Args) string {
		n, err := v.csend.Write(a.Bytes())
		return strings.TrimSpace(fmt.Sprintf("%d, pending %v %s", n, v.csend.Pending(), vectorError(err)))
	}
	ops["crypto-frame"] = func(a *codectest.Args) string {
		probe, size := a.Flag("probe"), int(a.Int())
		add := v.csend.AppendCrypto
		if probe {
			add = v.csend.AppendProbe
		}
		out, p, ok := add(nil, size)
		if !ok {
			return "nothing"
		}
		key := v.name()
		v.sent[key] = p
		return fmt.Sprintf("%s: %s", key, codectest.Quote(out))
	}
	ops["crypto-acked"] = func(a *codectest.Args) string { return vectorError(v.csend.Acked(v.sent[a.Word()])) }
	ops["crypto-lost"] = func(a *codectest.Args) string { return vectorError(v.csend.Lost(v.sent[a.Word()])) }
	ops["crypto-release"] = func(*codectest.Args) string {
		c.Release()
		v.csend.Release()
		return fmt.Sprintf("held %d, sent %d", v.store.Held(), v.csend.Buffer().Sent())
	}
}

// counts has the streams of a server's connection.
func (v *vectorStreams) counts(ops map[string]codectest.VectorOp) {
	s := &v.streams
	kind := func(a *codectest.Args) int {
		if a.Flag("uni") {
			return 1
		}
		return 0
	}
	show := func(k int) string {
		p := &s.Peer[k]
		return fmt.Sprintf("%d opened, %d open, limit %d, due %v", p.Opened(), p.Open(), p.Limit(), p.Due())
	}
	ops["touch"] = func(a *codectest.Args) string {
		var k quic.Kind
		for name, q := range map[string]quic.Kind{"STREAM": quic.Stream, "RESET_STREAM": quic.ResetStream, "STREAM_DATA_BLOCKED": quic.StreamDataBlocked,
			"STOP_SENDING": quic.StopSending, "MAX_STREAM_DATA": quic.MaxStreamData} {
			if a.Flag(name) {
				k = q
			}
		}
		id := quic.StreamID(a.Uint())
		fresh, err := s.Touch(k, id)
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("fresh %v; %s", fresh, show(Kind(id)))
	}
	ops["open"] = func(a *codectest.Args) string { id, ok := s.Open(kind(a) == 1); return fmt.Sprintf("%d %v", id, ok) }
	ops["max-streams"] = func(a *codectest.Args) string {
		k := kind(a)
		raised, err := s.Local[k].Grow(a.Uint())
		if err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("raised %v, %d of %d", raised, s.Local[k].Opened(), s.Local[k].Limit())
	}
	ops["streams-blocked-due"] = func(a *codectest.Args) string {
		l := &s.Local[kind(a)]
		limit, due := l.BlockedDue()
		if due {
			l.BlockedSent()
		}
		return fmt.Sprintf("%d %v", limit, due)
	}
	ops["streams-blocked-lost"] = func(a *codectest.Args) string { s.Local[kind(a)].BlockedAgain(a.Uint()); return "" }
	ops["done"] = func(a *codectest.Args) string {
		k := kind(a)
		if err := s.Peer[k].Done(); err != nil {
			return vectorError(err)
		}
		return show(k)
	}
	ops["max-streams-sent"] = func(a *codectest.Args) string { k := kind(a); return fmt.Sprintf("%d; %s", s.Peer[k].Emit(), show(k)) }
	ops["max-streams-lost"] = func(a *codectest.Args) string { k := kind(a); s.Peer[k].Lost(a.Uint()); return show(k) }
	ops["streams-blocked"] = func(a *codectest.Args) string {
		now, k, limit := vectorTime(a), kind(a), a.Uint()
		for range a.Int() {
			if err := s.Peer[k].Blocked(now, limit); err != nil {
				return vectorError(err)
			}
		}
		return show(k)
	}
}
