package quic

import (
	"crypto/aes"
	"crypto/cipher"
	"slices"
	"testing"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/protect"
	"github.com/quic-go/quic-go/quicvarint"
	"github.com/stretchr/testify/require"
)

// peer has what an implementation can do. Every function makes a number of passes; a negative result is a failure. nil: it cannot.
type peer struct {
	name          string
	parseVarints  func(times int, wire []byte) int
	appendVarints func(times int, buf []byte, values []uint64) int
	longHeader    func(times int, packet []byte) int
	streamFrame   func(times int, frame []byte) int
	ackFrame      func(times int, frame []byte) int
	appendStream  func(times int, buf, data []byte) int
	appendAck     func(times int, buf []byte, ranges [][2]uint64) int
	seal          func(times int, id, buf, header []byte, size int) int
	open          func(times int, id, buf, packet []byte, numberAt int) int
}

// peers are those that were compiled in; purewire is the first.
func peers(t testing.TB) []peer {
	sealer, opener := keys(t), keys(t) // as the others, before the clock starts
	return append([]peer{{
		name: "purewire",
		parseVarints: func(times int, wire []byte) int {
			for range times {
				for b := wire; len(b) > 0; {
					_, n := quic.ParseVarint(b)
					if n == 0 {
						return -1
					}
					b = b[n:]
				}
			}
			return 0
		},
		appendVarints: func(times int, buf []byte, values []uint64) int {
			for range times {
				b := buf[:0]
				for _, v := range values {
					b = quic.AppendVarint(b, v)
				}
				if len(b) == 0 {
					return -1
				}
			}
			return 0
		},
		longHeader: func(times int, packet []byte) int {
			var h quic.Header
			for range times {
				if n, err := quic.ParseHeader(packet, quic.HeaderOptions{}, &h); err != nil || n != len(packet) {
					return -1
				}
			}
			return 0
		},
		streamFrame: frames,
		ackFrame:    frames,
		appendStream: func(times int, buf, data []byte) int {
			for range times {
				if b, err := quic.AppendFrame(buf[:0], &quic.Frame{Kind: quic.Stream, StreamID: 4, Offset: 1 << 20, Data: data}); err != nil || len(b) <= len(data) {
					return -1
				}
			}
			return 0
		},
		appendAck: func(times int, buf []byte, _ [][2]uint64) int {
			all := ownRanges()
			for range times {
				if _, n, err := quic.AppendAck(buf[:0], 25, all, nil, 1200); err != nil || n != len(all) {
					return -1
				}
			}
			return 0
		},
		seal: func(times int, _, buf, header []byte, size int) int {
			for i := range times {
				copy(buf, header)
				if _, err := quic.Protect(buf[:size], 0, len(header), int64(i), sealer); err != nil {
					return -1
				}
			}
			return 0
		},
		open: func(times int, _, buf, packet []byte, numberAt int) int {
			for range times {
				b := append(buf[:0], packet...)
				o, err := quic.Unmask(b, numberAt, 8, opener)
				if err != nil {
					return -1
				}
				if _, err := o.Open(b, opener); err != nil {
					return -1
				}
			}
			return 0
		},
	}, {
		name: "purewire, header",
		appendStream: func(times int, buf, data []byte) int {
			for range times {
				b, err := quic.AppendStreamHeader(buf[:0], 4, 1<<20, len(data), false, false)
				if b = append(b, data...); err != nil || len(b) <= len(data) {
					return -1
				}
			}
			return 0
		},
	}, raw(t), {
		name: "quicvarint",
		parseVarints: func(times int, wire []byte) int {
			for range times {
				for b := wire; len(b) > 0; {
					_, n, err := quicvarint.Parse(b)
					if err != nil {
						return -1
					}
					b = b[n:]
				}
			}
			return 0
		},
		appendVarints: func(times int, buf []byte, values []uint64) int {
			for range times {
				b := buf[:0]
				for _, v := range values {
					b = quicvarint.Append(b, v)
				}
				if len(b) == 0 {
					return -1
				}
			}
			return 0
		},
	}}, slices.Concat(copied, inC)...)
}

// Peers behind a build tag: those whose modules are copied, and those that cgo calls.
var copied, inC []peer

func frames(times int, frame []byte) int {
	var d quic.FrameDecoder
	var f quic.Frame
	for range times {
		d.Init(quic.Server, quic.OneRTT, len(frame))
		if n, err := d.Next(frame, &f); err != nil || n != len(frame) {
			return -1
		}
	}
	return 0
}

// raw is the least that a packet can cost with Go's AEAD: AES-128-GCM over the payload and one AES block.
func raw(t testing.TB) peer {
	block, err := aes.NewCipher(make([]byte, 16))
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	nonce, mask := make([]byte, 12), make([]byte, 16)
	return peer{
		name: "AEAD and a block",
		seal: func(times int, _, buf, header []byte, size int) int {
			n := len(header)
			for range times {
				copy(buf, header)
				gcm.Seal(buf[:n], nonce, buf[n:size], buf[:n])
				block.Encrypt(mask, buf[n+2:n+18])
			}
			return 0
		},
		open: func(times int, _, buf, packet []byte, numberAt int) int {
			n := numberAt + 2
			sealed := gcm.Seal(append([]byte(nil), packet[:n]...), nonce, packet[n:len(packet)-protect.Overhead], packet[:n])
			for range times {
				b := append(buf[:0], sealed...)
				block.Encrypt(mask, b[n+2:n+18])
				if _, err := gcm.Open(b[n:n], nonce, b[n:], b[:n]); err != nil {
					return -1
				}
			}
			return 0
		},
	}
}
