package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/ws"
)

// echo sends back what comes on conn until the connection is closed, and returns the last message.
func echo(conn net.Conn, in io.Reader, role ws.Role, d *ws.Deflate, bad bool) (last []byte) {
	var c ws.Conn
	c.Init(role, &ws.Config{Limits: ws.Limits{Message: 16 << 20, Fragments: 1 << 20}, Rand: rand.New(rand.NewSource(1)).Uint32, NoUTF8: bad})
	if d != nil {
		c.SetDeflate(*d)
	}
	defer c.Release()
	var ev ws.Event
	var buf, out, message []byte
	room := make([]byte, 64<<10)
	for !c.Closed() {
		n, err := in.Read(room)
		if err != nil {
			return message
		}
		buf = append(buf, room[:n]...)
		used := 0
		for {
			n, err := c.Next(buf[used:], &ev)
			used += n
			if err == nil && ev.Kind == ws.Data {
				if ev.First {
					message = message[:0]
				}
				if message = append(message, ev.Payload...); ev.Last {
					if out, err = c.AppendMessage(out, ev.Opcode, message); err != nil {
						panic(err)
					}
				}
			}
			out = c.AppendOwed(out, 1<<20)
			if err != nil || ev.Kind == ws.None && n == 0 {
				break
			}
		}
		buf = append(buf[:0], buf[used:]...)
		if _, err := conn.Write(out); err != nil {
			return message
		}
		out = out[:0]
	}
	return message
}

func fields(h http.Header) (all []codec.Field) {
	for _, v := range h.Values("Sec-WebSocket-Extensions") {
		all = append(all, codec.Field{Name: []byte("Sec-WebSocket-Extensions"), Value: []byte(v)})
	}
	return all
}

// echoServer is a server of net/http whose connections are echoed by ws.Conn.
func echoServer(t *testing.T, bad bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer func() { _ = conn.Close() }()
		head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(r.Header.Get("Sec-WebSocket-Key")) + "\r\n"
		var d *ws.Deflate
		if answer, agreed, ok, _ := ws.AcceptDeflate(nil, fields(r.Header), &ws.DeflateOptions{ServerTakeover: true, ClientTakeover: true}); ok {
			d = &agreed
			head += "Sec-WebSocket-Extensions: " + string(answer) + "\r\n"
		}
		if _, err := io.WriteString(conn, head+"\r\n"); err == nil {
			echo(conn, rw, ws.Server, d, bad)
		}
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return "ws://" + l.Addr().String() + "/"
}

// echoClient opens a connection for each case and echoes, as clients do for this suite.
func echoClient(base string) error {
	open := func(path string) (last []byte, err error) {
		conn, err := net.Dial("tcp", base)
		if err != nil {
			return nil, err
		}
		defer func() { _ = conn.Close() }()
		o := &ws.DeflateOptions{ServerTakeover: true, ClientTakeover: true}
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: %s\r\n\r\n",
			path, ws.AppendDeflateOffer(nil, o)); err != nil {
			return nil, err
		}
		in := bufio.NewReader(conn)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != 101 {
			return nil, fmt.Errorf("%s", res.Status)
		}
		var d *ws.Deflate
		if agreed, ok, err := ws.CheckDeflateAnswer(fields(res.Header), o); err != nil {
			return nil, err
		} else if ok {
			d = &agreed
		}
		return echo(conn, in, ws.Client, d, false), nil
	}
	count, err := open("/getCaseCount")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(count))
	if err != nil {
		return err
	}
	for i := range n {
		if _, err := open(fmt.Sprintf("/runCase?case=%d&agent=x", i+1)); err != nil {
			return err
		}
	}
	_, err = open("/updateReports?agent=x")
	return err
}

func quick() *settings {
	s := &settings{parallel: 4}
	s.link.Patience, s.link.Quiet, s.link.Most, s.link.MostBytes = time.Minute, 20*time.Millisecond, 3, 1<<17
	s.link.Prompt = time.Minute // the peers here are prompt, this machine need not be
	return s
}

// small leaves out the large ones of group 9, and in short runs most of those with deflate: they are played in memory, by
// the tests of the suite. It also returns the line of sums that they must give.
func small(t *testing.T) (patterns, sums string) {
	patterns = "*,-9.*,9.1.1,9.2.1,9.7.3"
	if testing.Short() {
		patterns += ",-12.*,-13.*,12.?.3,13.?.12"
	}
	all, err := choose(patterns)
	require.NoError(t, err)
	return patterns, fmt.Sprintf("| all | %d | %d | 0 | 3 | 0 | 0 |", len(all), len(all)-3)
}

func TestJudgeServer(t *testing.T) {
	patterns, sums := small(t)
	var out bytes.Buffer
	failed, err := do(context.Background(), &out, quick(), echoServer(t, false), "", "", patterns)
	require.NoError(t, err)
	require.Zero(t, failed, out.String())
	require.Contains(t, out.String(), sums)
}

func TestJudgeBadServer(t *testing.T) {
	var out bytes.Buffer
	failed, err := do(context.Background(), &out, quick(), echoServer(t, true), "", "", "6.3.*,6.2.1")
	require.NoError(t, err)
	require.Equal(t, 2, failed, out.String())
	require.Contains(t, out.String(), "| 6 | 3 | 1 | 0 | 0 | 0 | 2 |")
}

func TestJudgeClient(t *testing.T) {
	patterns, sums := small(t)
	all, err := choose(patterns)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- echoClient(l.Addr().String()) }()
	outcomes, err := judgeClient(context.Background(), quick(), l, all)
	require.NoError(t, err)
	require.NoError(t, <-ended)
	var out bytes.Buffer
	require.Zero(t, report(&out, quick(), outcomes), out.String())
	require.Contains(t, out.String(), sums)
}

func TestNoClient(t *testing.T) {
	var out bytes.Buffer
	failed, err := do(context.Background(), &out, quick(), "", "127.0.0.1:0", "true", "1.*")
	require.NoError(t, err)
	require.Equal(t, 16, failed)
	require.Contains(t, out.String(), "the client did not open it")
}

func TestRefused(t *testing.T) {
	srv := &http.Server{Handler: http.NotFoundHandler()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = srv.Serve(l) }()
	defer func() { _ = srv.Close() }()
	var out bytes.Buffer
	failed, err := do(context.Background(), &out, quick(), "ws://"+l.Addr().String(), "", "", "1.1.1")
	require.NoError(t, err)
	require.Equal(t, 1, failed)
	require.Contains(t, out.String(), "404")
	for _, bad := range []string{"http://x/", "ws://", "://"} {
		_, err := do(context.Background(), &out, quick(), bad, "", "", "1.1.1")
		require.Error(t, err, bad)
	}
}

func TestChoose(t *testing.T) {
	for patterns, want := range map[string]int{"*": 517, "1.*": 16, "-9.*": 463, "*,-12.*,-13.*": 301, "6.4.1,7.3.?": 7} {
		got, err := choose(patterns)
		require.NoError(t, err)
		require.Len(t, got, want, patterns)
	}
	for _, bad := range []string{"99.*", "[", ""} {
		_, err := choose(bad)
		require.Error(t, err)
	}
	require.True(t, strings.HasPrefix(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "RFC 6455 section 1.3")
}
