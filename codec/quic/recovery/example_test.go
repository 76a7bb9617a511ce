package recovery_test

import (
	"fmt"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/recovery"
)

// Five packets, of which the fourth and the fifth arrive.
func ExampleSender() {
	var s recovery.Sender
	if err := s.Init(recovery.Config{Role: quic.Server, NoSkip: true}); err != nil {
		fmt.Println(err)
		return
	}
	now := codec.Time(time.Second)
	s.HandshakeConfirmed(now)
	for _, what := range []uint64{100, 101, 102, 103, 104} { // the caller's names of what the packets carry
		err := s.Sent(now, recovery.Application, recovery.Packet{
			Number: s.Next(recovery.Application), Token: what, Octets: 1200, Eliciting: true,
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(s.InFlight(), "octets in flight")

	now = now.Add(40 * time.Millisecond)
	var batch recovery.Batch
	ack := quic.AckInfo{Largest: 4, First: 1} // as quic.FrameDecoder reports it: 3 and 4
	if err := s.Ack(now, recovery.Application, &ack, &batch); err != nil {
		fmt.Println(err)
	}
	for _, o := range batch.Outcomes {
		fmt.Println(o.Token, o.Fate)
	}
	fmt.Println("sample", batch.Sample)

	// 102 was sent not long enough ago to be lost.
	fmt.Println("look again in", s.Deadline().Sub(now))
	s.Advance(s.Deadline(), &batch)
	for _, o := range batch.Outcomes {
		fmt.Println(o.Token, o.Fate)
	}
	// Output:
	// 6000 octets in flight
	// 104 acked
	// 103 acked
	// 100 lost
	// 101 lost
	// sample 40ms
	// look again in 5ms
	// 102 lost
}

// A probe timeout: what the oldest packets carried is sent again, whatever the congestion window says.
func ExampleSender_Probes() {
	var s recovery.Sender
	if err := s.Init(recovery.Config{Role: quic.Client, NoSkip: true, InitialRTT: 20 * time.Millisecond}); err != nil {
		fmt.Println(err)
		return
	}
	now := codec.Time(time.Second)
	packet := recovery.Packet{Token: 7, Octets: 1200, Eliciting: true}
	if err := s.Sent(now, recovery.Initial, packet); err != nil {
		fmt.Println(err)
	}
	var batch recovery.Batch
	for range 3 {
		fmt.Println("wait", s.Deadline().Sub(now))
		now = s.Deadline()
		s.Advance(now, &batch)
		for n := s.Probes(recovery.Initial); n > 0; n = s.Probes(recovery.Initial) {
			again := s.Oldest(nil, recovery.Initial, 1)[0]
			packet.Number, packet.Token = s.Next(recovery.Initial), again.Token
			if err := s.Sent(now, recovery.Initial, packet); err != nil {
				fmt.Println(err)
			}
		}
	}
	fmt.Println(s.Eliciting(recovery.Initial), "packets in flight, none of them lost")
	// Output:
	// wait 60ms
	// wait 120ms
	// wait 240ms
	// 7 packets in flight, none of them lost
}

func ExampleReceiver() {
	var r recovery.Receiver
	if err := r.Init(recovery.ReceiverConfig{AckDelayExponent: 3}); err != nil {
		fmt.Println(err)
		return
	}
	now := codec.Time(time.Second)
	for _, number := range []int64{0, 1, 3, 3} {
		now = now.Add(time.Millisecond)
		if r.Seen(recovery.Application, number) {
			fmt.Println(number, "was here before")
			continue
		}
		if err := r.Received(now, recovery.Application, number, true, recovery.NotECT); err != nil {
			fmt.Println(err)
		}
		if r.Owed(now, recovery.Application) {
			frame, largest, err := r.AppendAck(nil, now, recovery.Application, 1200)
			if err != nil {
				fmt.Println(err)
			}
			fmt.Printf("after %d: ACK up to %d: %x\n", number, largest, frame)
			r.AckSent(recovery.Application, false)
		} else {
			fmt.Printf("after %d: ACK in %v\n", number, r.Deadline().Sub(now))
		}
	}
	// Output:
	// after 0: ACK in 24ms
	// after 1: ACK up to 1: 0201000001
	// after 3: ACK up to 3: 02030001000001
	// 3 was here before
}
