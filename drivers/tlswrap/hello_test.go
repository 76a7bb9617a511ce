package tlswrap_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/tlspeek"
	"github.com/purewire/purewire/drivers/tlswrap"
)

// T-01: a handshake and data that come one byte at a time.
func TestOneByteAtATime(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		c := tls.Client(dribble{r.tcp()}, r.config(v))
		echo(t, c, strings.Repeat("hello ", 300))
		_ = c.Close()
		m := recv(t, "accept", r.svc.accepted)
		if err := recv(t, "the end", m.closed); err != nil || !m.peerClosed.Load() {
			t.Errorf("Closed(%v), PeerClosed %v", err, m.peerClosed.Load())
		}
	})
}

// shred splits handshake records into records of one byte.
type shred struct {
	net.Conn
	done bool
}

func (c *shred) Write(p []byte) (int, error) {
	if c.done || p[0] != 22 {
		return c.Conn.Write(p)
	}
	c.done = true
	var out []byte
	for _, b := range p[5:] {
		out = append(out, 22, p[1], p[2], 0, 1, b)
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// T-01: "ClientHello split into 1-byte records". RFC 8446 section 5.1: "Handshake messages MAY be coalesced into a single TLSPlaintext
// record or fragmented across several records".
func TestHelloInOneByteRecords(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		cfg := r.config(v)
		cfg.CurvePreferences = []tls.CurveID{tls.X25519} // a short hello: six bytes of records for each of its own
		c := tls.Client(&shred{Conn: r.tcp()}, cfg)
		echo(t, c, "hello")
	})
}

// What is no TLS gets an alert, or what Options.NotTLS says, at once; and costs no handshake.
func TestNotTLS(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		alert := []byte{21, 3, 1, 0, 2, 2, 10} // unexpected_message
		r := newRig(t, e, func(_ *rig, _ *tls.Config, o *tlswrap.Options) {
			o.NotTLS = func(first []byte) []byte {
				if first[0] == 'G' {
					return []byte("this is a TLS port\n")
				}
				return nil
			}
		})
		for in, want := range map[string]string{
			"GET / HTTP/1.1\r\nHost: a\r\n\r\n":     "this is a TLS port\n",
			"\x00":                                  string(alert),
			"SSH-2.0-x\r\n":                         string(alert),
			"\x80\x2e\x01\x03\x01":                  string(alert), // SSLv2
			"\x15\x03\x01\x00\x02\x01\x00":          string(alert), // an alert
			"\x17\x03\x03\x00\x01x":                 string(alert), // application data
			"\x16\x02":                              string(alert), // no version 3
			"\x16\x03\x01\x00\x00":                  string(alert), // empty
			"\x16\x03\x01\x40\x01":                  string(alert), // longer than a record may be
			"\x16\x03\x01\x00\x01\x02":              string(alert), // a ServerHello
			"\x16\x03\x01\x00\x01\x01\x17\x03\x01x": string(alert), // goes on as something else
		} {
			c := r.tcp()
			if _, err := io.WriteString(c, in); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(c)
			if string(got) != want || err != nil {
				t.Errorf("%q is answered with %q, %v", in, got, err)
			}
			if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrNotTLS) {
				t.Errorf("%q: %v", in, err)
			}
			_ = c.Close()
		}
	})
}

// T-01: the cap on the ClientHello, declared or reached, and its twin just below.
func TestHelloTooLong(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, func(_ *rig, cfg *tls.Config, o *tlswrap.Options) {
			o.MaxHello = 8 << 10
			cfg.NextProtos = []string{"x"}
		})
		decodeError := []byte{21, 3, 1, 0, 2, 2, 50}
		c := r.tcp()
		_, _ = c.Write([]byte{22, 3, 1, 0x10, 0, 1, 0, 0x20, 0}) // declares 8 KiB
		if got, err := io.ReadAll(c); !bytes.Equal(got, decodeError) || err != nil {
			t.Errorf("%x, %v", got, err)
		}
		if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrHello) {
			t.Error(err)
		}
		c = r.tcp() // six bytes for one
		_, _ = c.Write(slices.Concat([]byte{22, 3, 1, 0, 4, 1, 0, 0x10, 0}, bytes.Repeat([]byte{22, 3, 1, 0, 1, 0}, 1400)))
		if got, err := io.ReadAll(c); !bytes.Equal(got, decodeError) || err != nil {
			t.Errorf("%x, %v", got, err)
		}
		if err := recv(t, "the verdict", r.hands); !errors.Is(err, tlswrap.ErrHello) {
			t.Error(err)
		}
		cfg := r.config(tls.VersionTLS13)
		for i := range 25 { // 6.4 KB of protocols
			cfg.NextProtos = append(cfg.NextProtos, fmt.Sprintf("%0250d", i))
		}
		cfg.NextProtos = append(cfg.NextProtos, "x")
		tc, _ := r.open(cfg)
		echo(t, tc, "hello")
	})
}

// TL09: OnHello sees the ClientHello before anything else happens, and may refuse.
func TestOnHello(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		prints := make(chan string, 10)
		var link drivers.Link
		r := newRig(t, e, func(_ *rig, cfg *tls.Config, o *tlswrap.Options) {
			cfg.NextProtos = []string{"h2"}
			o.OnHello = func(l drivers.Link, h *tlspeek.Hello) byte {
				if string(h.ServerName) == "forbidden.example" {
					return 112 // unrecognized_name
				}
				link = l
				prints <- fmt.Sprintf("%s %s %s", h.ServerName, h.Protocols, h.JA4(nil)[:3])
				return 0
			}
		})
		cfg := r.config(v)
		cfg.NextProtos = []string{"h2"}
		cfg.ServerName = "forbidden.example"
		if _, err := r.dial(cfg); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("the client sees %v", err)
		}
		var refused *tlswrap.RefusedError
		if err := recv(t, "the verdict", r.hands); !errors.As(err, &refused) || refused.Alert != 112 {
			t.Error(err)
		}
		cfg.ServerName = "localhost"
		c, m := r.open(cfg)
		echo(t, c, "hello")
		want := map[uint16]string{tls.VersionTLS12: "localhost [h2] t12", tls.VersionTLS13: "localhost [h2] t13"}[v]
		if got := recv(t, "the hello", prints); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if link.RemoteAddr().String() != m.link.RemoteAddr().String() {
			t.Error("another link")
		}
		// What tlspeek cannot read is refused.
		raw := r.tcp()
		_, _ = raw.Write([]byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 0})
		if got, err := io.ReadAll(raw); !bytes.Equal(got, []byte{21, 3, 1, 0, 2, 2, 50}) || err != nil {
			t.Errorf("%x, %v", got, err)
		}
		var bad *tlspeek.Error
		if err := recv(t, "the verdict", r.hands); !errors.As(err, &bad) {
			t.Error(err)
		}
	})
}
