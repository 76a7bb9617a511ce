package netsim_test

import (
	"fmt"
	"time"

	"github.com/purewire/purewire/codec/quic/internal/netsim"
)

// Two packets over a slow link; the answer to the second one takes another way back.
func Example() {
	const client, server = 0, 1
	s := netsim.New[string](1)
	there := s.Link(server, netsim.Path{Rate: 100_000, Delay: 30 * time.Millisecond})
	back := s.Link(client, netsim.Path{Delay: 50 * time.Millisecond})
	begin := s.Now()
	there.Send(1000, false, "one")
	there.Send(1000, false, "two")
	s.SetTimer(client, begin.Add(time.Second))
	s.Run(begin.Add(time.Minute), func(e netsim.Event[string]) {
		if e.Timer {
			fmt.Println(e.Now.Sub(begin), "timer of node", e.Node)
			return
		}
		fmt.Println(e.Now.Sub(begin), e.Packet, "at node", e.Node)
		if e.Packet == "two" {
			back.Send(40, false, "answer")
		}
	})
	// Output:
	// 40ms one at node 1
	// 50ms two at node 1
	// 100ms answer at node 0
	// 1s timer of node 0
}
