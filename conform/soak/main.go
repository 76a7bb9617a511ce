// Command soak holds the demo server to hostile and honest clients at the same time, on every driver, for as long as it is
// told: random garbage, mutated requests, slow heads and bodies, resets, half-closes, floods that are never read, oversize
// heads. It fails if one honest request is answered wrong, if the server's memory grows, or if a descriptor or a
// goroutine stays behind. It needs /proc, so it runs on Linux. Everything stays on the loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"
)

func main() {
	bin := flag.String("bin", "bin/purewire", "the `binary` to start: \"make build\" makes it")
	length := flag.Duration("time", 2*time.Minute, "how long each driver is attacked; in less than a minute the memory of a server that warms up looks like growth")
	drivers := flag.String("drivers", "reactor,stdnet", "the drivers, separated by commas")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of all random choices")
	together := flag.Bool("together", false, "attack all drivers at the same time instead of one after the other")
	flag.Parse()
	if flag.NArg() > 0 || *length < 3*time.Second {
		fmt.Fprintln(os.Stderr, "soak: takes flags only, and at least 3s of time")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Printf("soak: %v a driver, seed %d\n", *length, *seed)

	var all sync.WaitGroup
	var mu sync.Mutex
	failed := false
	for _, d := range strings.Split(*drivers, ",") {
		run := func() {
			r := soak(ctx, *bin, d, *length, *seed)
			mu.Lock()
			defer mu.Unlock()
			fmt.Print(r.String())
			failed = failed || len(r.faults) > 0
		}
		if *together {
			all.Go(run)
		} else {
			run()
		}
	}
	all.Wait()
	if failed {
		fmt.Println("soak FAILED")
		os.Exit(1)
	}
	fmt.Println("soak: passed")
}

// calm is how many seconds of peace a server gets before what it still holds is counted.
const calm = 30

// soak attacks one driver and reports.
func soak(ctx context.Context, bin, driver string, length time.Duration, seed uint64) *report {
	r := &report{driver: driver, length: length}
	idle, err := idleGoroutines(bin, driver)
	if err != nil {
		r.fault("%v", err)
		return r
	}
	srv, err := start(bin, driver)
	if err != nil {
		r.fault("%v", err)
		return r
	}
	defer srv.kill()

	h := &honest{addr: srv.addr}
	if err := h.each(); err != nil {
		r.fault("before the attack: %v", err)
		return r
	}
	time.Sleep(200 * time.Millisecond) // the connections of those requests are closed
	first, err := srv.sample()
	if err != nil {
		r.fault("%v", err)
		return r
	}
	sctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	a := newAttack(srv.addr)
	var clients sync.WaitGroup
	h.start(sctx, &clients, seed)
	a.start(sctx, &clients, seed)

	begun := time.Now()
	tick := time.NewTicker(max(length/600, 100*time.Millisecond))
	defer tick.Stop()
	for sctx.Err() == nil {
		select {
		case <-sctx.Done():
		case <-tick.C:
			s, err := srv.sample()
			if err != nil {
				r.fault("after %v: %v", time.Since(begun).Round(time.Second), err)
				cancel()
				continue
			}
			r.samples = append(r.samples, s)
		}
	}
	if ctx.Err() != nil {
		r.fault("interrupted after %v", time.Since(begun).Round(time.Second))
	}
	clients.Wait()

	// Every connection is closed on this side; the server must notice each.
	if _, err := srv.settle(first.fds, 45*time.Second); err != nil {
		r.fault("at the end: %v", err)
	}
	// Calm, with a request now and then: the reactor ends half of its idle goroutines every five seconds.
	for range calm {
		if err := h.once(); err != nil {
			r.fault("after the attack: %v", err)
			break
		}
		time.Sleep(time.Second)
	}
	r.first = first
	if r.last, err = srv.sample(); err != nil {
		r.fault("at the end: %v", err)
	}
	left, err := srv.goroutines()
	if err != nil {
		r.fault("%v", err)
	}
	r.idleGoroutines, r.goroutines = idle, left
	r.said = srv.said()
	r.take(h, a)
	r.judge()
	return r
}
