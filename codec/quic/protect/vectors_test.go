package protect

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/quic"
)

// vectors reads a file of testdata.
func vectors(t testing.TB, file string) func(name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if b, err := hex.DecodeString(value); ok && err == nil {
			all[name] = b
		}
	}
	return func(name string) []byte {
		t.Helper()
		if all[name] == nil {
			t.Fatalf("%s has no %q", file, name)
		}
		return all[name]
	}
}

var suits = []struct {
	version quic.Version
	file    string
}{{quic.Version1, "rfc9001.txt"}, {quic.Version2, "rfc9369.txt"}}

func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got  %x\n want %x", what, got, want)
	}
}

// Appendix A.1: the key schedule, every step.
func TestVectorKeys(t *testing.T) {
	for _, s := range suits {
		v := vectors(t, s.file)
		pv, _ := lookup(s.version)
		initial, err := hkdf.Extract(sha256.New, v("client header")[6:14], []byte(pv.salt))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "initial", initial, v("keys initial_secret"))
		client, server, err := InitialSecrets(s.version, v("client header")[6:14])
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "client secret", client, v("keys client_initial_secret"))
		equal(t, "server secret", server, v("keys server_initial_secret"))
		for who, secret := range map[string][]byte{"client": client, "server": server} {
			for label, text := range map[string]string{"key": pv.key, "hp": pv.hp} {
				got, err := expandLabel(sha256.New, secret, text, 16)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, who+label, got, v("keys "+who+" "+label))
			}
			k, err := New(s.version, AES128GCM, secret)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, who+" iv", k.iv[:], v("keys "+who+" iv"))
			mask := binary.BigEndian.AppendUint64(nil, k.Mask(v(who+" sample")))[3:]
			equal(t, who+" mask", mask[:], v(who+" mask"))
		}
		k, err := New(s.version, ChaCha20Poly1305, v("chacha secret"))
		if err != nil {
			t.Fatal(err)
		}
		for label, text := range map[string]string{"key": pv.key, "ku": pv.ku, "hp": pv.hp} {
			got, err := expandLabel(sha256.New, k.secret, text, 32)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, label, got, v("chacha "+label))
		}
		equal(t, "iv", k.iv[:], v("chacha iv"))
		equal(t, "hp", k.hpKey, v("chacha hp"))
		equal(t, "nonce", k.nonceFor(654360564), v("chacha nonce"))
		mask := binary.BigEndian.AppendUint64(nil, k.Mask(v("chacha sample")))[3:]
		equal(t, "mask", mask[:], v("chacha mask"))
		next, err := k.Update()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "updated secret", next.secret, v("chacha ku"))
		equal(t, "hp after the update", next.hpKey, v("chacha hp"))
	}
}

// Appendix A.2, A.3 and A.5: packets, built from their fields and read back, byte by byte.
func TestVectorPackets(t *testing.T) {
	for _, s := range suits {
		v := vectors(t, s.file)
		odcid := v("client header")[6:14]
		client, server, err := InitialSecrets(s.version, odcid)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			suite  Suite
			secret []byte
			pn     int64
			build  func(payload int) ([]byte, error)
		}{
			{"client", AES128GCM, client, 2, func(payload int) ([]byte, error) {
				return quic.AppendLongHeader(nil, &quic.LongHeader{Type: quic.Initial, Version: s.version, DstID: odcid, Number: 2, NumberLen: 4, Payload: payload + Overhead})
			}},
			{"server", AES128GCM, server, 1, func(payload int) ([]byte, error) {
				return quic.AppendLongHeader(nil, &quic.LongHeader{Type: quic.Initial, Version: s.version, SrcID: v("server header")[7:15], Number: 1, NumberLen: 2, Payload: payload + Overhead})
			}},
			{"chacha", ChaCha20Poly1305, v("chacha secret"), 654360564, func(int) ([]byte, error) {
				return quic.AppendShortHeader(nil, nil, false, false, 654360564, 3)
			}},
		} {
			k, err := New(s.version, c.suite, c.secret)
			if err != nil {
				t.Fatal(err)
			}
			payload := v(c.name + " payload")
			if c.name == "client" {
				payload = append(payload[:len(payload):len(payload)], make([]byte, 1162-len(payload))...)
			}
			header, err := c.build(len(payload))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, c.name+" header", header, v(c.name+" header"))
			packet, err := quic.Protect(append([]byte{0xee}, append(header, payload...)...), 1, len(header), c.pn, k)
			if err != nil || packet[0] != 0xee {
				t.Fatal(err)
			}
			packet = packet[1:]
			equal(t, c.name+" protected header", packet[:len(header)], v(c.name+" masked"))
			equal(t, c.name+" packet", packet, v(c.name+" packet"))

			var h quic.Header
			n, err := quic.ParseHeader(packet, quic.HeaderOptions{}, &h)
			if err != nil || n != len(packet) {
				t.Fatal(n, err)
			}
			o, err := quic.Unmask(packet, h.NumberAt, c.pn-1, k)
			if err != nil || o.Number != c.pn || o.HeaderLen != len(header) {
				t.Fatal(o, err)
			}
			got, err := o.Open(packet, k)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, c.name+" payload", got, payload)
		}
	}
}

// Appendix A.4.
func TestVectorRetry(t *testing.T) {
	for _, s := range suits {
		v := vectors(t, s.file)
		odcid, want := v("client header")[6:14], v("retry packet")
		got, err := quic.AppendRetry(nil, s.version, nil, v("server header")[7:15], []byte("token"), 0x0f)
		if err != nil {
			t.Fatal(err)
		}
		tag, err := RetryTag(s.version, odcid, got)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "retry", append(got, tag[:]...), want)
		if !RetryAuthentic(s.version, odcid, want) {
			t.Error("the vector is not authentic")
		}
		var h quic.Header
		if _, err := quic.ParseHeader(want, quic.HeaderOptions{}, &h); err != nil || h.Type != quic.Retry || string(h.Token) != "token" || !bytes.Equal(h.Tag, tag[:]) {
			t.Errorf("%+v, %v", h, err)
		}
		for i := range want {
			bad := bytes.Clone(want)
			bad[i] ^= 1
			if RetryAuthentic(s.version, odcid, bad) {
				t.Errorf("authentic with byte %d changed", i)
			}
		}
		if RetryAuthentic(s.version, odcid[1:], want) || RetryAuthentic(s.version, odcid, want[:15]) || RetryAuthentic(3, odcid, want) {
			t.Error("authentic for another ID, cut off, or of an unknown version")
		}
	}
}

// Every suite: what is sealed opens, and no bit of it can be changed.
func TestSuites(t *testing.T) {
	for s, n := range map[Suite]int{AES128GCM: 32, AES256GCM: 48, ChaCha20Poly1305: 32} {
		for _, version := range []quic.Version{quic.Version1, quic.Version2} {
			secret := bytes.Repeat([]byte{7}, n)
			k, err := New(version, s, secret)
			if err != nil || k.Suite() != s {
				t.Fatal(err)
			}
			next, err := k.Update()
			if err != nil {
				t.Fatal(err)
			}
			head, err := quic.AppendShortHeader(nil, []byte("id"), true, true, 1000, 2)
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := quic.Protect(append(bytes.Clone(head), "payload"...), 0, len(head), 1000, k)
			if err != nil {
				t.Fatal(err)
			}
			open := func(packet []byte, keys *Keys) (string, error) {
				packet = bytes.Clone(packet)
				o, err := quic.Unmask(packet, 3, 990, k)
				if err != nil {
					return "", err
				}
				p, err := o.Open(packet, keys)
				return string(p), err
			}
			if got, err := open(sealed, k); got != "payload" || err != nil {
				t.Errorf("%x: %q, %v", s, got, err)
			}
			if _, err := open(sealed, next); err == nil {
				t.Errorf("%x: the next key phase opens it", s)
			}
			if next.Mask(sealed[7:23]) != k.Mask(sealed[7:23]) {
				t.Errorf("%x: header protection has changed with the key phase", s)
			}
			for i := range len(sealed) * 8 {
				bad := bytes.Clone(sealed)
				bad[i/8] ^= 1 << (i % 8)
				got, err := open(bad, k)
				var e *quic.Error
				if !errors.As(err, &e) || e.Scope != 0 || e.Code != quic.NoError || e.Reason != "9001-5.5-1: packet is not authentic" {
					t.Errorf("%x: bit %d changed: %q, %v", s, i, got, err)
				}
			}
		}
		c, i, ok := s.Limits()
		if !ok || c < 1<<23 || i < 1<<36 {
			t.Errorf("%x: limits %d, %d", s, c, i)
		}
	}
	if _, _, ok := Suite(0x1304).Limits(); ok {
		t.Error("limits of an unknown suite")
	}
}

// 9000-17.2-8.2: "An endpoint MUST treat receipt of a packet that has a non-zero value for these bits after removing both packet
// and header protection as a connection error of type PROTOCOL_VIOLATION."
func TestReservedBits(t *testing.T) {
	k, err := New(quic.Version1, AES128GCM, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	long, err := quic.AppendLongHeader(nil, &quic.LongHeader{Type: quic.Handshake, Version: quic.Version1, NumberLen: 1, Payload: 3 + Overhead})
	if err != nil {
		t.Fatal(err)
	}
	short, err := quic.AppendShortHeader(nil, nil, false, false, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for bits := range byte(4) {
		for _, c := range []struct {
			head  []byte
			shift int
		}{{long, 2}, {short, 3}} {
			head := bytes.Clone(c.head)
			head[0] |= bits << c.shift
			packet, err := quic.Protect(append(head, 0, 0, 0), 0, len(head), 0, k)
			if err != nil {
				t.Fatal(err)
			}
			o, err := quic.Unmask(packet, len(head)-1, quic.NoPacket, k)
			if err != nil {
				t.Fatal(err)
			}
			_, err = o.Open(packet, k)
			if errors.Is(err, quic.ProtocolViolation) != (bits != 0) || (err != nil) != (bits != 0) {
				t.Errorf("%x with bits %d: %v", head[0], bits, err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	if _, err := New(quic.Version1, 0x1304, make([]byte, 32)); !errors.Is(err, ErrSuite) {
		t.Error(err)
	}
	if _, err := New(5, AES128GCM, make([]byte, 32)); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
	if _, err := New(quic.Version1, AES256GCM, make([]byte, 32)); !errors.Is(err, ErrSecret) {
		t.Error(err)
	}
	if _, _, err := InitialSecrets(5, nil); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

func TestResetToken(t *testing.T) {
	a, b := ResetToken([]byte("key"), []byte("id")), ResetToken([]byte("key"), []byte("other"))
	if a != ResetToken([]byte("key"), []byte("id")) || a == b || a == ResetToken([]byte("k"), []byte("id")) {
		t.Error("the token must depend on key and ID only")
	}
}

// The law of silence: sealing and opening allocate nothing.
func TestSilence(t *testing.T) {
	for s, n := range map[Suite]int{AES128GCM: 32, AES256GCM: 48, ChaCha20Poly1305: 32} {
		k, err := New(quic.Version1, s, make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		head, err := quic.AppendShortHeader(nil, []byte("12345678"), false, false, 9, 2)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 0, 1500)
		if n := testing.AllocsPerRun(100, func() {
			packet := append(append(buf, head...), make([]byte, 1000)...)
			packet, err := quic.Protect(packet, 0, len(head), 9, k)
			if err != nil {
				t.Fatal(err)
			}
			o, err := quic.Unmask(packet, 9, 8, k)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = o.Open(packet, k); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			if s != ChaCha20Poly1305 || !chachaAllocates {
				t.Errorf("%x: %v allocations", s, n)
			}
		}
	}
}
