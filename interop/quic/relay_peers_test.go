package quic

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/purewire/purewire/codec/quic"
	quicgo "github.com/quic-go/quic-go"
	"github.com/stretchr/testify/require"
	xnet "golang.org/x/net/quic"
)

const proto = "purewire-test"

// size is how much goes each way.
const size = 300_000

// peer is an implementation: serve echoes the streams of one connection, dial sends text on a stream and returns what comes back.
type peer struct {
	name  string
	serve func(t *testing.T, r *relay, validate bool, versions ...quicgo.Version) net.Addr
	dial  func(ctx context.Context, r *relay, text []byte, versions ...quicgo.Version) ([]byte, error)
}

var quicGo = peer{
	name: "quic-go",
	serve: func(t *testing.T, r *relay, validate bool, versions ...quicgo.Version) net.Addr {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		tr := &quicgo.Transport{Conn: conn, VerifySourceAddress: func(net.Addr) bool { return validate }}
		l, err := tr.Listen(serverTLS(t, r), &quicgo.Config{EnableDatagrams: true, Versions: versions})
		require.NoError(t, err)
		t.Cleanup(func() { l.Close(); tr.Close(); conn.Close() })
		go func() {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			if s, err := c.AcceptStream(context.Background()); err == nil {
				_, _ = io.Copy(s, s)
				s.Close()
			}
		}()
		return conn.LocalAddr()
	},
	dial: func(ctx context.Context, r *relay, text []byte, versions ...quicgo.Version) ([]byte, error) {
		c, err := quicgo.DialAddr(ctx, r.addr(), clientTLS(r), &quicgo.Config{EnableDatagrams: true, Versions: versions})
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.CloseWithError(7, "that was all") }()
		s, err := c.OpenStreamSync(ctx)
		if err != nil {
			return nil, err
		}
		_ = s.SetDeadline(time.Now().Add(time.Minute))
		go func() { _, _ = s.Write(text); s.Close() }()
		return io.ReadAll(s)
	},
}

var xNet = peer{
	name: "x/net/quic",
	serve: func(t *testing.T, r *relay, validate bool, _ ...quicgo.Version) net.Addr {
		e, err := xnet.Listen("udp", "127.0.0.1:0", &xnet.Config{TLSConfig: serverTLS(t, r), RequireAddressValidation: validate})
		require.NoError(t, err)
		t.Cleanup(func() { closeEndpoint(e) })
		go func() {
			c, err := e.Accept(context.Background())
			if err != nil {
				return
			}
			if s, err := c.AcceptStream(context.Background()); err == nil {
				_, _ = io.Copy(s, s)
				s.CloseWrite()
			}
		}()
		return net.UDPAddrFromAddrPort(e.LocalAddr())
	},
	dial: func(ctx context.Context, r *relay, text []byte, _ ...quicgo.Version) ([]byte, error) {
		e, err := xnet.Listen("udp", "127.0.0.1:0", nil)
		if err != nil {
			return nil, err
		}
		defer closeEndpoint(e)
		c, err := e.Dial(ctx, "udp", r.addr(), &xnet.Config{TLSConfig: clientTLS(r)})
		if err != nil {
			return nil, err
		}
		s, err := c.NewStream(ctx)
		if err != nil {
			return nil, err
		}
		s.SetReadContext(ctx)
		s.SetWriteContext(ctx)
		go func() { _, _ = s.Write(text); s.CloseWrite() }()
		return io.ReadAll(s)
	},
}

// closeEndpoint does not wait for long for the peer.
func closeEndpoint(e *xnet.Endpoint) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = e.Close(ctx)
}

func serverTLS(t *testing.T, r *relay) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{proto}, MinVersion: tls.VersionTLS13, KeyLogWriter: keyLog{r}}
}

func clientTLS(r *relay) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{proto}, MinVersion: tls.VersionTLS13, KeyLogWriter: keyLog{r}}
}

// run lets client and server work through the relay.
func run(t *testing.T, r *relay, client, server peer, validate bool, versions ...quicgo.Version) {
	r.to(server.serve(t, r, validate, versions...))
	text := make([]byte, size)
	for i := range text {
		text[i] = byte(i * 7 >> 3)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got, err := client.dial(ctx, r, text, versions...)
	require.NoError(t, err)
	require.Equal(t, text, got)
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Log(r.packets, r.kinds, r.updates, "key updates")
	for _, e := range []*end{&r.client, &r.server} {
		b, err := parameters(e.hello)
		require.NoError(t, err, "%v", e.role)
		var p, again quic.TransportParameters
		require.NoError(t, quic.ParseTransportParameters(b, e.role, &p), "%v: %x", e.role, b)
		require.True(t, p.HasInitialSrcID)
		require.Positive(t, p.MaxData)
		wire, err := quic.AppendTransportParameters(nil, e.role, &p)
		require.NoError(t, err)
		require.NoError(t, quic.ParseTransportParameters(wire, e.role, &again))
		require.Equal(t, p, again)
	}
	for _, typ := range []quic.PacketType{quic.Initial, quic.Handshake, quic.OneRTT} {
		require.Positive(t, r.packets[typ], "%v", typ)
	}
	for _, k := range []quic.Kind{quic.Ack, quic.Crypto, quic.Stream, quic.Padding, quic.HandshakeDone, quic.NewConnectionID} {
		require.Positive(t, r.kinds[k], "%v", k)
	}
	if client.name == "quic-go" || server.name == "quic-go" {
		require.Positive(t, r.updates) // it updates its keys early
	}
	if validate {
		require.Positive(t, r.packets[quic.Retry])
	}
}

// Connections between every two of the peers, every packet opened and made anew on the way.
func TestRewritten(t *testing.T) {
	peers := []peer{quicGo, xNet}
	for _, client := range peers {
		for _, server := range peers {
			t.Run(client.name+" to "+server.name, func(t *testing.T) { run(t, newRelay(t), client, server, false) })
			t.Run(client.name+" to "+server.name+" with Retry", func(t *testing.T) { run(t, newRelay(t), client, server, true) })
		}
	}
}

// QUIC version 2 (RFC 9369), which only quic-go has.
func TestRewrittenVersion2(t *testing.T) {
	for _, validate := range []bool{false, true} {
		r := newRelay(t)
		run(t, r, quicGo, quicGo, validate, quicgo.Version2)
		require.Equal(t, quic.Version2, r.version)
	}
}

// A client that begins with version 2 is told by our Version Negotiation packet that there is only version 1.
func TestVersionNegotiation(t *testing.T) {
	r := newRelay(t)
	r.renegot = true
	r.to(quicGo.serve(t, r, false, quicgo.Version1))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got, err := quicGo.dial(ctx, r, []byte("text"), quicgo.Version2, quicgo.Version1)
	require.NoError(t, err)
	require.Equal(t, "text", string(got))
	r.mu.Lock()
	defer r.mu.Unlock()
	require.True(t, r.offered)
	require.Equal(t, quic.Version1, r.version)
}
