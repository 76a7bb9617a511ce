package http2

import "testing"

// A connection that has failed owes its GOAWAY and nothing else, whatever its application still does with the streams: else AppendOwed
// would never give what Owes tells of, and Done would never be true.
func TestFailedConnOwesNothingMore(t *testing.T) {
	p := newPair(t, Config{Window: WindowPolicy{Stream: 100}}.Profile(), defaultProfile)
	first, second := p.request(false), p.request(false)
	for _, id := range []uint32{first, second} {
		out, n, err := p.c.AppendData(nil, id, make([]byte, 100), false)
		if err != nil || n != 100 {
			t.Fatal(n, err)
		}
		p.toServer(out)
	}
	if _, err := p.s.Next(AppendWindowUpdate(nil, 0, 0), &p.ev); err == nil {
		t.Fatal("an increment of 0 is no error")
	}
	if err := p.s.Consumed(first, 100); err != nil {
		t.Fatal(err)
	}
	if err := p.s.Reset(second, Cancel); err != nil {
		t.Fatal(err)
	}
	var h FrameHeader
	out := p.s.AppendOwed(nil, 1<<20)
	if ParseFrameHeader(out, &h); h.Type != FrameGoAway || len(out) != FrameHeaderLen+int(h.Length) {
		t.Errorf("sent %x", out)
	}
	if p.s.Owes() || !p.s.Done() {
		t.Errorf("owes %t, done %t", p.s.Owes(), p.s.Done())
	}
}
