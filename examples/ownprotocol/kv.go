//go:build linux || darwin || freebsd

package main

import (
	"bytes"
	"sync"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// maxLine bounds a line in bytes. A longer one is answered with ERROR and ends the connection.
const maxLine = 4096

// store is what all connections share. A reactor has several loops, so it needs its lock.
type store struct {
	mu sync.Mutex
	m  map[string]string
}

// NewLocal returns nil: the protocol needs no scratch space per worker.
func (s *store) NewLocal() any { return nil }

// Accept returns the machine of a new connection.
func (s *store) Accept(*drivers.Turn, drivers.Link) drivers.Machine { return &kv{store: s} }

// kv is one connection: lines in, lines out. It knows no socket; the driver owns that.
type kv struct {
	store *store
	// full tells that Receive left whole lines because it had written enough for one turn.
	full    bool
	eof     bool
	closing bool
}

// Receive answers every whole line in src, as long as there is room for the answers.
func (k *kv) Receive(t *drivers.Turn, src, dst []byte) (n int, out []byte) {
	k.full = false
	start := len(dst)
	for !k.closing {
		i := bytes.IndexByte(src[n:], '\n')
		if i > maxLine || i < 0 && len(src)-n > maxLine {
			k.closing = true
			return len(src), append(dst, "ERROR\n"...)
		}
		if i < 0 {
			break
		}
		if len(dst)-start >= t.Max {
			k.full = true
			return n, dst
		}
		dst = k.answer(dst, bytes.TrimSuffix(src[n:n+i], []byte("\r")))
		n += i + 1
	}
	k.closing = k.closing || k.eof
	return n, dst
}

// answer appends the answer to one line.
func (k *kv) answer(dst, line []byte) []byte {
	verb, rest, _ := bytes.Cut(line, []byte(" "))
	key, value, has := bytes.Cut(rest, []byte(" "))
	k.store.mu.Lock()
	defer k.store.mu.Unlock()
	switch {
	case string(verb) == "SET" && has:
		k.store.m[string(key)] = string(value)
		return append(dst, "OK\n"...)
	case string(verb) == "GET" && len(key) > 0 && !has:
		v, ok := k.store.m[string(key)]
		if !ok {
			return append(dst, "NONE\n"...)
		}
		dst = append(dst, "VALUE "...)
		dst = append(dst, v...)
		return append(dst, '\n')
	case string(verb) == "DEL" && len(key) > 0 && !has:
		delete(k.store.m, string(key))
		return append(dst, "OK\n"...)
	}
	return append(dst, "ERROR\n"...)
}

// Status: it reads until it closes.
func (k *kv) Status() drivers.Status {
	if k.closing {
		return drivers.Closing
	}
	return drivers.WantInput
}

// PeerClosed: the client will ask no more. What it asked is answered first.
func (k *kv) PeerClosed(*drivers.Turn) {
	k.eof = true
	k.closing = k.closing || !k.full
}

// Transmit has nothing to add: answers are written where the lines are read.
func (k *kv) Transmit(_ *drivers.Turn, dst []byte) []byte { return dst }

// Advance is never due.
func (k *kv) Advance(*drivers.Turn) {}

// Deadline: the protocol has no timers of its own.
func (k *kv) Deadline() codec.Time { return codec.Never }

// Closed has nothing to release.
func (k *kv) Closed(error) {}
