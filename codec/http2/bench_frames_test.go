package http2

import "testing"

// 64 frames per operation, as in the figures of other libraries.
func BenchmarkFrameHeader(b *testing.B) {
	var src []byte
	for range 64 {
		src = AppendWindowUpdate(src, 1, 1)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(src)))
	sum := uint32(0)
	for b.Loop() {
		for p := src; ; {
			var h FrameHeader
			if ParseFrameHeader(p, &h) == 0 {
				break
			}
			sum += h.Length
			p = p[FrameHeaderLen+4:]
		}
	}
	if sum == 0 {
		b.Fatal(sum)
	}
}

func BenchmarkWindowUpdate(b *testing.B) {
	var src []byte
	for range 64 {
		src = AppendWindowUpdate(src, 1, 1)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(src)))
	sum := uint32(0)
	for b.Loop() {
		for p := src; ; {
			var h FrameHeader
			if ParseFrameHeader(p, &h) == 0 {
				break
			}
			p = p[FrameHeaderLen:]
			if h.Check(MinFrameSize) != ok {
				b.Fatal(h)
			}
			n, f := ParseWindowUpdate(&h, p[:h.Length])
			if f != ok {
				b.Fatal(f)
			}
			sum += n
			p = p[h.Length:]
		}
	}
}

func BenchmarkData(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"1KB", 1024}, {"16KB", 16384}} {
		b.Run(size.name, func(b *testing.B) {
			var src []byte
			for range 16 {
				src = append(AppendDataHeader(src, 1, size.n, -1, false), make([]byte, size.n)...)
			}
			b.ReportAllocs()
			for b.Loop() {
				for p := src; ; {
					var h FrameHeader
					if ParseFrameHeader(p, &h) == 0 {
						break
					}
					p = p[FrameHeaderLen:]
					if h.Check(MinFrameSize) != ok {
						b.Fatal(h)
					}
					if data, f := ParseData(&h, p[:h.Length]); f != ok || len(data) != size.n {
						b.Fatal(f)
					}
					p = p[h.Length:]
				}
			}
		})
	}
}

func BenchmarkAppendWindowUpdate(b *testing.B) {
	dst := make([]byte, 0, 64*13)
	b.ReportAllocs()
	for b.Loop() {
		d := dst
		for i := range uint32(64) {
			d = AppendWindowUpdate(d, i, 1)
		}
	}
}
