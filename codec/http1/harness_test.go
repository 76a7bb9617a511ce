package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
)

// conn is a connection for tests: which decoder, and what is expected of it.
type conn struct {
	o        Options
	response bool
	method   Method // of the request that each response answers
	upgrade  bool
	eof      bool // call Finish at the end
}

// outcome is everything the split law compares.
type outcome struct {
	log      string // events, adjacent data joined
	code     Status
	reason   string
	off      int64
	consumed int
	steps    uint64
	tail     int // longest unconsumed tail
}

func (o outcome) key() string {
	return fmt.Sprintf("%s| %d %q @%d consumed %d", o.log, o.code, o.reason, o.off, o.consumed)
}

func (c conn) new() *Decoder {
	d := new(Decoder)
	if c.response {
		d.InitResponse(c.o.Profile())
		d.Expect(c.method, c.upgrade)
	} else {
		d.InitRequest(c.o.Profile())
	}
	return d
}

// feed presents in with a new copy of the unconsumed tail whenever more arrives, and clobbers what it lent before.
func (c conn) feed(in []byte, next func(at int) int) (out outcome) {
	d := c.new()
	var ev Event
	var log strings.Builder
	data := false
	var err error
	for at := 0; at < len(in) && err == nil; {
		at = next(at)
		src := append([]byte(nil), in[out.consumed:at]...)
		for err == nil {
			var n int
			n, err = d.Next(src, &ev)
			if n < 0 || n > len(src) {
				panic("n out of range")
			}
			out.consumed += n
			if err != nil || ev.Kind == None {
				src = src[n:]
				break
			}
			if ev.Kind == Body {
				if len(ev.Data) == 0 {
					panic("empty Body")
				}
				if !data {
					log.WriteString(" body:")
				}
			}
			data = ev.Kind == Body
			c.write(&log, &ev)
			src = src[n:]
			if ev.Kind == End {
				if d.Idle() && !d.Paused() {
					panic("idle after End")
				}
				d.Resume()
				d.Expect(c.method, c.upgrade)
			}
		}
		out.tail = max(out.tail, len(src))
	}
	if err == nil && c.eof {
		if err = d.Finish(&ev); err == nil && ev.Kind == End {
			log.WriteString(" end")
		}
	}
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Scope != codec.ScopeConn || !errors.Is(err, e.Code) || d.Err() != err {
			panic("not an *Error")
		}
		out.code, out.reason, out.off = e.Code, e.Reason, e.Off
		if n, again := d.Next(in, &ev); n != 0 || again != err || ev.Kind != None || d.Finish(&ev) != err {
			panic("error is not sticky")
		}
	}
	out.log, out.steps = log.String(), d.Steps()
	return out
}

func (c conn) write(w *strings.Builder, ev *Event) {
	switch ev.Kind {
	case Request:
		fmt.Fprintf(w, " %s/%s(%d %q", ev.Method, ev.MethodID, ev.Form, ev.Path)
		if ev.HasQuery {
			fmt.Fprintf(w, "?%q", ev.Query)
		}
		fmt.Fprintf(w, " at %q 1.%d", ev.Authority, ev.Minor)
	case Response, Informational:
		fmt.Fprintf(w, " %d(%q 1.%d", ev.Status, ev.Reason, ev.Minor)
	case Body:
		w.Write(ev.Data)
		return
	case End:
		w.WriteString(" end")
	}
	if ev.Kind == Request || ev.Kind == Response {
		fmt.Fprintf(w, " %s", [...]string{"nobody", "length", "chunked", "close", "tunnel"}[ev.Framing])
		if ev.Framing == Length || ev.Length > 0 {
			fmt.Fprintf(w, "=%d", ev.Length)
		}
		if ev.KeepAlive {
			w.WriteString(" keep")
		}
		if ev.Upgrade {
			w.WriteString(" upgrade")
		}
		if ev.Kind == Request && ev.Expect100 {
			w.WriteString(" expect")
		}
	}
	if ev.Kind != End {
		w.WriteString(")")
	}
	for _, f := range ev.Fields {
		fmt.Fprintf(w, "[%s=%s]", f.Name, f.Value)
	}
}

// run feeds in whole, at every cut into two, and byte by byte; all must come out the same. It returns the outcome of
// the whole.
func (c conn) run(t testing.TB, in string) outcome {
	t.Helper()
	b := []byte(in)
	whole := c.feed(b, func(int) int { return len(b) })
	same := func(how string, cut int, got outcome) {
		t.Helper()
		if got.key() != whole.key() {
			t.Fatalf("%q %s %d:\n got %s\nwant %s", clipped(in), how, cut, got.key(), whole.key())
		}
		if got.steps > 4*uint64(len(b))+4 {
			t.Fatalf("%q %s %d: %d steps for %d bytes", clipped(in), how, cut, got.steps, len(b))
		}
	}
	step := 1
	if len(b) > 2048 {
		step = len(b) / 512
	}
	for cut := 1; cut < len(b); cut += step {
		same("cut at", cut, c.feed(b, func(at int) int {
			if at < cut {
				return cut
			}
			return len(b)
		}))
	}
	if len(b) <= 4096 {
		same("in pieces of", 1, c.feed(b, func(at int) int { return at + 1 }))
	}
	same("in pieces of", 7, c.feed(b, func(at int) int { return min(at+7, len(b)) }))
	return whole
}

func clipped(s string) string { return s[:min(len(s), 200)] }

// wantCase is one row of a table: the text of the log, or of the reason if code is not 0.
type wantCase struct {
	in   string
	code Status
	want string
}

func (c conn) table(t *testing.T, rows []wantCase) {
	t.Helper()
	for _, row := range rows {
		got := c.run(t, row.in)
		switch {
		case got.code != row.code:
			t.Errorf("%q: code %d %q, want %d %q; log %s", clipped(row.in), got.code, got.reason, row.code, row.want, got.log)
		case row.code == 0 && strings.TrimSpace(got.log) != row.want:
			t.Errorf("%q:\n got %s\nwant %s", clipped(row.in), strings.TrimSpace(got.log), row.want)
		case row.code != 0 && !strings.Contains(got.reason, row.want):
			t.Errorf("%q: reason %q, want %q", clipped(row.in), got.reason, row.want)
		}
	}
}
