package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/purewire/purewire/corpus/ws/suite"
)

// judgeClient serves the cases to a client, one connection at a time, until the client asks for reports.
func judgeClient(ctx context.Context, s *settings, l net.Listener, all []suite.Case) (outcomes []outcome, err error) {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer func() { _ = l.Close() }()
	seen := make([]*outcome, len(all))
	for {
		conn, err := l.Accept()
		if err != nil {
			break // the client is gone, or the program was interrupted
		}
		done := serve(conn, s, all, seen)
		_ = conn.Close()
		if done {
			break
		}
	}
	for i, o := range seen {
		if o == nil {
			o = &outcome{Result: suite.Result{Verdict: suite.Failed, Detail: "the client did not open it"}, c: &all[i]}
		}
		outcomes = append(outcomes, *o)
	}
	return outcomes, nil
}

// serve does what a client's connection asks for. done is true if that is the end.
func serve(conn net.Conn, s *settings, all []suite.Case, seen []*outcome) (done bool) {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReaderSize(conn, 64<<10)
	req, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	refuse := func(why string) {
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n", len(why)+1, why)
	}
	key := req.Header.Get("Sec-WebSocket-Key")
	if !strings.EqualFold(req.Header.Get("Upgrade"), "websocket") || key == "" {
		refuse("no WebSocket handshake")
		return false
	}
	n, _ := strconv.Atoi(req.URL.Query().Get("case"))
	run := req.URL.Path == "/runCase"
	if run && (n < 1 || n > len(all)) || !run && req.URL.Path != "/getCaseCount" && req.URL.Path != "/updateReports" {
		refuse("no such case")
		return false
	}
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(key) + "\r\n"
	link := s.link
	if run && all[n-1].Accept != "" {
		offers := strings.Join(req.Header.Values("Sec-WebSocket-Extensions"), ",")
		if ext, d, ok := suite.Answer(offers, all[n-1].Accept); ok {
			link.Deflate = &d
			answer += "Sec-WebSocket-Extensions: " + ext + "\r\n"
		}
	}
	if _, err := conn.Write([]byte(answer + "\r\n")); err != nil {
		return false
	}
	_ = conn.SetDeadline(time.Time{})
	link.Wire = newWire(conn, in)
	if run {
		began := time.Now()
		seen[n-1] = &outcome{all[n-1].Play(&link), &all[n-1], time.Since(began)}
		return false
	}
	if req.URL.Path == "/getCaseCount" {
		suite.Say(&link, strconv.Itoa(len(all)))
	} else {
		suite.Say(&link, "")
	}
	return req.URL.Path == "/updateReports"
}
