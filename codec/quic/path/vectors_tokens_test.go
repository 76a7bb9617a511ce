package path

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// vectorAddr takes "5:4000": port 4000 of 10.0.0.5.
func vectorAddr(s string) Addr {
	host, port, _ := strings.Cut(s, ":")
	h, _ := strconv.ParseUint(host, 10, 8)
	p, _ := strconv.ParseUint(port, 10, 16)
	return addr(byte(h), uint16(p))
}

func vectorAddrText(a Addr) string { return fmt.Sprintf("%d:%d", a.IP[15], a.Port) }

// tokenVectors has address validation tokens, sealed with AES-128-GCM and a key of zeros, or of the octet that key= says. They are kept by name.
func tokenVectors(ops map[string]codectest.VectorOp) {
	var t Tokens
	made := map[string][]byte{}
	ops["tokens"] = func(a *codectest.Args) string {
		key := make([]byte, 16)
		if a.Has("key") {
			key[0] = a.NamedHex("key")[0]
		}
		nonce := 12
		if a.Has("nonce") {
			nonce = int(a.NamedInt("nonce"))
		}
		block, _ := aes.NewCipher(key)
		aead, _ := cipher.NewGCMWithNonceSize(block, nonce)
		d := func(name string) time.Duration { return time.Duration(a.NamedInt(name)) * time.Millisecond }
		if err := t.Init(aead, d("retry"), d("new")); err != nil {
			return vectorError(err)
		}
		return fmt.Sprintf("of %d bytes", t.Len())
	}
	nonce := func(a *codectest.Args) (n [tokenNonce]byte) {
		copy(n[:], a.Hex())
		return n
	}
	keep := func(name string, out []byte) string {
		if string(out[:4]) != "kept" {
			return "the law of append is broken"
		}
		made[name] = out[4:]
		return fmt.Sprintf("%x", out[4:])
	}
	id := func(a *codectest.Args) quic.ConnectionID {
		id, _ := quic.MakeConnectionID(a.Hex())
		return id
	}
	ops["token-retry"] = func(a *codectest.Args) string {
		name, now, at, original, retry := a.Word(), vectorTime(a), vectorAddr(a.Word()), id(a), id(a)
		return keep(name, t.AppendRetry([]byte("kept"), now, at, original, retry, nonce(a)))
	}
	ops["token-new"] = func(a *codectest.Args) string {
		name, now, at := a.Word(), vectorTime(a), vectorAddr(a.Word())
		return keep(name, t.AppendNew([]byte("kept"), now, at, nonce(a)))
	}
	// Bits may be flipped, octets cut off at the end or added.
	ops["token-check"] = func(a *codectest.Args) string {
		b := append([]byte(nil), made[a.Word()]...)
		now, at, dst := vectorTime(a), vectorAddr(a.Word()), a.Hex()
		for a.Has("flip") {
			bit := a.NamedInt("flip")
			b[bit/8] ^= 0x80 >> (bit % 8)
		}
		b = append(b[:len(b)-int(a.NamedInt("cut"))], a.NamedHex("add")...)
		k, err := t.Check(b, now, at, dst)
		if err != nil {
			return fmt.Sprintf("kind %d: %s", k.Kind, vectorError(err))
		}
		return fmt.Sprintf("kind %d issued %s original %x retry %x", k.Kind, vectorDeadline(k.Issued), k.OriginalID.Bytes(), k.RetryID.Bytes())
	}
}

// resetterVectors has the answers to stray packets.
func resetterVectors(ops map[string]codectest.VectorOp) {
	var r Resetter
	ops["resets"] = func(a *codectest.Args) string {
		now, rate := vectorTime(a), int(a.NamedInt("rate"))
		r.Init(now, rate, int(a.NamedInt("id")))
		return ""
	}
	// The datagram has a first octet and a length; the noise is octets ff, 26 of them or as many as noise= says.
	ops["stray"] = func(a *codectest.Args) string {
		now := vectorTime(a)
		first, datagram := a.Hex()[0], make([]byte, a.Int())
		if len(datagram) > 0 {
			datagram[0] = first
		}
		noise := []byte(strings.Repeat("\xff", 26))
		if a.Has("noise") {
			noise = noise[:a.NamedInt("noise")]
		}
		token := quic.ResetToken([]byte("0123456789abcdef"))
		out, sent := r.Append([]byte("kept"), now, datagram, noise, &token)
		switch {
		case string(out[:4]) != "kept" || !sent && len(out) > 4:
			return "the law of append is broken"
		case !sent:
			return "silence"
		}
		return fmt.Sprintf("%d bytes: %s", len(out)-4, codectest.Quote(out[4:]))
	}
}
