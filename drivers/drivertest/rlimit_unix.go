//go:build unix

package drivertest

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// descriptorLimit raises the soft limit of open files to the hard one and returns it.
func descriptorLimit() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 256
	}
	if l.Cur < l.Max {
		l.Cur = l.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
		_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
	}
	return int(min(uint64(l.Cur), 1<<20))
}

const childEnv = "PUREWIRE_DRIVERTEST_CHILD"

// without descriptors the driver neither spins nor fails, goes on serving who is connected, and accepts again soon
// after descriptors are free. It runs in a process of its own, whose limit can be lowered.
func outOfDescriptors(t *testing.T, d Driver) {
	if os.Getenv(childEnv) == "" {
		parts := strings.Split(t.Name(), "/")
		cmd := exec.Command(os.Args[0], "-test.run=^"+strings.Join(parts, "$/^")+"$", "-test.v")
		cmd.Env = append(os.Environ(), childEnv+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("child done")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	s := startService(t, d, Options{}, Echo)
	old := dial(t, s)
	roundTrip(t, old, []byte("before"))

	// The peers are this process too: take their sockets first, then every descriptor that is left.
	const peers = 20
	fds := make([]int, peers)
	for i := range fds {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds[i] = fd
	}
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	l.Cur = 256
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	var hoard []int
	for {
		fd, err := syscall.Dup(fds[0])
		if err != nil {
			break
		}
		hoard = append(hoard, fd)
	}
	a := s.Addrs()[0].(*net.TCPAddr)
	sa := &syscall.SockaddrInet4{Port: a.Port, Addr: [4]byte{127, 0, 0, 1}}
	for _, fd := range fds {
		if err := syscall.Connect(fd, sa); err != nil {
			t.Fatal(err)
		}
	}
	before := cpu()
	begin := time.Now()
	for time.Since(begin) < 500*time.Millisecond {
		roundTrip(t, old, []byte("during"))
		time.Sleep(5 * time.Millisecond)
	}
	// Less than half a core, race detector and the pings above included: a spinning accept loop takes a whole one.
	if used, in := cpu()-before, time.Since(begin); used > in/2 {
		t.Errorf("%v of CPU in %v without descriptors", used, in)
	}
	for _, fd := range hoard {
		_ = syscall.Close(fd)
	}
	served, refused := 0, 0
	for _, fd := range fds {
		f := os.NewFile(uintptr(fd), "peer")
		c, err := net.FileConn(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = c.Write([]byte("x"))
		if _, err := io.ReadFull(c, make([]byte, 1)); err == nil {
			served++
		} else {
			refused++ // a driver may shed those it could not accept
		}
		_ = c.Close()
	}
	c := dial(t, s)
	roundTrip(t, c, []byte("after"))
	_ = c.Close()
	_ = old.Close()
	stop(t, s)
	t.Logf("child done: %d served, %d refused", served, refused)
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
