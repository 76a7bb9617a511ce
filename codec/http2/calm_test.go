package http2

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

// calmVictim is a server that allows a PING every minute, with a clock.
func calmVictim(t *testing.T, idle bool) (c *Conn, ping func(after time.Duration) error) {
	c = new(Conn)
	c.Init(Server, Config{Limits: Limits{PingInterval: time.Minute, PingIdle: idle}}.Profile())
	now := codec.Time(time.Hour)
	c.Advance(now)
	var ev Event
	feed := func(src []byte) error {
		for {
			n, err := c.Next(src, &ev)
			if src = src[n:]; err != nil || ev.Kind == None {
				return err
			}
		}
	}
	if err := feed(AppendSettings([]byte(ClientPreface))); err != nil {
		t.Fatal(err)
	}
	c.AppendOwed(nil, 1<<20)
	if err := feed(AppendSettingsAck(nil)); err != nil {
		t.Fatal(err)
	}
	return c, func(after time.Duration) error {
		now = now.Add(after)
		c.Advance(now)
		err := feed(AppendPing(nil, [8]byte{1}, false))
		if err == nil {
			if want := AppendPing(nil, [8]byte{1}, true); !bytes.Contains(c.AppendOwed(nil, 1<<20), want) {
				t.Error("a PING is not answered")
			}
		}
		return err
	}
}

func openOne(t *testing.T, c *Conn, id uint32) {
	t.Helper()
	var ev Event
	if _, err := c.Next(AppendHeaders(nil, id, requestBlock, false, 0, nil), &ev); err != nil || ev.Kind != Request {
		t.Fatal(ev.Kind, err)
	}
}

// THREATS G-03: PING frames that come faster than the interval end the connection with the third, in words that gRPC clients know.
func TestCalm(t *testing.T) {
	for name, v := range map[string]struct {
		idle, stream bool
		after        time.Duration
	}{
		"a stream is open":                     {false, true, time.Minute - 1},
		"allowed without a stream, and faster": {true, false, time.Minute - 1},
		"without a stream":                     {false, false, 2*time.Hour - 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, ping := calmVictim(t, v.idle)
			if v.stream {
				openOne(t, c, 1)
			}
			if err := ping(0); err != nil {
				t.Fatal("the first one:", err)
			}
			for range maxStrikes {
				if err := ping(v.after); err != nil {
					t.Fatal("a strike:", err)
				}
			}
			err := ping(v.after)
			var e *Error
			if !errors.As(err, &e) || e.Reason != fPingsOften.Reason() || e.Code != EnhanceYourCalm {
				t.Fatal(err)
			}
			last := uint32(0)
			if v.stream {
				last = 1
			}
			if out, want := c.AppendOwed(nil, 1<<20), AppendGoAway(nil, last, EnhanceYourCalm, []byte("too_many_pings")); !bytes.Equal(out, want) {
				t.Errorf("got % x", out)
			}
		})
	}
}

// The twins of TestCalm: those who ask as often as is allowed, and those who measure what they get.
func TestTwinCalm(t *testing.T) {
	for name, v := range map[string]struct {
		idle, stream bool
		after        time.Duration
	}{
		"a stream is open":         {false, true, time.Minute},
		"allowed without a stream": {true, false, time.Minute},
		"without a stream":         {false, false, 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			c, ping := calmVictim(t, v.idle)
			if v.stream {
				openOne(t, c, 1)
			}
			for i := range 1000 {
				if err := ping(v.after); err != nil {
					t.Fatalf("ping %d: %v", i, err)
				}
			}
		})
	}
	t.Run("one for each response", func(t *testing.T) {
		c, ping := calmVictim(t, false)
		for i := range uint32(1000) {
			openOne(t, c, 2*i+1)
			if _, err := c.AppendResponse(nil, 2*i+1, 200, nil, true); err != nil {
				t.Fatal(err)
			}
			if err := c.Reset(2*i+1, NoError); err != nil {
				t.Fatal(err)
			}
			if err := ping(10 * time.Millisecond); err != nil {
				t.Fatalf("ping %d: %v", i, err)
			}
		}
	})
	t.Run("one for each piece of data", func(t *testing.T) {
		c, ping := calmVictim(t, false)
		openOne(t, c, 1)
		if _, err := c.AppendResponse(nil, 1, 200, nil, false); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if _, n, err := c.AppendData(nil, 1, []byte("x"), false); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if err := ping(10 * time.Millisecond); err != nil {
				t.Fatalf("ping %d: %v", i, err)
			}
		}
	})
	t.Run("no interval", func(t *testing.T) {
		v := newVictim(t)
		v.reads = true
		for range 900 {
			v.must(AppendPing(nil, [8]byte{}, false))
		}
	})
}
