package http2

import (
	"errors"
	"testing"
)

// frameOutcomes is what becomes of frames of zeros, by type: how many are taken or discarded, how many are stream errors, how
// many connection errors, over all 256 flags, on stream 0, an open, an idle and a closed stream (which we have reset), with 0, 1
// and 16384 octets. Each row was counted by hand.
var frameOutcomes = map[FrameType][3]int{
	// Stream 0 and the idle stream: 768 errors each. On the others PADDED needs an octet: 128 errors each without it.
	FrameData: {1280, 0, 768 + 768 + 2*128},
	// Stream 0: 768. On each of the others PADDED needs an octet, PRIORITY five: 192 and 128 errors; a block of one octet is cut short: 32;
	// so are those of 16384, 16379 and 16378: 96. Without END_HEADERS the block waits. On the open stream whole blocks are
	// trailers: 2 times 16 have no END_STREAM, and those of 16383 octets are 5461 fields, too many: 32. On the idle stream
	// the empty ones are no requests: 64, and the large one is TooLarge, which is no error. On the closed one all are dropped.
	FrameHeaders: {256 + 256 + 320, 64 + 64, 768 + 3*448},
	// None has five octets: the error of a stream where there is one.
	FramePriority: {0, 2 * 768, 2 * 768},
	// None has four octets.
	FrameRSTStream: {0, 0, 3072}, FrameWindowUpdate: {0, 0, 3072},
	// Only the empty one on stream 0, as an acknowledgment or not; 16384 is no multiple of 6.
	FrameSettings: {256, 0, 3072 - 256},
	// From a client.
	FramePushPromise: {0, 0, 3072},
	// None has eight octets.
	FramePing: {0, 0, 3072},
	// Only the long one on stream 0.
	FrameGoAway: {256, 0, 3072 - 256},
	// Nothing is in front of them.
	FrameContinuation: {0, 0, 3072},
	// Not for servers.
	FrameAltSvc: {3072, 0, 0}, FrameOrigin: {3072, 0, 0},
	// On stream 0 the two short ones are too short, and the long one is about stream 0.
	FramePriorityUpdate: {0, 0, 3072},
}

// TestTypes is THREATS H2-11: nothing of it panics, types that nobody knows are discarded whatever their flags say, and the outcomes are
// fixed.
func TestTypes(t *testing.T) {
	zeros := make([]byte, MinFrameSize)
	got := map[FrameType][3]int{}
	var c Conn
	var ev Event
	start := AppendSettings([]byte(ClientPreface))
	start = AppendHeaders(start, 1, requestBlock, false, 0, nil)
	start = AppendHeaders(start, 3, requestBlock, false, 0, nil)
	frame := make([]byte, 0, MinFrameSize+FrameHeaderLen)
	for typ := range 256 {
		for flags := range 256 {
			for _, stream := range []uint32{0, 1, 5, 3} {
				for _, length := range []uint32{0, 1, MinFrameSize} {
					c.Init(Server, nil)
					for src := start; len(src) > 0; {
						n, err := c.Next(src, &ev)
						if err != nil {
							t.Fatal(err)
						}
						src = src[n:]
					}
					if err := c.Reset(3, Cancel); err != nil {
						t.Fatal(err)
					}
					frame = AppendFrameHeader(frame[:0], FrameHeader{length, FrameType(typ), Flags(flags), stream})
					frame = append(frame, zeros[:length]...)
					outcome := 0
					for src := frame; ; {
						n, err := c.Next(src, &ev)
						src = src[n:]
						if err != nil {
							var e *Error
							if outcome = 2; !errors.As(err, &e) || e.Reason == "" {
								t.Fatal(err)
							}
							break
						}
						if ev.Kind == StreamError {
							outcome = 1
						}
						if ev.Kind == None {
							break
						}
					}
					if known := FrameType(typ).String() != "UNKNOWN"; !known && (outcome != 0 || c.in.scan > 0) {
						t.Fatalf("type %#x flags %#x stream %d length %d: %v", typ, flags, stream, length, c.Err())
					}
					row := got[FrameType(typ)]
					row[outcome]++
					got[FrameType(typ)] = row
				}
			}
		}
	}
	for typ, row := range got {
		want, known := frameOutcomes[typ]
		if !known {
			want = [3]int{3072, 0, 0}
		}
		if row != want {
			t.Errorf("%v (%#x): %v, want %v", typ, uint8(typ), row, want)
		}
	}
}

// TestConnPreface: H2-15: a connection that does not begin with the preface ends at the first wrong octet, whatever has come behind it.
func TestConnPreface(t *testing.T) {
	for k := range len(ClientPreface) {
		wrong := []byte(ClientPreface)
		wrong[k] ^= 0x20
		for _, behind := range []string{"", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"} {
			var c Conn
			var ev Event
			c.Init(Server, nil)
			src := append(wrong, behind...)
			for i := range src {
				n, err := c.Next(src[:i+1], &ev)
				if (err != nil) != (i >= k) || n != 0 {
					t.Fatalf("octet %d is wrong: %d octets: %v", k, i+1, err)
				}
				if err != nil && !errors.Is(err, ProtocolError) {
					t.Fatal(err)
				}
			}
			if out := c.AppendOwed(nil, 1<<20); len(out) < 17 || FrameType(out[3]) != FrameSettings || FrameType(out[len(out)-14]) != FrameGoAway {
				t.Fatalf("owed %x", out) // our SETTINGS are the first frame all the same
			}
		}
	}
}
