//go:build linux || darwin || freebsd

package reactor

import (
	"context"
	"errors"
	"net"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/purewire/purewire/drivers"
)

// dial is a connection attempt.
type dial struct {
	start func(t *drivers.Turn, l drivers.Link) drivers.Machine
	once  sync.Once
	done  chan error
}

func (d *dial) reply(err error) { d.once.Do(func() { d.done <- err }) }

// Dial connects and serves the connection with the machine that start returns; start runs on the connection's loop. network is "tcp",
// "tcp4", "tcp6" or "unix". A host name's addresses are tried one after the other. Dial waits until the connection stands, start
// refused it (drivers.ErrClosed), all attempts failed (an *net.OpError with the last errno) or ctx ended. The reactor must have been
// started.
func (r *Reactor) Dial(ctx context.Context, network, addr string, start func(t *drivers.Turn, l drivers.Link) drivers.Machine) (drivers.Link, error) {
	targets, err := resolve(ctx, network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	r.mu.Lock()
	started := r.started && !r.closing
	r.mu.Unlock()
	if !started {
		return nil, drivers.ErrClosed
	}
	for _, to := range targets {
		var l drivers.Link
		if l, err = r.dialOne(ctx, to, start); err == nil {
			return l, nil
		}
		if ctx.Err() != nil || errors.Is(err, drivers.ErrClosed) {
			break
		}
	}
	if errors.Is(err, drivers.ErrClosed) {
		return nil, err
	}
	return nil, &net.OpError{Op: "dial", Net: network, Addr: targets[0].addr, Err: err}
}

type target struct {
	family int
	sa     unix.Sockaddr
	addr   net.Addr
}

func resolve(ctx context.Context, network, addr string) ([]target, error) {
	if network == "unix" {
		return []target{{unix.AF_UNIX, &unix.SockaddrUnix{Name: addr}, &net.UnixAddr{Name: addr, Net: "unix"}}}, nil
	}
	family := map[string]string{"tcp": "ip", "tcp4": "ip4", "tcp6": "ip6"}[network]
	if family == "" {
		return nil, net.UnknownNetworkError(network)
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
		if network == "tcp6" {
			host = "::1"
		}
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, family, host)
	if err != nil {
		return nil, err
	}
	var list []target
	for _, ip := range ips {
		ta := &net.TCPAddr{IP: ip.AsSlice(), Port: port, Zone: ip.Zone()}
		if ip = ip.Unmap(); ip.Is4() {
			ta.IP = ip.AsSlice()
			list = append(list, target{unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: ip.As4()}, ta})
			continue
		}
		sa := &unix.SockaddrInet6{Port: port, Addr: ip.As16()}
		if z := ip.Zone(); z != "" {
			ifi, err := net.InterfaceByName(z)
			if err != nil {
				return nil, err
			}
			sa.ZoneId = uint32(ifi.Index)
		}
		list = append(list, target{unix.AF_INET6, sa, ta})
	}
	return list, nil
}

func (r *Reactor) dialOne(ctx context.Context, to target, start func(t *drivers.Turn, l drivers.Link) drivers.Machine) (drivers.Link, error) {
	fd, err := sysSocket(to.family)
	if err != nil {
		return nil, err
	}
	if to.family != unix.AF_UNIX {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err = unix.Connect(fd, to.sa); err != nil && err != unix.EINPROGRESS && err != unix.EINTR {
		sysClose(fd)
		return nil, err
	}
	d := &dial{start: start, done: make(chan error, 1)}
	org := &origin{dial: d, tcp: to.family != unix.AF_UNIX}
	if !org.tcp {
		org.remote = to.addr
		org.local = &net.UnixAddr{Net: "unix"}
	}
	lp := r.loops[int(r.next.Add(1))%len(r.loops)]
	var c *conn
	if !lp.command(func() {
		c = lp.open(fd, org)
		r.conns.Add(1)
		lp.stats.Dials++
		c.peer.fromSockaddr(to.sa)
		c.flags |= fDialing
		c.interest = evOut
		if err := lp.poll.add(fd, c.token(), evOut); err != nil {
			lp.failDial(c, err)
		} else if lp.draining {
			lp.failDial(c, drivers.ErrClosed)
		}
	}) {
		sysClose(fd)
		return nil, drivers.ErrClosed
	}
	select {
	case err = <-d.done:
	case <-ctx.Done():
		lp.command(func() { lp.drop(c, ctx.Err()) })
		err = <-d.done // that, or the connection was quicker, or the loop ended
		if err == nil {
			err = ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// connected is called when a socket that was connecting has come to a result.
func (lp *loop) connected(c *conn) {
	if v, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil || v != 0 {
		lp.failDial(c, sockErrno(v, err))
		return
	}
	d := c.org.dial
	c.flags &^= fDialing
	defer d.reply(drivers.ErrClosed) // if start panics
	m := d.start(&lp.turn, c)
	if m == nil {
		lp.end(c, nil)
		return
	}
	c.m = m
	d.reply(nil)
	lp.watch(c, evIn|evRdh)
	lp.drive(c, nil, false, true)
}

func sockErrno(v int, err error) error {
	if err != nil {
		return err
	}
	return unix.Errno(v)
}

// failDial ends a connection attempt.
func (lp *loop) failDial(c *conn, err error) {
	c.flags &^= fDialing
	lp.end(c, err)
	c.org.dial.reply(err)
}
