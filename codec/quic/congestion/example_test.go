package congestion_test

import (
	"fmt"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic/congestion"
)

// A window is sent, one packet of it is lost, the others are acknowledged.
func ExampleController() {
	c, err := congestion.New(congestion.CUBIC, congestion.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := codec.Time(1)
	packets := 0
	for c.Available() >= 1200 {
		c.OnSent(now, 1200)
		packets++
	}
	fmt.Println(packets, "packets in flight")

	rtt := 40 * time.Millisecond
	sentAt, now := now, now.Add(rtt)
	c.OnLost(now, congestion.Loss{Octets: 1200, SentAt: sentAt})
	c.OnAcked(now, congestion.Ack{Octets: 9 * 1200, SentAt: sentAt, RTT: congestion.RTT{Latest: rtt, Smoothed: rtt, Min: rtt}})

	var s congestion.State
	c.ReadState(&s)
	fmt.Println(s.Phase, s.Window, s.InFlight)
	// Output:
	// 10 packets in flight
	// recovery 8400 0
}

// After a burst the pacer says when to go on.
func ExamplePacer() {
	var p congestion.Pacer
	if err := p.Init(congestion.PacerConfig{}); err != nil {
		fmt.Println(err)
		return
	}
	now := codec.Time(time.Second)
	p.SetRate(now, 60_000, 50*time.Millisecond, false)
	fmt.Println(p.Rate(), "octets per second")
	burst := 0
	for p.Ready(now, 1200) {
		p.OnSent(now, 1200)
		burst++
	}
	fmt.Println(burst, "packets, the next in", p.Next(now, 1200).Sub(now))
	// Output:
	// 1500000 octets per second
	// 10 packets, the next in 1ms
}

func ExampleNew() {
	_, err := congestion.New(congestion.Reno, congestion.Config{DatagramSize: 1000})
	fmt.Println(err)
	// Output: quic/congestion: 9002-B.2-2.2: maximum datagram size not of 1200 to 65527 octets
}
