//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/bench/internal/proc"
)

// messageSize returns the size that a scenario such as ws128 or ws16k names.
func messageSize(scenario string) (int, bool) {
	s, ok := strings.CutPrefix(scenario, "ws")
	if !ok {
		return 0, false
	}
	unit := 1
	if s, ok = strings.CutSuffix(s, "k"); ok {
		unit = 1024
	}
	n, err := strconv.Atoi(s)
	return n * unit, err == nil && n > 0 && n*unit < 1<<16
}

// header appends a frame header of a binary message.
func header(dst []byte, size int, mask byte) []byte {
	if size < 126 {
		return append(dst, 0x82, byte(size)|mask)
	}
	return binary.BigEndian.AppendUint16(append(dst, 0x82, 126|mask), uint16(size))
}

// webSocket prepares the scenario: one masked frame that is sent again and again, and the frame that must come back. Once, the
// payload of the answer is looked at.
func (g *generator) webSocket(addr string, size int) error {
	g.hello = []byte("GET / HTTP/1.1\r\nHost: " + addr + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	payload := make([]byte, size)
	g.req = append(header(nil, size, 0x80), key[:]...)
	for i := range payload {
		payload[i] = byte('a' + i%26)
		g.req = append(g.req, payload[i]^key[i&3])
	}
	g.begins = header(nil, size, 0)
	g.answer = len(g.begins) + size
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := proc.Connect(fd, &g.sa); err != nil {
		return err
	}
	if err := g.shake(fd); err != nil {
		return err
	}
	if _, err := unix.Write(fd, g.req); err != nil {
		return err
	}
	got := make([]byte, g.answer)
	if err := readFull(fd, got); err != nil {
		return fmt.Errorf("reading the first echo: %w", err)
	}
	// The floor, peer-ws in mode bare, sends the payload back as it came: masked.
	echo, masked := got[len(g.begins):], g.req[len(g.req)-size:]
	if !bytes.Equal(got[:len(g.begins)], g.begins) || !bytes.Equal(echo, payload) && !bytes.Equal(echo, masked) {
		return fmt.Errorf("the first echo is %.40q...", got)
	}
	return nil
}

// shake does the handshake on a socket that blocks. The key is always the same, and so is the answer to it.
func (g *generator) shake(fd int) error {
	tv := unix.NsecToTimeval(int64(5 * time.Second))
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
	if _, err := unix.Write(fd, g.hello); err != nil {
		return err
	}
	var in []byte
	for !bytes.HasSuffix(in, []byte("\r\n\r\n")) {
		n, err := unix.Read(fd, g.buf)
		if n > 0 {
			in = append(in, g.buf[:n]...)
			continue
		}
		if err != unix.EINTR {
			return fmt.Errorf("handshake: %.80q, %v", in, err)
		}
	}
	if !bytes.HasPrefix(in, []byte("HTTP/1.1 101 ")) || !bytes.Contains(in, []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) {
		return fmt.Errorf("handshake: %.200q", in)
	}
	return nil
}

func readFull(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Read(fd, p)
		switch {
		case n > 0:
			p = p[n:]
		case err == unix.EINTR:
		case err != nil:
			return err
		default:
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}
