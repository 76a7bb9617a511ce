package ws

import (
	"fmt"
	"testing"
)

// A server that sends one message back: what the loop costs without any input or output.
func BenchmarkEcho(b *testing.B) {
	text := texts()["words"]
	for _, op := range []Opcode{Text, Binary} {
		for _, n := range []int{16, 128, 1024, 16 << 10} {
			for _, deflate := range []bool{false, true} {
				if deflate && op == Binary {
					continue
				}
				b.Run(fmt.Sprintf("%s/%d/deflate=%v", op, n, deflate), func(b *testing.B) {
					var d *Deflate
					if deflate {
						d = &Deflate{ServerNoTakeover: true, ClientNoTakeover: true}
					}
					p := newPair(&Config{Pool: NewFreeList(2), DeflateMin: -1}, d)
					in, err := p.c.AppendMessage(nil, op, text[:n])
					if err != nil {
						b.Fatal(err)
					}
					var ev Event
					buf, out := make([]byte, len(in)), make([]byte, 0, 2*n+64)
					b.SetBytes(int64(n))
					b.ReportAllocs()
					for b.Loop() {
						copy(buf, in)
						k, err := p.s.Next(buf, &ev)
						if err != nil || !ev.Last {
							b.Fatal(err, ev.Kind)
						}
						if _, err = p.s.AppendMessage(out, op, ev.Payload); err != nil {
							b.Fatal(err)
						}
						if _, err = p.s.Next(buf[k:], &ev); err != nil || ev.Kind != None {
							b.Fatal(err)
						}
						p.s.AppendOwed(out, 1000)
					}
				})
			}
		}
	}
}

// A server that reads a batch of 64 small messages from one buffer.
func BenchmarkReceive(b *testing.B) {
	for _, n := range []int{0, 16, 125} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := newPair(&Config{Limits: Limits{Fruitless: -1}}, nil)
			var in []byte
			for range 64 {
				in, _ = p.c.AppendMessage(in, Binary, make([]byte, n))
			}
			buf := make([]byte, len(in))
			var ev Event
			b.ReportAllocs()
			for b.Loop() {
				copy(buf, in)
				src := buf
				for {
					k, err := p.s.Next(src, &ev)
					if err != nil {
						b.Fatal(err)
					}
					if src = src[k:]; ev.Kind == None {
						break
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/message")
		})
	}
}

func BenchmarkSend(b *testing.B) {
	for _, role := range []Role{Server, Client} {
		for _, n := range []int{16, 128, 1024, 16 << 10} {
			b.Run(fmt.Sprintf("%d/%d", role, n), func(b *testing.B) {
				var c Conn
				c.Init(role, &Config{Rand: testRand()})
				out, p := make([]byte, 0, n+16), make([]byte, n)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.AppendMessage(out, Binary, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
