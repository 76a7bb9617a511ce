package http2

import "testing"

// RFC 9113 section 6.9.1: a sender MUST NOT allow a flow-control window to exceed 2^31-1 octets.
func TestWindowOverflow(t *testing.T) {
	for _, c := range []struct {
		start window
		inc   uint32
		fits  bool
	}{
		{0, MaxWindow, true}, {1, MaxWindow, false}, {65535, MaxWindow - 65535, true}, {65535, MaxWindow - 65534, false},
		{MaxWindow, 1, false}, {-1, MaxWindow, true}, {-MaxWindow, MaxWindow, true},
	} {
		w := c.start
		if w.grow(c.inc) != c.fits {
			t.Errorf("%d + %d: fits %t", c.start, c.inc, !c.fits)
		}
		if !c.fits && w != c.start {
			t.Errorf("%d + %d: refused and changed to %d", c.start, c.inc, w)
		}
	}
}

// RFC 9113 section 6.9.2: a change to SETTINGS_INITIAL_WINDOW_SIZE can cause the available space in a flow-control window to become
// negative. A sender MUST track the negative flow-control window. The figures are the example of that section.
func TestWindowNegative(t *testing.T) {
	var w window
	w.grow(65535)
	w.take(61440) // 60 KB
	if !w.shift(16384 - 65535) {
		t.Fatal("refused")
	}
	if w != 16384-61440 || w.avail() != 0 {
		t.Errorf("window %d, %d to send", w, w.avail())
	}
	w.grow(uint32(-w))
	if w.avail() != 0 {
		t.Error("0 is nothing to send")
	}
	if w.grow(1); w.avail() != 1 {
		t.Error("positive again, and nothing to send")
	}
}

func TestRecvWindow(t *testing.T) {
	var r recvWindow
	r.init(100)
	if !r.received(100) || r.received(1) {
		t.Error("the window is 100")
	}
	if !r.received(0) {
		t.Error("an empty frame needs no window")
	}
	r.released(49)
	if r.due() != 0 {
		t.Error("less than half of the window is not worth a frame")
	}
	if r.released(1); r.due() != 50 {
		t.Errorf("half of the window is due, not %d", r.due())
	}
	if r.emit() != 50 || r.due() != 0 || r.emit() != 0 {
		t.Error("what was told is not owed any more")
	}
	if r.received(51) || !r.received(50) {
		t.Error("the peer may send what it was told")
	}
	// THREATS H2-09: nothing of the window gets lost, and no more is given back than was taken.
	r.released(1000)
	if n := r.emit(); n != 100 || r.open != 100 {
		t.Errorf("%d returned, %d open", n, r.open)
	}
}

func TestRecvWindowResize(t *testing.T) {
	var r recvWindow
	r.init(100)
	r.grow(300)
	if r.due() != 200 {
		t.Errorf("due %d", r.due())
	}
	r.emit()
	if !r.received(300) {
		t.Error("the window is 300 now")
	}
	r.shift(-250)
	if r.open != -250 || r.received(1) {
		t.Errorf("open %d", r.open)
	}
	r.released(300)
	if r.emit(); r.open != 50 || r.size != 50 {
		t.Errorf("open %d of %d", r.open, r.size)
	}
	if r.grow(51); r.due() != 1 {
		t.Error("what a larger window adds is not due at once")
	}
	r.emit()
	r.shift(-1)
	if r.grow(10); r.size != 50 || r.due() != 0 {
		t.Error("grow does not shrink")
	}
}
