package protect

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

func vectorOps() map[string]codectest.VectorOp {
	var k *Keys
	return map[string]codectest.VectorOp{
		"initial": func(a *codectest.Args) string {
			client, server, err := InitialSecrets(quic.Version(a.Uint()), a.Hex())
			if err != nil {
				return err.Error()
			}
			return fmt.Sprintf("%x\n%x", client, server)
		},
		// keys makes the keys that the operations behind it use.
		"keys": func(a *codectest.Args) string {
			n, err := New(quic.Version(a.Uint()), Suite(a.Uint()), a.Hex())
			if err != nil {
				return err.Error()
			}
			k = n
			return fmt.Sprintf("suite %x overhead %d", uint16(k.Suite()), k.Overhead())
		},
		"update": func(*codectest.Args) string {
			n, err := k.Update()
			if err != nil {
				return err.Error()
			}
			k = n
			return fmt.Sprintf("suite %x", uint16(k.Suite()))
		},
		"seal": func(a *codectest.Args) string {
			return hex.EncodeToString(k.Seal([]byte("kept"), a.Int(), a.Hex(), a.Hex())[4:])
		},
		"open": func(a *codectest.Args) string {
			out, ok := k.Open([]byte("kept"), a.Int(), a.Hex(), a.Hex())
			return fmt.Sprintf("%v %x", ok, out[4:])
		},
		"mask": func(a *codectest.Args) string { return fmt.Sprintf("%010x", k.Mask(a.Hex())) },
		"limits": func(a *codectest.Args) string {
			c, i, ok := Suite(a.Uint()).Limits()
			return fmt.Sprintf("%d %d %v", c, i, ok)
		},
		"retry-tag": func(a *codectest.Args) string {
			tag, err := RetryTag(quic.Version(a.Uint()), a.Hex(), a.Hex())
			if err != nil {
				return err.Error()
			}
			return hex.EncodeToString(tag[:])
		},
		"retry-authentic": func(a *codectest.Args) string {
			return fmt.Sprint(RetryAuthentic(quic.Version(a.Uint()), a.Hex(), a.Hex()))
		},
		"reset-token": func(a *codectest.Args) string { return fmt.Sprintf("%x", ResetToken(a.Bytes(), a.Bytes())) },
	}
}

// The vectors have every function for itself, those of the RFCs among them. The packets of the RFCs are in testdata: see TestVectorPackets.
func TestVectors(t *testing.T) {
	codectest.RunVectors(t, "../../../corpus/quic/protect", vectorOps)
}
