package grpc

import (
	"bytes"
	"testing"
)

// 64 messages of 100 bytes per operation.
func BenchmarkDecoder(b *testing.B) {
	var wire []byte
	for range 64 {
		wire, _ = AppendMessage(wire, bytes.Repeat([]byte("x"), 100))
	}
	var d Decoder
	var ev Event
	b.ReportAllocs()
	b.SetBytes(int64(len(wire)))
	for b.Loop() {
		for src := wire; len(src) > 0; {
			n, err := d.Next(src, &ev)
			if err != nil {
				b.Fatal(err)
			}
			src = src[n:]
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/message")
}

func BenchmarkAppendPrefix(b *testing.B) {
	buf := make([]byte, 0, 64*PrefixLen)
	b.ReportAllocs()
	for b.Loop() {
		out := buf
		for range 64 {
			out, _ = AppendPrefix(out, false, 100)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/message")
}
