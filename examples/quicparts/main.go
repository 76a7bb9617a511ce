// Command quicparts puts the parts of QUIC in codec/quic together, by hand: the handshake of crypto/tls, packets and their protection, acknowledgments and
// loss recovery, congestion control and pacing, streams and flow control, connection IDs, the anti-amplification limit, the search for the MTU, key
// updates, closing. Two endpoints talk over a link in virtual time that loses 15 % of all datagrams: a client sends a request and gets an answer of half a megabyte.
//
// It shows who must be told what and when. It is no QUIC stack: Retry, Version Negotiation, 0-RTT, migration, coalesced packets, ECN and datagrams that come before
// their keys are left out (the last are sent again by the peer).
package main

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	mrand "math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/path"
)

func main() {
	if err := run(os.Stdout, link{loss: 0.15, mtu: 1400, shrunk: 1300, seed: 1}); err != nil {
		log.Fatal(err)
	}
}

const (
	delay     = 20 * time.Millisecond // of the link, one way
	answerLen = 500_000
)

// link is what happens to datagrams: how many are lost, and with jitter, come late, twice, or changed. mtu is the largest that it carries, and shrunk the
// largest that it carries in the end.
type link struct {
	loss        float64
	jitter      bool
	mtu, shrunk int
	seed        uint64
}

// arrival is a datagram on its way.
type arrival struct {
	at   codec.Time
	to   *endpoint
	data []byte
}

func run(w io.Writer, l link) error {
	rng := mrand.New(mrand.NewPCG(l.seed, 0))
	client, server, err := configs()
	if err != nil {
		return err
	}
	now := codec.Time(time.Second)
	c, err := newEndpoint(now, quic.Client, client)
	if err != nil {
		return err
	}
	s, err := newEndpoint(now, quic.Server, server)
	if err != nil {
		return err
	}

	// The applications.
	answer := bytes.Repeat([]byte("0123456789"), answerLen/10)
	var request, got []byte
	largest := l.mtu
	left := answer
	asked, complete := false, false
	s.data = func(id quic.StreamID, b []byte, end bool) {
		if request = append(request, b...); end {
			fmt.Fprintf(w, "server: stream %d asks for %q\n", id, request)
		}
	}
	c.data = func(id quic.StreamID, b []byte, end bool) {
		if got = append(got, b...); end {
			complete = true
			fmt.Fprintf(w, "client: stream %d has %d octets, all of them right: %v\n", id, len(got), bytes.Equal(got, answer))
		}
	}
	work := func() error {
		if c.done && !asked {
			id, ok := c.streams.Open(false)
			if !ok {
				return errors.New("no stream")
			}
			asked = true
			c.create(id)
			fmt.Fprintf(w, "client: %s, ALPN %s\n", tls.VersionName(c.tls.ConnectionState().Version), c.tls.ConnectionState().NegotiatedProtocol)
			if _, err := c.send[id].Write([]byte("half a megabyte, please")); err != nil {
				return err
			}
			c.send[id].Close()
		}
		if out := s.send[0]; out != nil && len(request) > 0 && !out.Buffer().Closed() {
			n, err := out.Write(left)
			if left = left[n:]; err == nil && len(left) == 0 {
				out.Close()
			}
			return err
		}
		if len(got) > answerLen/2 {
			largest = l.shrunk
		}
		if complete && c.closer.State() == path.Open {
			c.close(now)
		}
		return nil
	}

	// The link and the clock.
	if err := errors.Join(c.initialKeys(newID()), c.start(now)); err != nil {
		return err
	}
	var wire []arrival
	lost := 0
	ends := [2]*endpoint{c, s}
	for c.closer.State() != path.Closed || s.closer.State() != path.Closed {
		if err := work(); err != nil {
			return err
		}
		next := codec.Never
		for i, e := range ends {
			if e.tls != nil {
				err := e.transmit(now, func(d []byte) {
					if rng.Float64() < l.loss || len(d) > largest {
						lost++
						return
					}
					a := arrival{now.Add(delay), ends[1-i], d}
					wire = append(wire, a)
					if l.jitter && rng.IntN(20) == 0 {
						wire[len(wire)-1].at = a.at.Add(time.Duration(rng.Int64N(int64(delay))))
						copied, bit := bytes.Clone(d), rng.IntN(8*len(d))
						if rng.IntN(2) == 0 {
							copied[bit/8] ^= 1 << (bit % 8)
						}
						wire = append(wire, arrival{now.Add(time.Duration(rng.Int64N(2 * int64(delay)))), a.to, copied})
					}
				})
				if err != nil {
					return err
				}
			}
			next = codec.Earliest(next, e.deadline(now))
		}
		slices.SortStableFunc(wire, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
		if len(wire) > 0 {
			next = codec.Earliest(next, wire[0].at)
		}
		if now = max(now, next); now > codec.Time(time.Hour) {
			return errors.New("it takes too long")
		}
		for len(wire) > 0 && wire[0].at <= now {
			if err := wire[0].to.receive(now, wire[0].data); err != nil {
				return err
			}
			wire = wire[1:]
		}
		for _, e := range ends {
			if e.deadline(now).Reached(now) {
				e.advance(now)
			}
		}
	}
	fmt.Fprintf(w, "datagrams of up to %d octets, keys updated: %v, something lost: %v\n", s.mtu.Size(), s.phase.Generation() > 0, lost > 0)
	fmt.Fprintln(w, "both ends are closed")
	return nil
}

// configs makes a certificate, and the configurations of a server that has it and a client that knows it.
func configs() (client, server *tls.Config, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	alpn := []string{"example"}
	client = &tls.Config{RootCAs: roots, ServerName: "example.com", NextProtos: alpn, MinVersion: tls.VersionTLS13}
	server = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: alpn, MinVersion: tls.VersionTLS13,
		SessionTicketsDisabled: true,
	}
	return client, server, nil
}
