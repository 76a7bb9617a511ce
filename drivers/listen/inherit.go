package listen

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// Named is a listening socket with the name that the service manager gave it (FileDescriptorName=).
type Named struct {
	Name   string
	Socket *Socket
}

// inheritedFirst is the first descriptor of the socket activation protocol (SD_LISTEN_FDS_START).
const inheritedFirst = 3

// maxInherited bounds LISTEN_FDS: more is a broken environment.
const maxInherited = 4096

// Inherited returns the listening sockets that the service manager opened for this process, by systemd's protocol: LISTEN_PID
// must be this process, LISTEN_FDS descriptors start at 3, LISTEN_FDNAMES are their names, separated by colons. The sockets are
// owned. With no such environment it returns nothing and no error. If unset is true, the variables are removed, so that children do
// not take them for theirs.
func Inherited(unset bool) ([]Named, error) {
	n, names, err := ParseInherited(os.Getenv, os.Getpid())
	if unset {
		for _, k := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
			os.Unsetenv(k)
		}
	}
	if err != nil || n == 0 {
		return nil, err
	}
	return adoptFrom(inheritedFirst, names)
}

// adoptFrom makes sockets of consecutive descriptors. If one fails, those made so far are closed.
func adoptFrom(first int, names []string) ([]Named, error) {
	list := make([]Named, 0, len(names))
	for i, name := range names {
		s, err := Adopt(first + i)
		if err != nil {
			for _, l := range list {
				l.Socket.Close()
			}
			return nil, err
		}
		list = append(list, Named{name, s})
	}
	return list, nil
}

// ParseInherited reads the socket activation variables through getenv, for the process pid. It returns how many descriptors there are
// and a name for each ("unknown" where none was given, as sd_listen_fds_with_names does). Variables meant for another process are
// ignored; malformed ones are an *Error.
func ParseInherited(getenv func(string) string, pid int) (n int, names []string, err error) {
	spid, sfds := getenv("LISTEN_PID"), getenv("LISTEN_FDS")
	if spid == "" || sfds == "" {
		return 0, nil, nil
	}
	bad := func(what string) (int, []string, error) {
		return 0, nil, &Error{Op: "inherit", Err: errors.New("malformed " + what)}
	}
	p, err := strconv.Atoi(spid)
	if err != nil || p <= 0 {
		return bad("LISTEN_PID")
	}
	if p != pid {
		return 0, nil, nil
	}
	n, err = strconv.Atoi(sfds)
	if err != nil || n < 0 || n > maxInherited {
		return bad("LISTEN_FDS")
	}
	if n == 0 {
		return 0, nil, nil
	}
	names = make([]string, n)
	for i := range names {
		names[i] = "unknown"
	}
	if s := getenv("LISTEN_FDNAMES"); s != "" {
		given := strings.Split(s, ":")
		if len(given) != n {
			return bad("LISTEN_FDNAMES")
		}
		for i, g := range given {
			if g != "" {
				names[i] = g
			}
		}
	}
	return n, names, nil
}
