package websocket

import (
	"net"
	"strconv"
	"testing"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
)

type noLink struct{}

func (noLink) Wake()                                 {}
func (noLink) Post(func(*drivers.Turn, error)) error { return nil }
func (noLink) Go(func())                             {}
func (noLink) Pump() bool                            { return false }
func (noLink) Watch()                                {}
func (noLink) LocalAddr() net.Addr                   { return nil }
func (noLink) RemoteAddr() net.Addr                  { return nil }
func (noLink) Unsent() int                           { return 0 }

// What an echoed message costs above the driver: one Receive with one masked frame, answered in place.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{128, 16 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			c := newConn(ws.Server, (&Options{}).settings(), &Handler{
				OnMessage: func(c *Conn, op Opcode, p []byte) { _ = c.TrySend(op, p) },
			})
			t := &drivers.Turn{Now: 1, Max: 64 << 10}
			m := c.attach(t, noLink{})
			frame, err := ws.AppendHeader(nil, &ws.Header{Fin: true, Opcode: Binary, Masked: true, Key: [4]byte{1, 2, 3, 4}, Length: int64(size)})
			if err != nil {
				b.Fatal(err)
			}
			frame = append(frame, make([]byte, size)...)
			src, dst := make([]byte, len(frame)), make([]byte, 0, 64<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				copy(src, frame[:14]) // the header may be overwritten, the payload is unmasked in place again and again
				n, out := m.Receive(t, src, dst[:0])
				if n != len(src) || len(out) < size || m.Status() != drivers.WantInput {
					b.Fatal(n, len(out), m.Status())
				}
			}
		})
	}
}
