package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/purewire/purewire/corpus/ws/suite"
)

// accept is the Sec-WebSocket-Accept value for a key (RFC 6455 section 4.2.2).
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// judgeServer plays the cases against a server, several at a time.
func judgeServer(ctx context.Context, s *settings, target string, all []suite.Case) ([]outcome, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "ws" || u.Host == "" {
		return nil, fmt.Errorf("%q is no ws:// URL", target)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "80")
	}
	outcomes := make([]outcome, len(all))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(s.parallel, len(all)) {
		workers.Go(func() {
			for i := range next {
				began := time.Now()
				outcomes[i] = outcome{serverCase(ctx, s, u, &all[i]), &all[i], time.Since(began)}
			}
		})
	}
	for i := range all {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	workers.Wait()
	return outcomes, ctx.Err()
}

// serverCase plays a case on a connection of its own.
func serverCase(ctx context.Context, s *settings, u *url.URL, c *suite.Case) suite.Result {
	failed := func(err error) suite.Result { return suite.Result{Verdict: suite.Failed, Detail: err.Error()} }
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 64<<10)
	link := s.link
	link.Client = true
	if link.Deflate, err = open(conn, in, u, c.Offer); err != nil {
		return failed(err)
	}
	link.Wire = newWire(conn, in)
	return c.Play(&link)
}

// open makes the opening handshake of a client.
func open(conn net.Conn, in *bufio.Reader, u *url.URL, offer string) (*suite.Deflate, error) {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	key := base64.StdEncoding.EncodeToString([]byte(rand.Text()[:16]))
	head := "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n"
	if offer != "" {
		head += "Sec-WebSocket-Extensions: " + offer + "\r\n"
	}
	if _, err := conn.Write([]byte(head + "\r\n")); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, err
	}
	switch {
	case res.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("the server answers %s", res.Status)
	case !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") || !strings.EqualFold(res.Header.Get("Connection"), "upgrade"):
		return nil, fmt.Errorf("the 101 has Upgrade %q and Connection %q", res.Header.Get("Upgrade"), res.Header.Get("Connection"))
	case res.Header.Get("Sec-WebSocket-Accept") != accept(key):
		return nil, fmt.Errorf("Sec-WebSocket-Accept is %q, want %q", res.Header.Get("Sec-WebSocket-Accept"), accept(key))
	}
	_ = conn.SetDeadline(time.Time{})
	answers := res.Header.Values("Sec-WebSocket-Extensions")
	if len(answers) == 0 {
		return nil, nil
	}
	d, ok := suite.ParseDeflate(strings.Join(answers, ","))
	if !ok || offer == "" {
		return nil, fmt.Errorf("the server answers the offer %q with %q", offer, answers)
	}
	return &d, nil
}
