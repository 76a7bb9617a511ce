package quic

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/protect"
	"github.com/stretchr/testify/require"
)

// end is one of the two ends as the relay knows it: what it sends is protected with these keys.
type end struct {
	role    quic.Role
	keys    [quic.OneRTT + 1]*protect.Keys
	largest [quic.OneRTT + 1]int64
	idLen   int  // of the IDs it chose, which are in what comes for it
	phase   bool // the key phase of keys[OneRTT]
	before  *protect.Keys
	hello   []byte // the crypto stream, Initial for the client and Handshake for the server
}

// relay rewrites the one connection between a client and a server.
type relay struct {
	t        *testing.T
	mu       sync.Mutex
	version  quic.Version
	client   end
	server   end
	odcid    []byte // of the client's first packet, for Retry
	secrets  map[string][]byte
	kinds    map[quic.Kind]int
	packets  map[quic.PacketType]int
	front    net.PacketConn
	back     *net.UDPConn
	from     net.Addr
	offered  bool   // a Version Negotiation packet was sent
	renegot  bool   // answer the first packet with a Version Negotiation packet
	retried  bool   // a Retry has passed
	retryID  []byte // the ID that the Initial keys come from once the client uses it, nil for none
	filled   int    // datagrams with zeros behind the packets
	updates  int    // of keys
	finished sync.WaitGroup
}

// keyLog takes the lines of TLS's key log, of both ends.
type keyLog struct{ r *relay }

func (k keyLog) Write(b []byte) (int, error) {
	k.r.mu.Lock()
	defer k.r.mu.Unlock()
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) == 3 {
			secret, err := hex.DecodeString(f[2])
			if err != nil {
				return 0, err
			}
			k.r.secrets[f[0]] = secret
		}
	}
	return len(b), nil
}

// newRelay starts a relay in front of the server's address.
func newRelay(t *testing.T) *relay {
	r := &relay{t: t, secrets: map[string][]byte{}, kinds: map[quic.Kind]int{}, packets: map[quic.PacketType]int{}}
	r.client.role, r.server.role = quic.Client, quic.Server
	for i := range r.client.largest {
		r.client.largest[i], r.server.largest[i] = quic.NoPacket, quic.NoPacket
	}
	var err error
	r.front, err = net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(r.stop)
	return r
}

func (r *relay) addr() string { return r.front.LocalAddr().String() }

// to begins to relay to the server.
func (r *relay) to(server net.Addr) {
	var err error
	r.back, err = net.DialUDP("udp", nil, server.(*net.UDPAddr))
	require.NoError(r.t, err)
	r.finished.Go(func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := r.front.ReadFrom(buf)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.from = from
			out := r.datagram(buf[:n], &r.client, &r.server)
			r.mu.Unlock()
			if len(out) > 0 {
				_, _ = r.back.Write(out)
			}
		}
	})
	r.finished.Go(func() {
		buf := make([]byte, 65536)
		for {
			n, err := r.back.Read(buf)
			if err != nil {
				if strings.Contains(err.Error(), "refused") {
					continue // the server is closed already
				}
				return
			}
			r.mu.Lock()
			out := r.datagram(buf[:n], &r.server, &r.client)
			from := r.from
			r.mu.Unlock()
			if len(out) > 0 {
				_, _ = r.front.WriteTo(out, from)
			}
		}
	})
}

func (r *relay) stop() {
	r.front.Close()
	if r.back != nil {
		r.back.Close()
	}
	r.finished.Wait()
}

func (r *relay) failf(format string, args ...any) []byte {
	r.t.Errorf(format, args...)
	return nil
}

// datagram rewrites one.
func (r *relay) datagram(src []byte, from, to *end) (out []byte) {
	it := quic.HeaderOptions{ShortIDLen: to.idLen}.Packets(src)
	for read := 0; ; {
		var h quic.Header
		packet, err := it.Next(&h)
		if err != nil {
			// x/net fills datagrams up with zeros behind the packets, which are no packet: a receiver drops them.
			if rest := src[read:]; read > 0 && len(bytes.Trim(rest, "\x00")) == 0 {
				r.filled++
				return append(out, rest...)
			}
			return r.failf("%v: %v: %x", from.role, err, src[:min(len(src), 40)])
		}
		read += len(packet)
		if packet == nil {
			return out
		}
		r.packets[h.Type]++
		switch h.Type {
		case quic.VersionNegotiation:
			out = r.must(quic.AppendVersionNegotiation(out, h.DstID, h.SrcID, h.First&0x7f, versions(&h)...))
		case quic.Retry:
			out = r.retry(out, packet, &h)
		default:
			if r.renegot && h.Version == quic.Version2 {
				r.offered = true
				vn := r.must(quic.AppendVersionNegotiation(nil, h.SrcID, h.DstID, 0x15, 0x1a2a3a4a, quic.Version1))
				_, _ = r.front.WriteTo(vn, r.from)
				return nil // the client begins anew
			}
			more := r.packet(packet, &h, from, to)
			if more == nil {
				return nil
			}
			out = append(out, more...)
		}
	}
}

func (r *relay) must(b []byte, err error) []byte {
	if err != nil {
		r.t.Error(err)
	}
	return b
}

func versions(h *quic.Header) (all []quic.Version) {
	for i := 0; h.VersionAt(i) != 0; i++ {
		all = append(all, h.VersionAt(i))
	}
	return all
}

// retry checks the tag, writes the packet anew with a tag of our own, and forgets the Initial keys.
func (r *relay) retry(out, packet []byte, h *quic.Header) []byte {
	if !protect.RetryAuthentic(h.Version, r.odcid, packet) {
		return r.failf("Retry: wrong tag")
	}
	retry := r.must(quic.AppendRetry(nil, h.Version, h.DstID, h.SrcID, h.Token, h.First&0x0f))
	tag, err := protect.RetryTag(h.Version, r.odcid, retry)
	if err != nil {
		return r.failf("Retry: %v", err)
	}
	if !r.retried { // RFC 9000 section 17.2.5.2: a client takes one Retry only
		r.retried = true
		r.retryID = bytes.Clone(h.SrcID)
	}
	return append(append(out, retry...), tag[:]...)
}

// keysFor derives the keys of an encryption level once they can be known.
func (r *relay) keysFor(e *end, h *quic.Header) *protect.Keys {
	retried := h.Type == quic.Initial && r.retryID != nil && bytes.Equal(h.DstID, r.retryID)
	if k := e.keys[h.Type]; k != nil && !retried && (h.Type != quic.Initial || h.Version == r.version) {
		return k
	}
	if h.Type == quic.Initial {
		if e.role != quic.Client {
			return nil
		}
		r.version = h.Version
		if retried {
			r.retryID = nil
		}
		if r.odcid == nil || r.renegot {
			r.odcid = bytes.Clone(h.DstID)
		}
		c, s, err := protect.InitialSecrets(h.Version, h.DstID)
		require.NoError(r.t, err)
		r.client.keys[quic.Initial], err = protect.New(h.Version, protect.AES128GCM, c)
		require.NoError(r.t, err)
		r.server.keys[quic.Initial], err = protect.New(h.Version, protect.AES128GCM, s)
		require.NoError(r.t, err)
		return e.keys[quic.Initial]
	}
	label := strings.ToUpper(e.role.String())
	if h.Type == quic.Handshake {
		label += "_HANDSHAKE_TRAFFIC_SECRET"
	} else {
		label += "_TRAFFIC_SECRET_0"
	}
	secret := r.secrets[label]
	if secret == nil {
		return nil
	}
	suite := protect.AES128GCM
	if len(secret) == 48 {
		suite = protect.AES256GCM
	}
	k, err := protect.New(r.version, suite, secret)
	require.NoError(r.t, err)
	e.keys[h.Type] = k
	return k
}

// packet opens a packet, reads its frames, and makes a new one of them.
func (r *relay) packet(packet []byte, h *quic.Header, from, to *end) []byte {
	k := r.keysFor(from, h)
	if k == nil {
		return r.failf("%v sends a packet of type %v without keys", from.role, h.Type)
	}
	if h.Type != quic.OneRTT {
		from.idLen = len(h.SrcID)
	}
	dst, src, token := bytes.Clone(h.DstID), bytes.Clone(h.SrcID), bytes.Clone(h.Token)
	o, err := quic.Unmask(packet, h.NumberAt, from.largest[h.Type], k)
	if err != nil {
		return r.failf("%v", err)
	}
	phase := o.First&quic.KeyPhaseBit != 0
	if h.Type == quic.OneRTT && phase != from.phase {
		// RFC 9001 section 6.3: the next keys, or for a packet that is late those before.
		if o.Number < from.largest[h.Type] {
			k = from.before
		} else if k, err = k.Update(); err != nil {
			return r.failf("%v", err)
		}
	}
	payload, err := o.Open(packet, k)
	if err != nil {
		return r.failf("%v's packet %d of type %v: %v", from.role, o.Number, h.Type, err)
	}
	if h.Type == quic.OneRTT && phase != from.phase && o.Number > from.largest[h.Type] {
		from.before, from.keys[h.Type], from.phase = from.keys[h.Type], k, phase
		r.updates++
	}
	from.largest[h.Type] = max(from.largest[h.Type], o.Number)
	frames := r.frames(payload, h.Type, from, to)
	if frames == nil {
		return nil
	}
	numLen := int(o.First&3) + 1
	var head []byte
	if h.Type == quic.OneRTT {
		head, err = quic.AppendShortHeader(nil, dst, o.First&0x20 != 0, o.First&quic.KeyPhaseBit != 0, o.Number, numLen)
	} else {
		head, err = quic.AppendLongHeader(nil, &quic.LongHeader{Type: h.Type, Version: h.Version, DstID: dst, SrcID: src, Token: token,
			Number: o.Number, NumberLen: numLen, Payload: len(frames) + protect.Overhead, LengthSize: 2})
	}
	if err != nil {
		return r.failf("%v", err)
	}
	sealed, err := quic.Protect(append(head, frames...), 0, len(head), o.Number, k)
	if err != nil {
		return r.failf("%v: %d bytes of frames", err, len(frames))
	}
	return sealed
}

// frames reads all frames and writes them anew.
func (r *relay) frames(payload []byte, typ quic.PacketType, from, to *end) (out []byte) {
	var d quic.FrameDecoder
	d.Init(to.role, typ, len(payload))
	var f quic.Frame
	for !d.Ended() {
		n, err := d.Next(payload, &f)
		if err != nil {
			return r.failf("%v sends: %v in %x", from.role, err, payload)
		}
		payload = payload[n:]
		r.kinds[f.Kind]++
		if f.Kind == quic.Crypto && (typ == quic.Initial) == (from.role == quic.Client) && typ != quic.OneRTT {
			from.hello = put(from.hello, int(f.Offset), f.Data)
		}
		if f.Kind == quic.Ack && !f.Ack.ECN {
			var all []quic.Range
			for it := f.Ack.Ranges(); ; {
				rg, ok := it.Next()
				if !ok {
					break
				}
				all = append(all, rg)
			}
			if out, n, err = quic.AppendAck(out, f.Ack.Delay, all, nil, 65536); err != nil || n != len(all) {
				return r.failf("%v %d", err, n)
			}
			continue
		}
		if out, err = quic.AppendFrame(out, &f); err != nil {
			return r.failf("%v", err)
		}
	}
	return out
}

// put puts a piece of a stream where it belongs; what is missing is zero.
func put(all []byte, off int, p []byte) []byte {
	if end := off + len(p); len(all) < end {
		all = append(all, make([]byte, end-len(all))...)
	}
	copy(all[off:], p)
	return all
}

// parameters finds the transport parameters in a ClientHello or EncryptedExtensions (RFC 9001 section 8.2).
func parameters(hello []byte) ([]byte, error) {
	if len(hello) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	typ, b := hello[0], hello[4:4+(int(hello[1])<<16|int(hello[2])<<8|int(hello[3]))]
	if typ == 1 {
		b = b[34:]                                // version, random
		b = b[1+int(b[0]):]                       // session ID
		b = b[2+int(binary.BigEndian.Uint16(b)):] // cipher suites
		b = b[1+int(b[0]):]                       // compression
	}
	for b = b[2:]; len(b) >= 4; {
		id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if id == 0x39 {
			return b[4 : 4+n], nil
		}
		b = b[4+n:]
	}
	return nil, fmt.Errorf("message %d has no transport parameters", typ)
}
