package verdict

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	core "github.com/purewire/purewire/corpus/verdict"
)

// bubble runs f where time is virtual: it passes when everything that runs has to wait. So whole endpoints with their timers can be asked
// without any verdict depending on how fast they are, and a wait of seconds costs nothing. Everything that f starts has to end with it.
//
// The T is one that no test belongs to: package synctest needs it to end f as a test, which f never does by itself.
func bubble(f func() core.Verdict) (v core.Verdict) {
	synctest.Test(new(testing.T), func(*testing.T) {
		defer func() {
			if r := recover(); r != nil {
				v = core.Verdict{Reason: fmt.Sprintf("panic: %v", r), Left: -1}
			}
		}()
		v = f()
	})
	return v
}

// settle lets everything happen that follows from what was sent: delayed acknowledgments are the longest wait that endpoints take by
// themselves, probes and idle timeouts of more than a second aside.
func settle() {
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}

// packets is an end of a link that loses nothing and keeps the order. It is a net.PacketConn.
type packets struct {
	mu     sync.Mutex
	change sync.Cond
	in     [][]byte
	late   bool // the deadline has passed
	closed bool
	peer   *packets
	at     net.Addr
}

// link returns both ends of a link.
func link() (a, b *packets) {
	a, b = &packets{at: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1).To4(), Port: 1}}, &packets{at: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2).To4(), Port: 2}}
	a.peer, b.peer = b, a
	a.change.L, b.change.L = &a.mu, &b.mu
	return a, b
}

// ReadFrom waits for a packet, for a deadline in the past, or for Close.
func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.in) == 0 && !p.closed && !p.late {
		p.change.Wait()
	}
	switch {
	case p.closed:
		return 0, nil, net.ErrClosed
	case p.late:
		return 0, nil, os.ErrDeadlineExceeded
	}
	n := copy(b, p.in[0])
	p.in = p.in[1:]
	return n, p.peer.at, nil
}

// WriteTo gives a packet to the other end. It never blocks.
func (p *packets) WriteTo(b []byte, _ net.Addr) (int, error) {
	q := p.peer
	q.mu.Lock()
	defer q.mu.Unlock()
	q.in = append(q.in, append([]byte(nil), b...))
	q.change.Broadcast()
	return len(b), nil
}

// Close ends this end.
func (p *packets) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.change.Broadcast()
	return nil
}

// SetReadDeadline knows none and those in the past, which is how readers are stopped.
func (p *packets) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = !t.IsZero() && !t.After(time.Now())
	p.change.Broadcast()
	return nil
}

func (p *packets) LocalAddr() net.Addr              { return p.at }
func (p *packets) SetDeadline(t time.Time) error    { return p.SetReadDeadline(t) }
func (p *packets) SetWriteDeadline(time.Time) error { return nil }

// certificate is what servers show; it is valid in virtual time, too.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a.test"}, NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

func serverTLS() *tls.Config {
	return &tls.Config{NextProtos: []string{"h3"}, Certificates: []tls.Certificate{certificate()}, MinVersion: tls.VersionTLS13}
}

func clientTLS() *tls.Config {
	return &tls.Config{NextProtos: []string{"h3"}, ServerName: "a.test", InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
}
