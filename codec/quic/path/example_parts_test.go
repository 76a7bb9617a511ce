package path_test

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/path"
)

// The search for the MTU of a path that carries 1400 bytes. Each size is a datagram with PING and PADDING; what becomes of it is known from loss recovery
// (recovery.Packet.MTUProbe).
func ExampleMTU() {
	var m path.MTU
	m.Start(1472) // the most that we would send, or the peer's max_udp_payload_size if that is less
	now := codec.Time(time.Second)
	for size := m.Probe(now); size > 0; size = m.Probe(now) {
		m.Sent(size)
		if size <= 1400 {
			m.Acked(now, size)
		} else {
			m.Lost(now, size)
		}
	}
	fmt.Println("datagrams of", m.Size(), "bytes; more is tried in", m.Deadline().Sub(now))
	// Output: datagrams of 1387 bytes; more is tried in 10m0s
}

// A server that wants to know a client's address before it keeps state answers with Retry and a token, and finds what it needs in the token.
func ExampleTokens() {
	block, _ := aes.NewCipher(make([]byte, 16)) // the server's secret key
	aead, _ := cipher.NewGCM(block)
	var t path.Tokens
	if err := t.Init(aead, 0, 0); err != nil {
		fmt.Println(err)
		return
	}
	now := codec.Time(time.Hour)
	client := path.Addr{IP: [16]byte{15: 1}, Port: 4000}
	original, _ := quic.MakeConnectionID([]byte("original"))
	retry, _ := quic.MakeConnectionID([]byte("retry"))
	token := t.AppendRetry(nil, now, client, original, retry, [12]byte{1}) // 1 stands for random bytes

	k, err := t.Check(token, now.Add(time.Second), client, []byte("retry"))
	fmt.Println(k.Kind == path.RetryToken, string(k.OriginalID.Bytes()), err)
	_, err = t.Check(token, now.Add(time.Second), path.Addr{IP: [16]byte{15: 2}, Port: 4000}, []byte("retry"))
	fmt.Println(err)
	_, err = t.Check(token, now.Add(time.Minute), client, []byte("retry"))
	fmt.Println(err)
	// Output:
	// true original <nil>
	// quic: 9000-8.1.4-2: token is not authentic, or for another address
	// quic: 9000-8.1.4-5: token is too old
}

// Our connection IDs, and what the peer makes of them.
func ExampleLocalIDs() {
	id := func(b byte) quic.ConnectionID {
		c, _ := quic.MakeConnectionID([]byte{b, b, b, b})
		return c
	}
	var local path.LocalIDs
	var remote path.RemoteIDs // the peer's
	local.Init(id(0))
	remote.Init(id(0), 3)
	local.SetLimit(3) // its active_connection_id_limit

	var f quic.Frame
	for n := byte(1); local.Wanted() > 0; n++ {
		if _, err := local.Issue(id(n), quic.ResetToken{n}); err != nil { // and into the table of the endpoint
			fmt.Println(err)
		}
	}
	for local.NextFrame(&f) {
		fmt.Println(f.Kind, f.Sequence, remote.New(&f))
	}
	// The peer uses another one for a new path, and gives up the first.
	seq, _, _ := remote.Use()
	fmt.Println("in use:", seq, remote.Retire(0))
	for remote.NextFrame(&f) {
		gone, retired, err := local.Retire(f.Sequence, seq, true)
		fmt.Println(f.Kind, f.Sequence, retired, gone, err) // and out of the table
	}
	fmt.Println("wanted:", local.Wanted())
	// Output:
	// NEW_CONNECTION_ID 1 <nil>
	// NEW_CONNECTION_ID 2 <nil>
	// in use: 1 <nil>
	// RETIRE_CONNECTION_ID 0 true 00000000 <nil>
	// wanted: 1
}

func ExampleIdle() {
	var i path.Idle
	now := codec.Time(time.Second)
	i.Start(now, 30*time.Second, 20*time.Second, 5*time.Second) // max_idle_timeout of both ends, and keepalive
	pto := 100 * time.Millisecond
	fmt.Println("PING in", i.KeepAlive().Sub(now), "and the end in", i.Deadline(pto).Sub(now))
	later := now.Add(5 * time.Second)
	i.Sent(later) // the PING
	fmt.Println("PING in", i.KeepAlive().Sub(now), "and the end in", i.Deadline(pto).Sub(now))
	i.Sent(later.Add(5 * time.Second)) // another one: nothing has come since the first
	fmt.Println("the end in", i.Deadline(pto).Sub(now))
	// Output:
	// PING in 5s and the end in 20s
	// PING in 10s and the end in 25s
	// the end in 25s
}
