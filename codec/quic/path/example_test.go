package path_test

import (
	"fmt"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/path"
)

// A server may send three times what it has received, until the handshake has shown that the client is where it says.
func ExampleAmplification() {
	var a path.Amplification
	a.Received(1200)
	fmt.Println(a.Allows(5000))
	fmt.Println(a.Sent(3600), a.Allows(5000))
	fmt.Println(a.Sent(1))
	a.Validate()
	fmt.Println(a.Allows(5000))
	// Output:
	// 3600
	// <nil> 0
	// quic: 9000-8-2: sent more than the anti-amplification limit
	// 5000
}

// A client's address changes: its server follows, and validates the new path before it sends much there.
func ExamplePaths() {
	id := func(b byte) quic.ConnectionID {
		c, _ := quic.MakeConnectionID([]byte{b, b, b, b})
		return c
	}
	var ids path.RemoteIDs
	ids.Init(id(1), 4)
	spare := id(2)
	ids.New(&quic.Frame{Kind: quic.NewConnectionID, Sequence: 1, Data: spare.Bytes()})

	home := path.Tuple{Remote: path.Addr{IP: [16]byte{15: 1}, Port: 4000}}
	away := path.Tuple{Remote: path.Addr{IP: [16]byte{15: 2}, Port: 4000}}
	var paths path.Paths
	paths.Init(quic.Server, home, &ids)
	paths.HandshakeValidated()
	paths.Confirm(false)

	now, pto := codec.Time(time.Second), 100*time.Millisecond
	p := paths.Datagram(away, 400)
	if p == nil { // and one of its packets is authentic
		p = paths.Open(away, 400)
	}
	migrated, _ := paths.Packet(now, p, false, true, pto)
	fmt.Println("migrated:", migrated)
	seq, _ := paths.Sequence(p)
	fmt.Println("connection ID", seq, "may send", p.Limit.Allows(5000))
	if p.Validation.Due(now) {
		p.Validation.Sent(now, path.Challenge{1, 2, 3}, 1200) // 1, 2, 3 stand for unpredictable bytes
	}
	o := paths.Response(now.Add(pto), path.Challenge{1, 2, 3}, pto)
	fmt.Println("validated:", o.Path == p, "new congestion control:", o.Reset)
	// Output:
	// migrated: true
	// connection ID 1 may send 1200
	// validated: true new congestion control: true
}

// Packets in the closing state are answered more and more rarely.
func ExampleCloser() {
	var c path.Closer
	now := codec.Time(time.Second)
	c.Close(now, 100*time.Millisecond)
	c.Sent()
	for i := 1; i <= 20; i++ {
		if c.Received(); c.Due() {
			c.Sent()
			fmt.Print(i, " ")
		}
	}
	fmt.Println(c.Advance(c.Deadline()), c.State())
	// Output: 1 2 4 8 16 true closed
}
