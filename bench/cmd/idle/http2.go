//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"
)

// The frames that a client of HTTP/2 needs here are written by hand, so that 10,000 of them cost this program nothing.

const (
	frameData     = 0
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	framePing     = 6
	frameGoAway   = 7
)

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	b = append(b, flags)
	b = binary.BigEndian.AppendUint32(b, stream)
	return append(b, payload...)
}

// readFrame reads one frame with a payload that cannot be large.
func readFrame(c io.Reader) (kind, flags byte, stream uint32, payload []byte, err error) {
	var h [9]byte
	if _, err = io.ReadFull(c, h[:]); err != nil {
		return
	}
	payload = make([]byte, int(h[0])<<16|int(h[1])<<8|int(h[2]))
	_, err = io.ReadFull(c, payload)
	return h[3], h[4], binary.BigEndian.Uint32(h[5:]) &^ (1 << 31), payload, err
}

// greetHTTP2 begins a connection: both sides' settings are acknowledged when it returns.
func greetHTTP2(c io.ReadWriter) error {
	if _, err := c.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(frameSettings, 0, 0, nil)...)); err != nil {
		return err
	}
	for seen, acked := false, false; !seen || !acked; {
		kind, flags, _, p, err := readFrame(c)
		switch {
		case err != nil:
			return err
		case kind == frameGoAway:
			return fmt.Errorf("GOAWAY: %x", p)
		case kind == frameSettings && flags&1 != 0:
			acked = true
		case kind == frameSettings:
			seen = true
			if _, err := c.Write(frame(frameSettings, 1, 0, nil)); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextStream numbers the streams of all connections together: on each of them they grow.
var nextStream atomic.Uint32

// askHTTP2 sends a request for /plaintext and reads its answer; a ping behind it sees to it that the server has nothing left
// to do for the connection.
func askHTTP2(c io.ReadWriteCloser) error {
	id := nextStream.Add(2) - 1
	block := []byte{0x82, 0x86, 0x04, 10} // GET, http, a path as a literal that is not indexed
	block = append(block, "/plaintext"...)
	block = append(block, 0x01, 9) // :authority
	block = append(block, "127.0.0.1"...)
	block = append(block, 0x0f, 0x2b, 4, 'i', 'd', 'l', 'e') // user-agent, static entry 58
	out := frame(frameHeaders, 5, id, block)
	out = append(out, frame(framePing, 0, 0, []byte("12345678"))...)
	if _, err := c.Write(out); err != nil {
		return err
	}
	var body []byte
	status, ended, ponged := false, false, false
	for !ended || !ponged {
		kind, flags, stream, p, err := readFrame(c)
		switch {
		case err != nil:
			return err
		case kind == frameGoAway || kind == frameReset:
			return fmt.Errorf("frame of type %d: %x", kind, p)
		case kind == framePing && flags&1 != 0:
			ponged = true
		case kind == frameHeaders && stream == id:
			status = bytes.IndexByte(p, 0x88) >= 0 // :status 200, as purewire, net/http, nginx and nghttpd write it
			ended = flags&1 != 0
		case kind == frameData && stream == id:
			body = append(body, p...)
			ended = flags&1 != 0
		}
	}
	if !status || string(body) != "Hello, World!" {
		return fmt.Errorf("status 200 %v, content %q", status, body)
	}
	return nil
}
