package tlswrap_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// forger continues a client's connection with records that crypto/tls would never send. It learns the keys from the client's own
// key log; the server must choose AES-128-GCM with SHA-256.
type forger struct {
	tb     testing.TB
	raw    net.Conn
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
	v12    bool
	secret []byte
}

// forge shakes hands, has one echo, and takes over the sending side.
func (r *rig) forge(v uint16) (*forger, *watchedConn) {
	r.tb.Helper()
	var keys bytes.Buffer
	cfg := r.config(v)
	cfg.KeyLogWriter = &keys
	cfg.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	tee := &capture{Conn: r.tcp()}
	c := tls.Client(tee, cfg)
	echo(r.tb, c, "hello")
	m := recv(r.tb, "accept", r.svc.accepted)
	if id := c.ConnectionState().CipherSuite; id != tls.TLS_AES_128_GCM_SHA256 && v == tls.VersionTLS13 {
		r.tb.Fatalf("cipher suite %s", tls.CipherSuiteName(id))
	}
	f := &forger{tb: r.tb, raw: tee.Conn, v12: v == tls.VersionTLS12}
	for line := range strings.Lines(keys.String()) {
		w := strings.Fields(line)
		secret, err := hex.DecodeString(w[2])
		if err != nil {
			r.tb.Fatal(err)
		}
		switch w[0] {
		case "CLIENT_TRAFFIC_SECRET_0":
			f.rekey(secret)
			f.seq = 1 // the echo
		case "CLIENT_RANDOM":
			client, _ := hex.DecodeString(w[1])
			server := tee.serverRandom(r.tb)
			// RFC 5246 section 6.3: key_block = PRF(master_secret, "key expansion", server_random + client_random)
			block := prf(secret, append(append([]byte("key expansion"), server...), client...), 40)
			f.gcm(block[:16])
			f.iv = block[32:36]
			f.seq = 2 // Finished and the echo
		}
	}
	if f.aead == nil {
		r.tb.Fatalf("no key in %q", keys.String())
	}
	return f, m
}

// capture keeps what the server sent first.
type capture struct {
	net.Conn
	in []byte
}

func (c *capture) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if len(c.in) < 64 {
		c.in = append(c.in, p[:n]...)
	}
	return n, err
}

// serverRandom is 32 bytes into the ServerHello: 5 of record header, 4 of handshake header, 2 of version.
func (c *capture) serverRandom(tb testing.TB) []byte {
	if len(c.in) < 43 || c.in[5] != 2 {
		tb.Fatalf("no ServerHello: %x", c.in)
	}
	return c.in[11:43]
}

// prf is P_SHA256 of RFC 5246 section 5, with label and seed joined.
func prf(secret, seed []byte, n int) (out []byte) {
	mac := func(b ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, b := range b {
			h.Write(b)
		}
		return h.Sum(nil)
	}
	for a := mac(seed); len(out) < n; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:n]
}

// expand is HKDF-Expand-Label of RFC 8446 section 7.1, without a context.
func (f *forger) expand(secret []byte, label string, n int) []byte {
	info := append([]byte{byte(n >> 8), byte(n), byte(6 + len(label))}, "tls13 "+label...)
	b, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), n)
	if err != nil {
		f.tb.Fatal(err)
	}
	return b
}

// rekey is RFC 8446 section 7.3.
func (f *forger) rekey(secret []byte) {
	f.secret, f.seq = secret, 0
	f.gcm(f.expand(secret, "key", 16))
	f.iv = f.expand(secret, "iv", 12)
}

func (f *forger) gcm(key []byte) {
	block, err := aes.NewCipher(key)
	if err == nil {
		f.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		f.tb.Fatal(err)
	}
}

// record seals p as a record of type typ.
func (f *forger) record(typ byte, p []byte) []byte {
	seq := binary.BigEndian.AppendUint64(nil, f.seq)
	f.seq++
	if f.v12 { // RFC 5288 section 3
		head := []byte{typ, 3, 3, 0, 0}
		binary.BigEndian.PutUint16(head[3:], uint16(8+len(p)+16))
		aad := append(append([]byte{}, seq...), typ, 3, 3, byte(len(p)>>8), byte(len(p)))
		nonce := append(append([]byte{}, f.iv...), seq...)
		return f.aead.Seal(append(head, seq...), nonce, p, aad)
	}
	// RFC 8446 section 5.2
	inner := append(append([]byte{}, p...), typ)
	head := []byte{23, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(head[3:], uint16(len(inner)+16))
	nonce := bytes.Clone(f.iv)
	for i := range seq {
		nonce[4+i] ^= seq[i]
	}
	return f.aead.Seal(head, nonce, inner, head)
}

// keyUpdate makes a KeyUpdate record and the keys that follow it (RFC 8446 section 7.2).
func (f *forger) keyUpdate(request byte) []byte {
	b := f.record(22, []byte{24, 0, 0, 1, request})
	f.rekey(f.expand(f.secret, "traffic upd", 32))
	return b
}

// send writes, and forgives a server that has had enough.
func (f *forger) send(b []byte) { _, _ = f.raw.Write(b) }

// T-02: record games end the connection after few of them, and their honest twins do not.
func TestRecordGames(t *testing.T) {
	const many = 1000 // more than any limit; all of it comes in one write
	repeat := func(n int, f func() []byte) []byte {
		var b []byte
		for range n {
			b = append(b, f()...)
		}
		return b
	}
	type game struct {
		name string
		v    uint16
		make func(f *forger, n int) []byte
		// most is how many of them are tolerated in a row; 0: none at all.
		most int
	}
	games := []game{
		{"empty records", 0, func(f *forger, n int) []byte { return repeat(n, func() []byte { return f.record(23, nil) }) }, 8},
		{"warning alerts", tls.VersionTLS12, func(f *forger, n int) []byte { return repeat(n, func() []byte { return f.record(21, []byte{1, 90}) }) }, 8},
		{"user_canceled", tls.VersionTLS13, func(f *forger, n int) []byte { return repeat(n, func() []byte { return f.record(21, []byte{1, 90}) }) }, 8},
		{"KeyUpdate", tls.VersionTLS13, func(f *forger, n int) []byte { return repeat(n, func() []byte { return f.keyUpdate(0) }) }, 8},
		{"KeyUpdate with request", tls.VersionTLS13, func(f *forger, n int) []byte { return repeat(n, func() []byte { return f.keyUpdate(1) }) }, 8},
		// RFC 8446 section 4.1.2: "Because TLS 1.3 forbids renegotiation, if a server has negotiated TLS 1.3 and receives a ClientHello at any
		// other time, it MUST terminate the connection with an "unexpected_message" alert." Under 1.2 it is our choice.
		{"renegotiation", 0, func(f *forger, _ int) []byte { return f.record(22, clientHello(f.tb)[5:]) }, 0},
		{"ChangeCipherSpec", tls.VersionTLS12, func(f *forger, _ int) []byte { return f.record(20, []byte{1}) }, 0},
		{"heartbeat", 0, func(f *forger, _ int) []byte { return f.record(24, []byte{1, 0, 0}) }, 0},
		{"an alert of one byte", 0, func(f *forger, _ int) []byte { return f.record(21, []byte{1}) }, 0},
		{"a record that does not decrypt", 0, func(f *forger, _ int) []byte {
			b := f.record(23, []byte("hello"))
			b[len(b)-1] ^= 1
			return b
		}, 0},
		{"a record that is too long", 0, func(f *forger, _ int) []byte { return []byte{23, 3, 3, 0x48, 1} }, 0},
		{"more plaintext than a record may have", 0, func(f *forger, _ int) []byte { return f.record(23, make([]byte, 16<<10+1)) }, 0},
		{"another version", 0, func(f *forger, _ int) []byte { b := f.record(23, nil); b[2] = 1; return b }, 0},
	}
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		for _, g := range games {
			if g.v != 0 && g.v != v {
				continue
			}
			t.Run(g.name, func(t *testing.T) {
				f, m := r.forge(v)
				f.send(g.make(f, many))
				// The peer is told: an alert is the last thing it gets.
				got, err := io.ReadAll(f.raw)
				if err != nil && !strings.Contains(err.Error(), "reset") {
					t.Error(err)
				}
				if err == nil && len(got) < 7 {
					t.Errorf("the last words are %x", got)
				}
				if limit := 64 * 40; len(got) > limit {
					t.Errorf("%d bytes in answer", len(got))
				}
				if err := recv(t, "the end", m.closed); err == nil || m.peerClosed.Load() || m.in.Load() != 5 {
					t.Errorf("Closed(%v), PeerClosed %v, %d bytes", err, m.peerClosed.Load(), m.in.Load())
				}
				_ = f.raw.Close()
				if g.most == 0 {
					return
				}
				// The twin: a few at a time, for ever, with work in between.
				f, m = r.forge(v)
				for i := range 50 {
					f.send(append(g.make(f, g.most), f.record(23, []byte("x"))...))
					await(t, fmt.Sprintf("byte %d", i), func() bool { return m.in.Load() == int64(5+1+i) })
				}
				_ = f.raw.Close()
				recv(t, "the end", m.closed)
			})
		}
	})
}

// T-02: whatever comes, each call makes progress: calls of the machine grow with the records, not with their number of pieces.
func TestRecordsInPieces(t *testing.T) {
	everyVersion(t, func(t *testing.T, e engine, v uint16) {
		r := newRig(t, e, nil)
		f, m := r.forge(v)
		big := f.record(23, bytes.Repeat([]byte{'x'}, 16<<10)) // the largest there is
		for len(big) > 0 {
			n := min(len(big), 37)
			f.send(big[:n])
			big = big[n:]
		}
		await(t, "the record", func() bool { return m.in.Load() == 5+16<<10 })
		var all []byte
		for range 5000 { // the smallest
			all = append(all, f.record(23, []byte{'y'})...)
		}
		go func() { _, _ = io.Copy(io.Discard, f.raw) }()
		f.send(all)
		await(t, "the records", func() bool { return m.in.Load() == 5+16<<10+5000 })
	})
}
