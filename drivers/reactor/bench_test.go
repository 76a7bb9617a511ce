//go:build linux

package reactor

import (
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
)

// BenchmarkEcho is 64 connections, each with one 128-byte message under way; with Go every message goes through Link.Go and Wake.
func BenchmarkEcho(b *testing.B) {
	for _, x := range []struct {
		name string
		cfg  Config
		work bool
	}{
		{"loop", Config{Loops: 1}, false},
		{"loop-locked", Config{Loops: 1, LockThread: true}, false},
		{"go", Config{Loops: 1}, true},
		{"go-locked", Config{Loops: 1, LockThread: true}, true},
	} {
		b.Run(x.name, func(b *testing.B) {
			r, err := New(service(func(m *tester) {
				if !x.work {
					return
				}
				m.recv = func(m *tester, _ *drivers.Turn, src, dst []byte) (int, []byte) {
					m.status = 0
					n := len(src)
					m.link.Go(func() { m.payload = make([]byte, n); m.link.Wake() })
					return n, dst
				}
				m.advance = func(m *tester, _ *drivers.Turn) {
					if m.payload != nil {
						m.status = drivers.WantOutput
					}
				}
				m.transmit = func(m *tester, _ *drivers.Turn, dst []byte) []byte {
					dst = append(dst, m.payload...)
					m.payload, m.status = nil, drivers.WantInput
					return dst
				}
			}), x.cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			if err := r.Listen("tcp", "127.0.0.1:0", listen.Config{}); err != nil {
				b.Fatal(err)
			}
			r.Start()
			var fds []int
			to := syscall.SockaddrInet4{Port: r.Addrs()[0].(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
			for i := 0; i < 64; i++ {
				fd, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
				if err := syscall.Connect(fd, &to); err != nil {
					b.Fatal(err)
				}
				fds = append(fds, fd)
			}
			buf := make([]byte, 128)
			var u0, u1 syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &u0)
			b.ResetTimer()
			for i := 0; i < b.N; i += len(fds) {
				for _, fd := range fds {
					syscall.Write(fd, buf)
				}
				for _, fd := range fds {
					for n := 0; n < len(buf); {
						k, err := syscall.Read(fd, buf[n:])
						if err != nil || k == 0 {
							b.Fatal(k, err)
						}
						n += k
					}
				}
			}
			b.StopTimer()
			syscall.Getrusage(syscall.RUSAGE_SELF, &u1)
			cpu := u1.Utime.Nano() - u0.Utime.Nano() + u1.Stime.Nano() - u0.Stime.Nano()
			b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op")
			for _, fd := range fds {
				syscall.Close(fd)
			}
		})
	}
}

// BenchmarkIdle reports the memory per connection of 10,000 (or as many as there are descriptors for) that wait after one message each.
func BenchmarkIdle(b *testing.B) {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		b.Fatal(err)
	}
	n := min(10_000, int(lim.Cur-200)/2)
	rss := func() float64 {
		runtime.GC()
		debug.FreeOSMemory()
		s, _ := os.ReadFile("/proc/self/statm")
		pages, _ := strconv.Atoi(strings.Fields(string(s))[1])
		return float64(pages * os.Getpagesize())
	}
	for i := 0; i < b.N; i++ {
		shared := &tester{status: drivers.WantInput}
		r, err := New(drivers.ServiceFunc(func(*drivers.Turn, drivers.Link) drivers.Machine { return shared }), Config{Loops: 1})
		if err != nil {
			b.Fatal(err)
		}
		r.Listen("tcp", "127.0.0.1:0", listen.Config{})
		r.Start()
		to := syscall.SockaddrInet4{Port: r.Addrs()[0].(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
		buf := make([]byte, 128)
		fds := make([]int, n)
		base := rss()
		for k := range fds {
			fds[k], _ = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
			if err := syscall.Connect(fds[k], &to); err != nil {
				b.Fatal(err)
			}
			syscall.Write(fds[k], buf)
			syscall.Read(fds[k], buf)
		}
		b.ReportMetric((rss()-base)/float64(n), "rss-B/conn")
		for _, fd := range fds {
			syscall.Close(fd)
		}
		r.Close()
	}
}
