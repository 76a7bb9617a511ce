package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers"
)

var outputTests = []test{
	{"OutputInOrder", outputInOrder},
	{"EverythingIsAnsweredAfterFIN", answeredAfterFIN},
	{"ServerSpeaksFirst", serverSpeaksFirst},
	{"StalledWriterDoesNotStopReading", stalledWriter},
	{"HighWaterIsKept", highWater},
	{"KillWaterEndsTheConnection", killWater},
	{"WriteStallEndsTheConnection", writeStall},
	{"SlowReaderIsNotAStall", slowReader},
	{"LargePayloadByReference", largePayload},
	{"PayloadBetweenOutput", payloadBetweenOutput},
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("Closed(%v), want %v", got, want)
	}
}

// "Output is sent in order", from Receive and Transmit alike, and Transmit is called as often as there is room.
func outputInOrder(t *testing.T, d Driver) {
	const size = 2 << 20
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		rest := pattern(size)
		p.receive = func(p *probe, t *drivers.Turn, src, dst []byte) (int, []byte) {
			p.status |= drivers.WantOutput
			return len(src), append(dst, "head:"...)
		}
		p.transmit = func(p *probe, turn *drivers.Turn, dst []byte) []byte {
			n := min(len(rest), turn.Max, 10_000)
			dst = append(dst, rest[:n]...)
			if rest = rest[n:]; len(rest) == 0 {
				p.status &^= drivers.WantOutput
			}
			return dst
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	if _, err := c.Write([]byte("go")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5+size)
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, append([]byte("head:"), pattern(size)...)) {
		t.Errorf("wrong bytes, %v", err)
	}
	_ = c.Close()
	stop(t, s)
}

func serverSpeaksFirst(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.status |= drivers.WantOutput
		p.transmit = func(p *probe, _ *drivers.Turn, dst []byte) []byte {
			p.status &^= drivers.WantOutput
			return append(dst, "220 ready\r\n"...)
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	got := make([]byte, 11)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "220 ready\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	_ = c.Close()
	stop(t, s)
}

// A peer sends far more than the high-water mark, finishes, and only then reads: back-pressure holds back what it sent, and the FIN
// behind that loses nothing of it.
func answeredAfterFIN(t *testing.T, d Driver) {
	const size = 8 << 20
	lines := bytes.Repeat([]byte("0123456789abcdef0123456789abcde\n"), size/32)
	for _, row := range []struct {
		name string
		svc  drivers.Service
	}{
		{"echo", Echo},
		{"lines", &Line{Answer: func(dst, line []byte) ([]byte, bool) { return append(dst, line...), true }}},
	} {
		s := startService(t, d, Options{HighWater: 16 << 10}, row.svc)
		c := dial(t, s)
		sent := make(chan error, 1)
		go func() {
			_, err := c.Write(lines)
			if err == nil {
				err = c.(interface{ CloseWrite() error }).CloseWrite()
			}
			sent <- err
		}()
		time.Sleep(20 * time.Millisecond) // the pipe fills up
		got, err := io.ReadAll(c)
		if !bytes.Equal(got, lines) || err != nil {
			t.Errorf("%s: %d of %d bytes, %v", row.name, len(got), size, err)
		}
		if err := recv(t, "the peer to send", sent); err != nil {
			t.Error(err)
		}
		_ = c.Close()
		stop(t, s)
	}
}

// endless prepares a probe that sends zeros without end, within Turn.Max, and counts what it is given.
func endless(given *atomic.Int64, taken *atomic.Int64) func(p *probe, _ *drivers.Turn) {
	zeros := make([]byte, 1<<20)
	return func(p *probe, _ *drivers.Turn) {
		p.status |= drivers.WantOutput
		p.transmit = func(_ *probe, turn *drivers.Turn, dst []byte) []byte {
			n := min(turn.Max, len(zeros))
			taken.Add(int64(n))
			return append(dst, zeros[:n]...)
		}
		p.receive = func(_ *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			given.Add(int64(len(src)))
			return len(src), dst
		}
	}
}

// "A machine with output pending that still has WantInput is still fed: a stalled writer never stops the reading side."
func stalledWriter(t *testing.T, d Driver) {
	var given, taken atomic.Int64
	ps := newProbes(endless(&given, &taken))
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	await(t, "the writer to stall", func() bool {
		n := taken.Load()
		time.Sleep(20 * time.Millisecond)
		return n > 0 && taken.Load() == n && p.link.Unsent() > 0
	})
	const size = 16 << 20
	if _, err := c.Write(make([]byte, size)); err != nil {
		t.Fatalf("the peer of a stalled writer cannot send: %v", err)
	}
	await(t, "all input", func() bool { return given.Load() == size })
	// And it goes on where it stopped.
	n := taken.Load()
	if _, err := io.CopyN(io.Discard, c, n+(8<<20)); err != nil {
		t.Errorf("after the stall: %v", err)
	}
	_ = c.Close()
	recv(t, "Closed", p.closed)
	stop(t, s)
}

// what a driver holds for a peer that does not read is bounded by HighWater and what one call may append.
func highWater(t *testing.T, d Driver) {
	const high = 32 << 10
	var given, taken atomic.Int64
	ps := newProbes(endless(&given, &taken))
	s := start(t, d, Options{HighWater: high}, ps.accept)
	conns := scale(50, 1000)
	var worst int
	var all []*probe
	for range conns {
		dial(t, s)
		all = append(all, recv(t, "accept", ps.ch))
	}
	await(t, "all writers to stall", func() bool {
		n := taken.Load()
		time.Sleep(20 * time.Millisecond)
		for _, p := range all {
			if p.link.Unsent() == 0 { // not yet, however long the others have been waiting
				return false
			}
		}
		return taken.Load() == n
	})
	for _, p := range all {
		worst = max(worst, p.link.Unsent())
	}
	if worst == 0 || worst > high+high/10 {
		t.Errorf("up to %d unsent bytes, the high-water mark is %d", worst, high)
	}
	stop(t, s)
}

func killWater(t *testing.T, d Driver) {
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(_ *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			return len(src), append(dst, make([]byte, 16*len(src))...) // ignores Turn.Max
		}
	})
	s := start(t, d, Options{KillWater: 256 << 10}, ps.accept)
	c := dial(t, s)
	go func() {
		for {
			if _, err := c.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}()
	p := recv(t, "accept", ps.ch)
	wantErr(t, recv(t, "Closed", p.closed), drivers.ErrKillWater)
	_ = c.Close()
	stop(t, s)
}

func writeStall(t *testing.T, d Driver) {
	var given, taken atomic.Int64
	ps := newProbes(endless(&given, &taken))
	s := start(t, d, Options{WriteStall: 200 * time.Millisecond}, ps.accept)
	c := dial(t, s)
	p := recv(t, "accept", ps.ch)
	wantErr(t, recv(t, "Closed", p.closed), drivers.ErrWriteStall)
	_ = c.Close()
	stop(t, s)
}

// The twin of writeStall: a peer that reads slowly, but reads, is not a stall. On a machine that is so busy that the peer, against its
// will, does not read for as long as a stall may take, it is tried again.
func slowReader(t *testing.T, d Driver) {
	body := pattern(12 << 20)
	for i := range 10 {
		gap, err := slowRead(t, d, body)
		if err == nil {
			return
		}
		if gap < slowStall/3 {
			t.Fatalf("%v, although the peer never paused for longer than %v", err, gap)
		}
		t.Logf("try %d: %v, but the peer paused for %v", i, err, gap)
	}
	t.Fatal("this machine is too busy for a slow reader")
}

const slowStall = 500 * time.Millisecond

// slowRead reads body slowly and returns the longest time between two reads, and how it went.
func slowRead(t *testing.T, d Driver, body []byte) (gap time.Duration, err error) {
	const stall = slowStall
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.payload = body
		p.status = drivers.HasPayload | drivers.Closing
	})
	s := start(t, d, Options{WriteStall: stall}, ps.accept)
	c := dial(t, s)
	_ = transport(c).(*net.TCPConn).SetReadBuffer(64 << 10)
	got := make([]byte, 0, len(body))
	begin := time.Now()
	last := begin
	buf := make([]byte, 1<<20)
	for err == nil {
		if time.Since(begin) < 3*stall {
			time.Sleep(stall / 10)
		}
		for some := buf; err == nil && len(some) > 0; { // a layer above the socket may give less at a time
			var n int
			n, err = c.Read(some)
			now := time.Now()
			gap, last = max(gap, now.Sub(last)), now
			got, some = append(got, some[:n]...), some[n:]
		}
	}
	_ = c.Close()
	stop(t, s)
	if err == io.EOF && !bytes.Equal(got, body) {
		err = io.ErrUnexpectedEOF
	}
	if err != io.EOF {
		return gap, fmt.Errorf("after %d of %d bytes: %w", len(got), len(body), err)
	}
	return gap, nil
}

// A body of 64 MiB goes out by reference, with pauses of the reader in between, and every byte is accounted for once.
func largePayload(t *testing.T, d Driver) {
	body := pattern(64 << 20)
	var accounted atomic.Int64
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		p.receive = func(p *probe, _ *drivers.Turn, src, dst []byte) (int, []byte) {
			p.payload = body
			p.status |= drivers.HasPayload
			p.status &^= drivers.WantInput
			return len(src), append(dst, "head"...)
		}
		p.sent = func(p *probe, _ *drivers.Turn, n int) {
			if accounted.Add(int64(n)); len(p.payload) == 0 {
				p.status |= drivers.Closing
			}
		}
	})
	s := start(t, d, Options{}, ps.accept)
	c := dial(t, s)
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	p := recv(t, "accept", ps.ch)
	got := make([]byte, 4+len(body))
	for i := 0; i < len(got); {
		n := min(len(got)-i, 9<<20)
		if _, err := io.ReadFull(c, got[i:i+n]); err != nil {
			t.Fatal(err)
		}
		if u := p.link.Unsent(); u > DefaultHigh+DefaultHigh/10 {
			t.Errorf("%d bytes in the driver: the payload was copied", u)
		}
		i += n
	}
	if string(got[:4]) != "head" || !bytes.Equal(got[4:], body) {
		t.Error("wrong bytes")
	}
	if n, err := io.ReadFull(c, make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("behind the body: %d, %v", n, err)
	}
	_ = c.Close()
	if err := recv(t, "Closed", p.closed); err != nil || accounted.Load() != int64(len(body)) {
		t.Errorf("Closed(%v), %d of %d bytes accounted for", err, accounted.Load(), len(body))
	}
	stop(t, s)
}

// DefaultHigh is the default high-water mark that both drivers document.
const DefaultHigh = 64 << 10

// Chunks of output and payload keep their order, also while the peer reads slowly.
func payloadBetweenOutput(t *testing.T, d Driver) {
	const rounds, size = 200, 20_000
	part := pattern(size)
	ps := newProbes(func(p *probe, _ *drivers.Turn) {
		i := 0
		p.status |= drivers.WantOutput
		p.transmit = func(p *probe, turn *drivers.Turn, dst []byte) []byte {
			if i++; i > rounds {
				p.status &^= drivers.WantOutput
				p.status |= drivers.Closing
				return dst
			}
			p.payload = part
			p.status |= drivers.HasPayload
			return append(dst, byte(i), byte(i>>8))
		}
	})
	s := start(t, d, Options{HighWater: 16 << 10}, ps.accept)
	c := dial(t, s)
	got := make([]byte, 2+size)
	for i := 1; i <= rounds; i++ {
		if _, err := io.ReadFull(c, got); err != nil {
			t.Fatal(err)
		}
		if int(got[0])|int(got[1])<<8 != i || !bytes.Equal(got[2:], part) {
			t.Fatalf("round %d is out of order", i)
		}
	}
	if n, err := c.Read(got); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	_ = c.Close()
	stop(t, s)
}
