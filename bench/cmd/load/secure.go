//go:build linux

package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"
)

// secure is the load of scenario tls: one goroutine per connection, crypto/tls, version 1.3. It is slower than the servers, so
// that it is their processor time which tells.
type secure struct {
	Result
	mu    sync.Mutex
	lat   histogram
	req   []byte
	conns []*tls.Conn
	size  int
}

func newSecure(addr string, conns int) (*secure, error) {
	debug.SetGCPercent(400)
	s := &secure{}
	s.req, _, _ = requestFor("tls", addr)
	for range conns {
		c, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			return nil, err
		}
		tc := tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
		// All must have the same cipher, whatever the server prefers: AES-128-GCM.
		if err := tc.Handshake(); err != nil {
			return nil, err
		}
		if id := tc.ConnectionState().CipherSuite; id != tls.TLS_AES_128_GCM_SHA256 && id != tls.TLS_AES_256_GCM_SHA384 {
			return nil, fmt.Errorf("cipher suite %s", tls.CipherSuiteName(id))
		}
		s.conns = append(s.conns, tc)
	}
	// The first answer tells the size of all.
	buf := make([]byte, 4096)
	c := s.conns[0]
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Write(s.req); err != nil {
		return nil, err
	}
	for !bytes.HasSuffix(buf[:s.size], []byte("\r\n\r\nHello, World!")) {
		n, err := c.Read(buf[s.size:])
		if err != nil {
			return nil, fmt.Errorf("the first answer: %q, %w", buf[:s.size], err)
		}
		s.size += n
	}
	return s, nil
}

func (s *secure) reset() { s.Result, s.lat = Result{}, histogram{} }

func (s *secure) result() (Result, *histogram) { return s.Result, &s.lat }

func (s *secure) until(end time.Time) error {
	fail := make(chan error, len(s.conns))
	for _, c := range s.conns {
		_ = c.SetDeadline(end.Add(10 * time.Second))
		go func() { fail <- s.busy(c, end) }()
	}
	var first error
	for range s.conns {
		if err := <-fail; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// busy asks again and again.
func (s *secure) busy(c *tls.Conn, end time.Time) error {
	var lat histogram
	n := int64(0)
	buf := make([]byte, s.size)
	defer func() {
		s.mu.Lock()
		s.Requests += n
		s.Bytes += n * int64(s.size)
		s.Sent += n * int64(len(s.req))
		s.lat.merge(&lat)
		s.mu.Unlock()
	}()
	for now := time.Now(); now.Before(end); {
		if _, err := c.Write(s.req); err != nil {
			return err
		}
		for got := 0; got < s.size; {
			k, err := c.Read(buf[got:])
			if err != nil {
				return err
			}
			got += k
		}
		if !bytes.HasPrefix(buf, okLine) {
			return fmt.Errorf("answer begins with %.40q", buf)
		}
		t := time.Now()
		lat.add(int64(t.Sub(now)))
		now = t
		n++
	}
	return nil
}
