package tlspeek_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/drivers/tlspeek"
)

// hello is a ClientHello made to measure.
type hello struct {
	suites     []uint16
	extensions []extension
	raw        []byte // instead of the extensions, with their length
}

type extension struct {
	kind uint16
	data []byte
}

func list16(v ...uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(2*len(v)))
	for _, v := range v {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

func (h hello) message() []byte {
	b := append([]byte{3, 3}, make([]byte, 32)...)
	b = append(b, 2, 'i', 'd')
	b = append(b, list16(h.suites...)...)
	b = append(b, 1, 0)
	if h.raw != nil {
		b = append(b, h.raw...)
	} else if h.extensions != nil {
		var x []byte
		for _, e := range h.extensions {
			x = binary.BigEndian.AppendUint16(x, e.kind)
			x = binary.BigEndian.AppendUint16(x, uint16(len(e.data)))
			x = append(x, e.data...)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(x)))
		b = append(b, x...)
	}
	return append([]byte{1, byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

// records cuts a message into records of at most n bytes.
func records(msg []byte, n int) (b []byte) {
	for part := range slices.Chunk(msg, n) {
		b = append(b, 22, 3, 1, byte(len(part)>>8), byte(len(part)))
		b = append(b, part...)
	}
	return b
}

func sni(name string) extension {
	b := append([]byte{0, byte(len(name) >> 8), byte(len(name))}, name...)
	return extension{0, append([]byte{byte(len(b) >> 8), byte(len(b))}, b...)}
}

func alpn(protocols ...string) extension {
	var b []byte
	for _, p := range protocols {
		b = append(append(b, byte(len(p))), p...)
	}
	return extension{16, append([]byte{byte(len(b) >> 8), byte(len(b))}, b...)}
}

// real returns what crypto/tls sends for cfg.
func real(tb testing.TB, cfg *tls.Config) []byte {
	tb.Helper()
	a, b := net.Pipe()
	defer a.Close()
	done := make(chan struct{})
	go func() { defer close(done); _ = tls.Client(b, cfg).Handshake() }()
	buf := make([]byte, 32<<10)
	n, err := a.Read(buf)
	if err != nil {
		tb.Fatal(err)
	}
	_ = b.Close()
	<-done
	return buf[:n]
}

// asked returns what crypto/tls as a server understands.
func asked(in []byte) *tls.ClientHelloInfo {
	var info *tls.ClientHelloInfo
	c := &canned{Reader: bytes.NewReader(in)}
	_ = tls.Server(c, &tls.Config{GetConfigForClient: func(i *tls.ClientHelloInfo) (*tls.Config, error) {
		info = i
		return nil, errors.New("enough")
	}}).Handshake()
	return info
}

// canned is a net.Conn that gives its bytes and takes any.
type canned struct{ *bytes.Reader }

func (canned) Write(p []byte) (int, error)      { return len(p), nil }
func (canned) Close() error                     { return nil }
func (canned) LocalAddr() net.Addr              { return nil }
func (canned) RemoteAddr() net.Addr             { return nil }
func (canned) SetDeadline(time.Time) error      { return nil }
func (canned) SetReadDeadline(time.Time) error  { return nil }
func (canned) SetWriteDeadline(time.Time) error { return nil }

// compare holds h to what crypto/tls understood.
func compare(tb testing.TB, h *tlspeek.Hello, info *tls.ClientHelloInfo) {
	tb.Helper()
	if string(h.ServerName) != info.ServerName {
		tb.Errorf("name %q, crypto/tls has %q", h.ServerName, info.ServerName)
	}
	var protocols []string
	for _, p := range h.Protocols {
		protocols = append(protocols, string(p))
	}
	if !slices.Equal(protocols, info.SupportedProtos) {
		tb.Errorf("protocols %q, crypto/tls has %q", protocols, info.SupportedProtos)
	}
	if !slices.Equal(h.CipherSuites, info.CipherSuites) {
		tb.Errorf("suites %x, crypto/tls has %x", h.CipherSuites, info.CipherSuites)
	}
	if !slices.Equal(h.Extensions, info.Extensions) {
		tb.Errorf("extensions %d, crypto/tls has %d", h.Extensions, info.Extensions)
	}
	if len(h.Versions) > 0 && !slices.Equal(h.Versions, info.SupportedVersions) {
		tb.Errorf("versions %x, crypto/tls has %x", h.Versions, info.SupportedVersions)
	}
	if len(h.Groups) != len(info.SupportedCurves) || len(h.Signatures) != len(info.SignatureSchemes) {
		tb.Errorf("%d groups and %d signatures, crypto/tls has %d and %d", len(h.Groups), len(h.Signatures), len(info.SupportedCurves), len(info.SignatureSchemes))
	}
}

// What crypto/tls sends is understood as crypto/tls understands it, in records of any size.
func TestRealHellos(t *testing.T) {
	for name, cfg := range map[string]*tls.Config{
		"plain":  {InsecureSkipVerify: true},
		"name":   {ServerName: "www.example.com", NextProtos: []string{"h2", "http/1.1"}},
		"1.2":    {ServerName: "a", MaxVersion: tls.VersionTLS12},
		"ticket": {ServerName: "a", ClientSessionCache: tls.NewLRUClientSessionCache(1)},
	} {
		in := real(t, cfg)
		info := asked(in)
		if info == nil {
			t.Fatalf("%s: crypto/tls does not understand itself", name)
		}
		msg := in[5:]
		var h tlspeek.Hello
		for _, n := range []int{1, 2, 3, 5, 100, len(msg) - 1, len(msg)} {
			if err := h.Parse(records(msg, n)); err != nil {
				t.Fatalf("%s in records of %d: %v", name, n, err)
			}
			compare(t, &h, info)
		}
		if err := h.ParseMessage(msg); err != nil {
			t.Error(err)
		}
		compare(t, &h, info)
	}
}

// The first law: the outcome is the same at every cutting, and what is too short is never an error.
func TestEveryCut(t *testing.T) {
	in := records(hello{suites: []uint16{0x1301}, extensions: []extension{sni("example.com"), alpn("h2")}}.message(), 40)
	var h tlspeek.Hello
	for i := range in {
		if err := h.Parse(in[:i]); !errors.Is(err, tlspeek.ErrShort) {
			t.Errorf("after %d of %d bytes: %v", i, len(in), err)
		}
		for j := i; j <= len(in); j++ {
			var s tlspeek.Scan
			for _, k := range []int{i, j, len(in)} {
				complete, ok := s.Next(in[:k])
				if !ok || complete != (k == len(in)) {
					t.Fatalf("cuts %d, %d: Next(%d bytes) is %v, %v", i, j, k, complete, ok)
				}
			}
			if s.Len() != len(in) {
				t.Fatalf("cuts %d, %d: Len %d", i, j, s.Len())
			}
		}
	}
	if err := h.Parse(append(in, "more"...)); err != nil || string(h.ServerName) != "example.com" {
		t.Errorf("with more behind: %q, %v", h.ServerName, err)
	}
}

// Every reason is reached, and its neighbour that is right is accepted.
func TestReasons(t *testing.T) {
	good := hello{suites: []uint16{0x1301}, extensions: []extension{
		sni("example.com"), alpn("h2", "http/1.1"), {43, []byte{2, 3, 4}}, {10, list16(29)}, {13, list16(0x0403)}, {42, nil}}}
	var h tlspeek.Hello
	if err := h.ParseMessage(good.message()); err != nil || !h.Early || string(h.SessionID) != "id" {
		t.Fatalf("%v, early %v, session %q", err, h.Early, h.SessionID)
	}
	if err := h.ParseMessage(hello{suites: []uint16{0x002f}}.message()); err != nil || h.Extensions == nil || len(h.Extensions) != 0 || h.Early {
		t.Errorf("without extensions: %v, %v", err, h.Extensions)
	}
	one := func(kind uint16, data string) []byte {
		return hello{suites: []uint16{1}, extensions: []extension{{kind, []byte(data)}}}.message()
	}
	many := hello{}
	for i := range tlspeek.MaxExtensions {
		many.extensions = append(many.extensions, extension{uint16(1000 + i), nil})
	}
	if err := h.ParseMessage(many.message()); err != nil {
		t.Errorf("%d extensions: %v", tlspeek.MaxExtensions, err)
	}
	many.extensions = append(many.extensions, extension{999, nil})
	short := good.message()
	short[3]--
	long := append(good.message(), 0)
	odd := hello{suites: []uint16{1}}.message()
	odd[4+2+32+3+1] = 1 // one byte of cipher suites
	for _, c := range []struct {
		in     []byte
		reason string
	}{
		{nil, tlspeek.ReasonMessage},
		{[]byte{2, 0, 0, 0}, tlspeek.ReasonMessage},
		{short, tlspeek.ReasonMessage},
		{long, tlspeek.ReasonMessage},
		{[]byte{1, 0, 0, 1, 3}, tlspeek.ReasonHead},
		{append([]byte{1, 0, 0, 35, 3, 3}, make([]byte, 33)...), tlspeek.ReasonHead},
		{append([]byte{1, 0, 0, 37, 3, 3}, make([]byte, 35)...), tlspeek.ReasonHead},
		{odd, tlspeek.ReasonSuites},
		{hello{raw: []byte{0}}.message(), tlspeek.ReasonExtensions},
		{hello{raw: []byte{0, 1, 0}}.message(), tlspeek.ReasonExtensions},
		{hello{raw: []byte{0, 0, 0}}.message(), tlspeek.ReasonExtensions},
		{hello{raw: []byte{0, 5, 0, 99, 0, 2, 0}}.message(), tlspeek.ReasonExtensions},
		{hello{extensions: []extension{{99, nil}, {98, nil}, {99, nil}}}.message(), tlspeek.ReasonTwice},
		{many.message(), tlspeek.ReasonTooMany},
		{one(0, ""), tlspeek.ReasonName},
		{one(0, "\x00\x00"), tlspeek.ReasonName},
		{one(0, "\x00\x03\x00\x00\x00"), tlspeek.ReasonName},
		{one(0, "\x00\x05\x00\x00\x02a."), tlspeek.ReasonName},
		{one(0, "\x00\x08\x00\x00\x01a\x00\x00\x01b"), tlspeek.ReasonName},
		{one(0, "\x00\x04\x00\x00\x01a!"), tlspeek.ReasonName},
		{one(16, "\x00\x00"), tlspeek.ReasonALPN},
		{one(16, "\x00\x01\x00"), tlspeek.ReasonALPN},
		{one(16, "\x00\x02\x01a!"), tlspeek.ReasonALPN},
		{one(43, "\x00"), tlspeek.ReasonVersions},
		{one(43, "\x01\x03"), tlspeek.ReasonVersions},
		{one(43, "\x02\x03\x04!"), tlspeek.ReasonVersions},
		{one(10, "\x00\x00"), tlspeek.ReasonGroups},
		{one(13, "\x00\x01\x04"), tlspeek.ReasonSignatures},
		{one(42, "x"), tlspeek.ReasonEarly},
	} {
		var e *tlspeek.Error
		if err := h.ParseMessage(c.in); !errors.As(err, &e) || e.Reason != c.reason {
			t.Errorf("%x: %v, want %s", c.in, err, c.reason)
		}
		// The twins of those that are about content: crypto/tls refuses them too.
		if len(c.in) > 40 && c.reason != tlspeek.ReasonTooMany && asked(records(c.in, 16<<10)) != nil && c.reason != tlspeek.ReasonMessage {
			t.Errorf("%s: crypto/tls accepts %x", c.reason, c.in)
		}
	}
	for _, in := range []string{"GET / HTTP/1.1\r\n", "\x16\x02", "\x16\x03\x01\x00\x00", "\x16\x03\x01\x40\x01", "\x16\x03\x01\x00\x01\x02", "\x15\x03\x01\x00\x02\x01\x00"} {
		var e *tlspeek.Error
		if err := h.Parse([]byte(in)); !errors.As(err, &e) || e.Reason != tlspeek.ReasonNotHello {
			t.Errorf("%q: %v", in, err)
		}
	}
	// The trailing part of a list of names of other kinds is looked at and skipped.
	if err := h.ParseMessage(one(0, "\x00\x08\x07\x00\x01x\x00\x00\x01b")); err != nil || string(h.ServerName) != "b" {
		t.Errorf("%q, %v", h.ServerName, err)
	}
}

// The values of JA4's own technical description, with GREASE and in another order.
func TestJA4(t *testing.T) {
	suites := []uint16{0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035}
	signatures := list16(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
	exts := []extension{{0x3a3a, nil}, sni("example.com"), {23, nil}, {0xff01, []byte{0}}, {10, list16(0x2a2a, 29)}, {11, []byte{1, 0}}, {35, nil},
		alpn("h2", "http/1.1"), {5, []byte{1, 0, 0, 0, 0}}, {13, signatures}, {18, nil}, {51, []byte{0, 0}}, {45, []byte{1, 1}},
		{43, []byte{6, 0x4a, 0x4a, 3, 4, 3, 3}}, {27, nil}, {0x4469, nil}, {21, nil}, {0xfafa, nil}}
	var h tlspeek.Hello
	check := func(h0 hello, want string) {
		t.Helper()
		if err := h.ParseMessage(h0.message()); err != nil {
			t.Fatal(err)
		}
		if got := string(h.JA4([]byte("ja4="))); got != "ja4="+want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	check(hello{suites: suites, extensions: exts}, "t13d1516h2_8daaf6152771_e5627efa2ab1")
	shuffled := slices.Clone(exts)
	slices.Reverse(shuffled)
	check(hello{suites: suites, extensions: shuffled}, "t13d1516h2_8daaf6152771_e5627efa2ab1")
	// Nothing at all.
	check(hello{}, "t12i000000_000000000000_000000000000")
	// No signature algorithms; a protocol that is not alphanumeric at its end: 0x68 ... 0x2d gives 6 and d.
	check(hello{extensions: []extension{alpn("h-")}}, "t12i00016d_000000000000_000000000000")
	for v, want := range map[uint16]string{0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2", 0x7f1c: "00"} {
		h0 := hello{extensions: []extension{{43, []byte{2, byte(v >> 8), byte(v)}}}}
		if err := h.ParseMessage(h0.message()); err != nil {
			t.Fatal(err)
		}
		if got := string(h.JA4(nil)); got[1:3] != want {
			t.Errorf("%04x: %s", v, got)
		}
	}
	all := hello{}
	for i := range 120 {
		all.suites = append(all.suites, uint16(i))
	}
	if err := h.ParseMessage(all.message()); err != nil || !strings.HasPrefix(string(h.JA4(nil)), "t12i9900") {
		t.Errorf("120 suites: %s, %v", h.JA4(nil), err)
	}
}

// A Hello that is used again allocates nothing.
func TestSilence(t *testing.T) {
	whole := real(t, &tls.Config{ServerName: "www.example.com", NextProtos: []string{"h2"}})
	cut := records(whole[5:], 100)
	var h tlspeek.Hello
	dst := make([]byte, 0, 64)
	for _, in := range [][]byte{whole, cut, []byte("GET / HTTP/1.1"), whole[:100]} {
		if n := testing.AllocsPerRun(100, func() {
			if h.Parse(in) == nil {
				dst = h.JA4(dst[:0])
			}
		}); n != 0 {
			t.Errorf("%v allocations for %.10q", n, in)
		}
	}
}

// Whatever crypto/tls understands is understood the same way, and nothing is found in what it refuses for its form.
func FuzzHello(f *testing.F) {
	for _, cfg := range []*tls.Config{{InsecureSkipVerify: true}, {ServerName: "a.example", NextProtos: []string{"h2"}, MaxVersion: tls.VersionTLS12}} {
		f.Add(real(f, cfg)[5:], uint16(16<<10))
	}
	f.Add(hello{suites: []uint16{0x1301, 0x0a0a}, extensions: []extension{sni("b"), alpn("x"), {43, []byte{2, 3, 4}}, {13, list16(0x0403)}}}.message(), uint16(7))
	f.Add(hello{}.message(), uint16(1))
	f.Fuzz(func(t *testing.T, msg []byte, size uint16) {
		in := records(msg, 1+int(size)%(16<<10))
		var h tlspeek.Hello
		err := h.Parse(in)
		if err == nil {
			h.JA4(nil)
		}
		if info := asked(in); info != nil {
			if err != nil && len(info.Extensions) <= tlspeek.MaxExtensions {
				t.Fatalf("crypto/tls accepts this: %v", err)
			}
			if err == nil {
				compare(t, &h, info)
			}
		}
	})
}
