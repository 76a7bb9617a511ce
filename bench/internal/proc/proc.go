//go:build linux

// Package proc reads what the kernel knows about a process (CPU time, memory) and sets what it grants one (cores, open
// files).
package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Pin binds every thread of the calling process to one core. Threads made later inherit it.
func Pin(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
			return fmt.Errorf("binding to core %d: %w", cpu, err)
		}
	}
	return nil
}

// RaiseFiles raises the soft limit of open files to the hard one.
func RaiseFiles() error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
}

// Connect connects a blocking socket. A signal does not interrupt it: the attempt goes on, and Connect waits for its end.
func Connect(fd int, sa unix.Sockaddr) error {
	err := unix.Connect(fd, sa)
	if err != unix.EINTR {
		return err
	}
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	for {
		if _, err := unix.Poll(p, 5000); err == nil {
			break
		} else if err != unix.EINTR {
			return err
		}
	}
	if p[0].Revents == 0 {
		return unix.ETIMEDOUT
	}
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && n != 0 {
		err = syscall.Errno(n)
	}
	return err
}

// Tree returns pid and its living descendants.
func Tree(pid int) []int {
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pids[i], pids[i]))
		if err != nil {
			continue
		}
		for f := range strings.FieldsSeq(string(b)) {
			if n, err := strconv.Atoi(f); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

// CPU is processor time that a process used.
type CPU struct {
	// Total is exact to the nanosecond: the scheduler's own account.
	Total time.Duration
	// User and System are sampled by the timer tick (100 Hz units of a 250 or 1000 Hz sampling). Only their ratio
	// over a long time means something.
	User, System time.Duration
}

// Sub returns c - d.
func (c CPU) Sub(d CPU) CPU { return CPU{c.Total - d.Total, c.User - d.User, c.System - d.System} }

// UserShare returns which part of Total was spent outside of the kernel.
func (c CPU) UserShare() float64 {
	if c.User+c.System == 0 {
		return 0
	}
	return float64(c.User) / float64(c.User+c.System)
}

// tick is the unit of utime and stime in /proc/PID/stat: USER_HZ, 100 on every Linux.
const tick = time.Second / 100

// ReadCPU adds up the processor time of pids, all their threads included, also those that ended.
func ReadCPU(pids []int) (CPU, error) {
	var c CPU
	for _, pid := range pids {
		// The clock of another process: clock_getcpuclockid(3).
		var ts unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
			return c, fmt.Errorf("CPU clock of process %d: %w", pid, err)
		}
		c.Total += time.Duration(ts.Nano())
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return c, err
		}
		s := string(b)
		f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
		if len(f) < 13 {
			return c, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(f))
		}
		u, err1 := strconv.ParseInt(f[11], 10, 64)
		k, err2 := strconv.ParseInt(f[12], 10, 64)
		if err1 != nil || err2 != nil {
			return c, fmt.Errorf("/proc/%d/stat: times %q %q", pid, f[11], f[12])
		}
		c.User += time.Duration(u) * tick
		c.System += time.Duration(k) * tick
	}
	return c, nil
}

// RSS adds up the resident memory of pids in bytes.
func RSS(pids []int) (int64, error) {
	var sum int64
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, err
		}
		_, rest, ok := strings.Cut(string(b), "VmRSS:")
		if !ok {
			return 0, fmt.Errorf("/proc/%d/status: no VmRSS", pid)
		}
		f := strings.Fields(rest)
		kb, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += kb << 10
	}
	return sum, nil
}
