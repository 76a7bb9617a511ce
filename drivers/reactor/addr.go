//go:build linux || darwin || freebsd

package reactor

import (
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// address is a peer's address in 24 bytes, without pointers. net.Addr is made when somebody asks.
type address struct {
	ip   [16]byte
	zone uint32
	port uint16
	kind uint8 // 0 = none (Unix socket), 4 or 6
}

func (a *address) fromRaw(sa *unix.RawSockaddrAny) {
	*a = address{}
	switch sa.Addr.Family {
	case unix.AF_INET:
		s := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		a.kind = 4
		copy(a.ip[:], s.Addr[:])
		p := (*[2]byte)(unsafe.Pointer(&s.Port))
		a.port = uint16(p[0])<<8 | uint16(p[1])
	case unix.AF_INET6:
		s := (*unix.RawSockaddrInet6)(unsafe.Pointer(sa))
		a.kind, a.ip, a.zone = 6, s.Addr, s.Scope_id
		p := (*[2]byte)(unsafe.Pointer(&s.Port))
		a.port = uint16(p[0])<<8 | uint16(p[1])
	}
}

func (a *address) fromSockaddr(sa unix.Sockaddr) {
	*a = address{}
	switch s := sa.(type) {
	case *unix.SockaddrInet4:
		a.kind, a.port = 4, uint16(s.Port)
		copy(a.ip[:], s.Addr[:])
	case *unix.SockaddrInet6:
		a.kind, a.port, a.ip, a.zone = 6, uint16(s.Port), s.Addr, s.ZoneId
	}
}

// net returns the address as the net package would.
func (a *address) net() net.Addr {
	switch a.kind {
	case 4:
		return &net.TCPAddr{IP: net.IPv4(a.ip[0], a.ip[1], a.ip[2], a.ip[3]).To4(), Port: int(a.port)}
	case 6:
		t := &net.TCPAddr{IP: append(net.IP(nil), a.ip[:]...), Port: int(a.port)}
		if a.zone != 0 {
			if ifi, err := net.InterfaceByIndex(int(a.zone)); err == nil {
				t.Zone = ifi.Name
			} else {
				t.Zone = strconv.Itoa(int(a.zone))
			}
		}
		return t
	}
	return nil
}

// source is what MaxPerSource counts by: an IPv4 address (also one mapped into IPv6) or an IPv6 /64.
func (a *address) source() netip.Addr {
	switch a.kind {
	case 4:
		return netip.AddrFrom4([4]byte(a.ip[:4]))
	case 6:
		ip := netip.AddrFrom16(a.ip)
		if ip.Is4In6() {
			return ip.Unmap()
		}
		clear := a.ip
		for i := 8; i < 16; i++ {
			clear[i] = 0
		}
		return netip.AddrFrom16(clear)
	}
	return netip.Addr{}
}
