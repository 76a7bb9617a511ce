//go:build linux || darwin || freebsd

// Command wsclient is what conform/wssuite judges with -listen: a client of package websocket that asks for each case and echoes
// until it ends.
//
//	go run ./conform/wssuite -listen 127.0.0.1:9001 -run "go run ./conform/wsclient -url URL"
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/websocket"
)

func main() {
	url := flag.String("url", "ws://127.0.0.1:9001", "where wssuite listens")
	driver := flag.String("driver", "stdnet", "stdnet, by reading, or reactor, by callbacks")
	deflate := flag.Bool("deflate", true, "offer permessage-deflate")
	flag.Parse()
	if err := run(*url, *driver, *deflate); err != nil {
		fmt.Fprintln(os.Stderr, "wsclient:", err)
		os.Exit(1)
	}
}

func run(url, driver string, deflate bool) error {
	ctx := context.Background()
	d := websocket.Dialer{Options: websocket.Options{Limits: ws.Limits{Message: 64 << 20, Fragments: 1 << 20}}}
	if deflate {
		d.Deflate = &ws.DeflateOptions{ServerTakeover: true, ClientTakeover: true}
	}
	echo := readEcho
	switch driver {
	case "stdnet":
	case "reactor":
		r, err := reactor.New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return nil }), reactor.Config{Loops: 1})
		if err != nil {
			return err
		}
		if err := r.Start(); err != nil {
			return err
		}
		defer r.Close()
		echo = callbackEcho(r)
	default:
		return fmt.Errorf("no driver %q", driver)
	}
	c, err := d.Dial(ctx, url+"/getCaseCount")
	if err != nil {
		return err
	}
	_, p, err := c.ReadMessage(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(p))
	if err != nil {
		return err
	}
	c.Abort()
	for i := 1; i <= n; i++ {
		if err := echo(ctx, &d, fmt.Sprintf("%s/runCase?case=%d&agent=purewire", url, i)); err != nil {
			return fmt.Errorf("case %d: %w", i, err)
		}
	}
	c, err = d.Dial(ctx, url+"/updateReports?agent=purewire")
	if err != nil {
		return err
	}
	_, _, _ = c.ReadMessage(ctx)
	return nil
}

// readEcho reads messages and sends them back, until the connection ends.
func readEcho(ctx context.Context, d *websocket.Dialer, url string) error {
	c, err := d.Dial(ctx, url)
	if err != nil {
		return err
	}
	var p []byte
	for {
		var op websocket.Opcode
		if op, p, err = c.AppendMessage(ctx, p[:0]); err != nil {
			return nil // how it ends is what the case judges
		}
		if err := c.Send(ctx, op, p); err != nil {
			return nil
		}
	}
}

// callbackEcho does the same on the loop. Messages that come while too much waits are kept until there is room.
func callbackEcho(loop websocket.Loop) func(ctx context.Context, d *websocket.Dialer, url string) error {
	type message struct {
		op websocket.Opcode
		p  []byte
	}
	return func(ctx context.Context, d *websocket.Dialer, url string) error {
		over := make(chan struct{})
		var kept []message
		send := func(c *websocket.Conn) {
			for len(kept) > 0 && c.TrySend(kept[0].op, kept[0].p) == nil {
				kept = kept[1:]
			}
		}
		d2 := websocket.Dialer{Options: d.Options, Loop: loop, Timeout: 30 * time.Second, Handler: &websocket.Handler{
			OnMessage: func(c *websocket.Conn, op websocket.Opcode, p []byte) {
				kept = append(kept, message{op, append([]byte(nil), p...)})
				send(c)
			},
			OnDrain: send,
			OnClose: func(*websocket.Conn, *websocket.CloseError) { close(over) },
		}}
		if _, err := d2.Dial(ctx, url); err != nil {
			return err
		}
		<-over
		return nil
	}
}
