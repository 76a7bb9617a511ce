package recovery

import (
	"testing"

	"github.com/purewire/purewire/codec/quic"
)

// BenchmarkSender sends 64 packets and takes one ACK frame for them; a packet of them.
func BenchmarkSender(b *testing.B) {
	var s Sender
	if err := s.Init(Config{Role: quic.Server, NoSkip: true}); err != nil {
		b.Fatal(err)
	}
	s.HandshakeConfirmed(t0)
	var batch Batch
	now := t0
	b.ReportAllocs()
	for i := 0; i < b.N; i += 64 {
		first := s.Next(Application)
		for range 64 {
			now += 1000
			if err := s.Sent(now, Application, Packet{Number: s.Next(Application), Octets: 1200, Eliciting: true}); err != nil {
				b.Fatal(err)
			}
		}
		now += 10 * ms
		last := s.Next(Application) - 1
		if err := s.Ack(now, Application, &quic.AckInfo{Largest: uint64(last), First: uint64(last - first)}, &batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAckRanges takes an ACK frame with 32 ranges that say nothing new.
func BenchmarkAckRanges(b *testing.B) {
	var s Sender
	if err := s.Init(Config{Role: quic.Server, NoSkip: true}); err != nil {
		b.Fatal(err)
	}
	var rs []quic.Range
	for n := int64(63); n > 0; n -= 2 {
		rs = append(rs, rangeOf(n, n))
	}
	for range 64 {
		send(b, &s, t0, Application)
	}
	var batch Batch
	a := ackOf(b, rs...)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Ack(t0, Application, a, &batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReceiver takes packets in order, with an ACK frame for every second one; a packet of them.
func BenchmarkReceiver(b *testing.B) {
	var r Receiver
	if err := r.Init(ReceiverConfig{}); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 100)
	n := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		if r.Seen(Application, n) {
			b.Fatal(n)
		}
		if err := r.Received(t0, Application, n, true, NotECT); err != nil {
			b.Fatal(err)
		}
		n++
		if r.Owed(t0, Application) {
			if _, _, err := r.AppendAck(buf, t0, Application, 100); err != nil {
				b.Fatal(err)
			}
			r.AckSent(Application, false)
		}
	}
}
