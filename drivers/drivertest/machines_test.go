package drivertest_test

import (
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/drivertest"
)

// A peer that finishes, or a driver that drains, while there is no room for more answers: the machine closes behind the last of those lines that
// came, whether some of them are unread or none. It was left open for ever where none was.
func TestLineEndsWithoutRoom(t *testing.T) {
	for _, src := range []string{"one\n", "one\ntwo\n", "one\ntwo\nthree\n", "one\ntw"} {
		for name, end := range map[string]func(m drivers.Machine, turn *drivers.Turn){
			"FIN":   func(m drivers.Machine, turn *drivers.Turn) { m.PeerClosed(turn) },
			"drain": func(m drivers.Machine, turn *drivers.Turn) { m.(drivers.Drainer).Drain(turn) },
		} {
			svc := &drivertest.Line{Answer: func(dst, line []byte) ([]byte, bool) { return append(dst, line...), true }}
			turn := &drivers.Turn{Now: 1, Max: 2} // less than any answer
			m := svc.Accept(turn, nil)
			n, out := m.Receive(turn, []byte(src), nil)
			if string(out) != "one\n" || m.Status() != drivers.WantOutput {
				t.Fatalf("%q: %q, status %b", src, out, m.Status())
			}
			end(m, turn)
			for i := 0; m.Status()&drivers.Closing == 0; i++ { // as a driver does
				switch st := m.Status(); {
				case i == 10:
					t.Fatalf("%q, %s: status %b with %q unread", src, name, st, src[n:])
				case st&drivers.WantOutput != 0:
					out = m.Transmit(turn, out)
				case st&drivers.WantInput != 0 && n < len(src):
					var k int
					k, out = m.Receive(turn, []byte(src[n:]), out)
					n += k
				}
			}
			whole := src
			if src == "one\ntw" {
				whole = "one\n"
			}
			if string(out) != whole {
				t.Errorf("%q, %s: %q", src, name, out)
			}
		}
	}
}
