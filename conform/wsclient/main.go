// Command wsclient is the client that conform/wssuite judges: it opens the cases of a server one after the other and sends
// back what it gets.
//
//	wssuite -listen 127.0.0.1:0 -run "wsclient -driver reactor URL"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/purewire/purewire/codec/ws"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/websocket"
)

func main() {
	driver := flag.String("driver", "stdnet", "stdnet or reactor, both with callbacks, or read: stdnet with calls that wait")
	takeover := flag.Bool("takeover", true, "offer permessage-deflate with context takeover")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: wsclient [-driver stdnet|reactor|read] ws://HOST:PORT")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *driver, flag.Arg(0), &ws.DeflateOptions{ServerTakeover: *takeover, ClientTakeover: *takeover}); err != nil {
		fmt.Fprintln(os.Stderr, "wsclient:", err)
		os.Exit(1)
	}
}

// run goes through all cases.
func run(ctx context.Context, driver, base string, deflate *ws.DeflateOptions) error {
	options := websocket.Options{Deflate: deflate, Limits: ws.Limits{Message: 32 << 20, Fragments: 1 << 17}, HighWater: -1}
	var play func(path string) error
	switch driver {
	case "stdnet":
		play = callbacks(ctx, base, &websocket.Dialer{Options: options})
	case "read":
		play = reader(ctx, base, &websocket.Dialer{Options: options})
	case "reactor":
		r, err := reactor.New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return nil }), reactor.Config{Loops: 1})
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() { done <- r.Run() }()
		defer func() {
			_ = r.Close()
			<-done
		}()
		play = callbacks(ctx, base, &websocket.Dialer{Options: options, Loop: r})
	default:
		return fmt.Errorf("no driver %q", driver)
	}
	n, err := count(ctx, base)
	if err != nil {
		return err
	}
	for i := range n {
		if err := play(fmt.Sprintf("/runCase?case=%d&agent=purewire-%s", i+1, driver)); err != nil {
			return fmt.Errorf("case %d: %w", i+1, err)
		}
	}
	return play("/updateReports?agent=purewire-" + driver)
}

// count asks how many cases there are.
func count(ctx context.Context, base string) (int, error) {
	c, err := websocket.Dial(ctx, base+"/getCaseCount")
	if err != nil {
		return 0, err
	}
	defer c.Abort()
	_, p, err := c.ReadMessage(ctx)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(p))
	if err != nil {
		return 0, err
	}
	_, _, err = c.ReadMessage(ctx) // its Close
	var end *websocket.CloseError
	if !errors.As(err, &end) {
		return 0, fmt.Errorf("behind the count: %w", err)
	}
	return n, nil
}

// reader plays a case with calls that wait. What it echoes goes out when it comes to it: a connection that fails meanwhile
// swallows that, which the suite calls not strict.
func reader(ctx context.Context, base string, d *websocket.Dialer) func(path string) error {
	return func(path string) error {
		c, err := d.Dial(ctx, base+path)
		if err != nil {
			return err
		}
		defer c.Abort()
		var buf []byte
		for {
			op, p, err := c.AppendMessage(ctx, buf[:0])
			if err == nil {
				buf = p
				err = c.Send(ctx, op, p)
			}
			if err != nil { // the case has ended, or it made the connection fail
				return ended(ctx, c)
			}
		}
	}
}

// ended waits until the connection is gone: what is still to be said has been said then.
func ended(ctx context.Context, c *websocket.Conn) error {
	for {
		if _, _, err := c.ReadMessage(ctx); err != nil {
			var end *websocket.CloseError
			if errors.As(err, &end) {
				return nil
			}
			return err
		}
	}
}

// callbacks plays a case with a handler.
func callbacks(ctx context.Context, base string, d *websocket.Dialer) func(path string) error {
	var end atomic.Pointer[chan struct{}]
	d.Handler = &websocket.Handler{
		OnFragment: func(c *websocket.Conn, op websocket.Opcode, p []byte, last bool) { _ = c.TrySendFragment(op, p, last) },
		OnClose:    func(*websocket.Conn, *websocket.CloseError) { close(*end.Load()) },
	}
	return func(path string) error {
		closed := make(chan struct{})
		end.Store(&closed)
		if _, err := d.Dial(ctx, base+path); err != nil {
			return err
		}
		select {
		case <-closed:
			return nil
		case <-time.After(5 * time.Minute):
			return errors.New("the case does not end")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
