package http2

import (
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

// FuzzFrames holds the frame layer to the laws of package codec on any input.
func FuzzFrames(f *testing.F) {
	for _, row := range frameRows {
		if wire := row.call(nil); len(wire) < 1000 {
			f.Add(wire, uint64(1))
		}
	}
	cases, err := codectest.LoadGolden(framesDir)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		if len(c.Input) < 1000 {
			f.Add(c.Input, uint64(len(c.Input)))
		}
	}
	streamed, whole := framesAdapter(MinFrameSize, false, false), framesAdapter(MinFrameSize, true, true)
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		codectest.Check(t, streamed, in, seed)
		codectest.Check(t, whole, in, seed)
		codectest.RoundTrip(t, streamed, in)
	})
}
