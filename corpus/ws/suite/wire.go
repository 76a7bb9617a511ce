package suite

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// Wire is a connection to the peer, behind the opening handshake. Write must not wait for the peer to be read from.
type Wire interface {
	io.Writer
	// Read waits at most that long. It returns ErrQuiet if nothing came, another error when the connection is gone.
	Read(p []byte, wait time.Duration) (int, error)
}

// ErrQuiet is what a Wire returns if nothing has come.
var ErrQuiet = errors.New("nothing came")

// Deflate is what was agreed on for permessage-deflate (RFC 7692 section 7.1).
type Deflate struct {
	ServerNoTakeover, ClientNoTakeover bool
	ServerBits, ClientBits             int
}

// ParseDeflate reads one element of a Sec-WebSocket-Extensions field. ok is false if it is something else. A
// client_max_window_bits without a value, as offers have it, counts as 15.
func ParseDeflate(s string) (d Deflate, ok bool) {
	d = Deflate{ServerBits: 15, ClientBits: 15}
	for i, part := range strings.Split(s, ";") {
		name, value, valued := strings.Cut(strings.TrimSpace(part), "=")
		bits, err := strconv.Atoi(strings.Trim(value, `"`))
		switch {
		case i == 0:
			if name != "permessage-deflate" {
				return d, false
			}
		case name == "server_no_context_takeover":
			d.ServerNoTakeover = true
		case name == "client_no_context_takeover":
			d.ClientNoTakeover = true
		case name == "client_max_window_bits" && !valued:
		case err != nil || bits < 8 || bits > 15:
			return d, false
		case name == "server_max_window_bits":
			d.ServerBits = bits
		case name == "client_max_window_bits":
			d.ClientBits = bits
		default:
			return d, false
		}
	}
	return d, true
}

// Answer is what a server that means accept answers to the offers of a client, which it must respect: the first offer of
// permessage-deflate, with what it asks for, and what accept asks the client for, as far as the client can be told. ok is
// false if there is no such offer.
func Answer(offers, accept string) (answer string, d Deflate, ok bool) {
	for _, offer := range strings.Split(offers, ",") {
		offer = strings.TrimSpace(offer)
		o, ok := ParseDeflate(offer)
		if !ok {
			continue
		}
		a, _ := ParseDeflate(accept)
		answer = "permessage-deflate"
		if o.ServerNoTakeover {
			answer += "; server_no_context_takeover"
		}
		if o.ServerBits < 15 {
			answer += "; server_max_window_bits=" + strconv.Itoa(o.ServerBits)
		}
		if a.ClientNoTakeover || o.ClientNoTakeover {
			answer += "; client_no_context_takeover"
		}
		if strings.Contains(accept, "client_max_window_bits") && strings.Contains(offer, "client_max_window_bits") {
			answer += "; client_max_window_bits=" + strconv.Itoa(min(a.ClientBits, o.ClientBits))
		}
		d, _ = ParseDeflate(answer)
		return answer, d, true
	}
	return "", d, false
}

// header makes a frame header.
func header(op byte, fin bool, rsv byte, masked bool, key [4]byte, n int) []byte {
	b := []byte{op | rsv<<4, 0}
	if fin {
		b[0] |= 0x80
	}
	switch {
	case n < 126:
		b[1] = byte(n)
	case n < 65536:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	if masked {
		b[1] |= 0x80
		b = append(b, key[:]...)
	}
	return b
}

// frame is one that was read.
type frame struct {
	fin     bool
	rsv, op byte
	masked  bool
	payload []byte
}

// cut takes a whole frame from the start of b. n is 0 if it is not whole.
func cut(b []byte) (f frame, n int) {
	if len(b) < 2 {
		return f, 0
	}
	f.fin, f.rsv, f.op, f.masked = b[0] >= 0x80, b[0]>>4&7, b[0]&15, b[1] >= 0x80
	size := int(b[1] & 127)
	n = 2
	switch {
	case size == 126 && len(b) >= 4:
		size, n = int(binary.BigEndian.Uint16(b[2:])), 4
	case size == 127 && len(b) >= 10:
		size, n = int(binary.BigEndian.Uint64(b[2:])), 10
	case size >= 126:
		return f, 0
	}
	var key []byte
	if f.masked {
		if len(b) < n+4 {
			return f, 0
		}
		key, n = b[n:n+4], n+4
	}
	if size < 0 || len(b)-n < size {
		return f, 0
	}
	f.payload = bytes.Clone(b[n : n+size])
	if f.masked {
		for i := range f.payload {
			f.payload[i] ^= key[i%4]
		}
	}
	return f, n + size
}

// packer deflates messages with the standard library.
type packer struct {
	z    *flate.Writer
	out  bytes.Buffer
	bits int
	keep bool
}

func (p *packer) pack(message []byte) []byte {
	p.out.Reset()
	if p.z == nil {
		level := flate.DefaultCompression
		if p.bits < 15 {
			level = flate.HuffmanOnly // the library's window is 32 KiB; without matches none is needed
		}
		p.z, _ = flate.NewWriter(&p.out, level)
	} else if !p.keep {
		p.z.Reset(&p.out)
	}
	_, _ = p.z.Write(message)
	_ = p.z.Flush()
	return bytes.Clone(bytes.TrimSuffix(p.out.Bytes(), []byte("\x00\x00\xff\xff")))
}

// unpacker inflates messages with the standard library.
type unpacker struct {
	z      io.ReadCloser
	window []byte // what the next message may refer to
	bits   int
	keep   bool
}

func (u *unpacker) unpack(payload []byte) ([]byte, error) {
	// Behind the tail that was left out stands an empty last block, so that the reader finds an end.
	in := io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))
	if !u.keep {
		u.window = nil
	}
	if u.z == nil {
		u.z = flate.NewReaderDict(in, u.window)
	} else if err := u.z.(flate.Resetter).Reset(in, u.window); err != nil {
		return nil, err
	}
	message, err := io.ReadAll(u.z)
	u.window = append(u.window, message...)
	if most := 1 << u.bits; len(u.window) > most {
		u.window = bytes.Clone(u.window[len(u.window)-most:])
	}
	return message, err
}
