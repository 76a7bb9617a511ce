package grpc

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

// THREATS G-04: a million random lists of metadata come back as they were: names as sent, values of binary headers byte for byte, and
// nothing of an application's value can end a header line.
func TestRandomMetadata(t *testing.T) {
	rounds := 1_000_000
	if testing.Short() {
		rounds = 20_000
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	const nameBytes = "abcdefghijklmnopqrstuvwxyz0123456789_-."
	var fields []codec.Field
	var arena, name, value, back []byte
	for range rounds {
		name, value = name[:0], value[:0]
		for range 1 + rnd.IntN(12) {
			name = append(name, nameBytes[rnd.IntN(len(nameBytes))])
		}
		binary := rnd.IntN(2) == 0
		if binary {
			name = append(name, "-bin"...)
		}
		for range rnd.IntN(20) {
			value = append(value, byte(rnd.Uint32()))
		}
		var err error
		fields, arena, err = AppendMetadata(fields[:0], arena[:0], []codec.Field{{Name: name, Value: value}})
		if err != nil {
			if ValidName(name) && (binary || ValidText(value)) {
				t.Fatalf("%q: %q is refused: %v", name, value, err)
			}
			continue
		}
		if !bytes.Equal(fields[0].Name, name) {
			t.Fatalf("%q became %q", name, fields[0].Name)
		}
		for _, c := range fields[0].Value {
			if c < 0x20 || c > 0x7e {
				t.Fatalf("%q: %q is sent as %q", name, value, fields[0].Value)
			}
		}
		back = append(back[:0], fields[0].Value...)
		if binary {
			if back, err = AppendDecodedBinary(back[:0], fields[0].Value); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(back, value) {
			t.Fatalf("%q: %q came back as %q", name, value, back)
		}
	}
}

// THREATS G-04: random messages of statuses, and what is no percent-encoding at all.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "line\r\nbreak", "50%", "%zz", "%0", "☺", "\xff\x00", "%41%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sent := AppendText(nil, s)
		for _, c := range sent {
			if c < 0x20 || c > 0x7e {
				t.Fatalf("%q is sent as %q", s, sent)
			}
		}
		if back := AppendDecodedText(nil, sent); string(back) != s {
			t.Fatalf("%q came back as %q", s, back)
		}
		if n := len(AppendDecodedText(nil, []byte(s))); n > len(s) {
			t.Fatalf("%q grew to %d bytes", s, n)
		}
	})
}

// FuzzWebTrailers: what is a block of trailers is one after it was taken apart and put together again.
func FuzzWebTrailers(f *testing.F) {
	for _, s := range []string{"", "grpc-status: 0\r\n", "A: b\nc:d", "x:\t y \r\n\r\n", "no colon", ": x", "a: \x00", "Grpc-Status:0\r\nGrpc-Status:1"} {
		f.Add([]byte(s))
	}
	for _, b := range codectest.VectorInputs(f, vectorsDir, "parse-web-trailers", (*codectest.Args).Bytes) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		fields, arena, err := ParseWebTrailers(nil, []byte("kept"), block)
		if string(arena[:4]) != "kept" {
			t.Fatal("the arena is written over")
		}
		if err != nil {
			if fields != nil || len(arena) != 4 {
				t.Fatalf("%v with %v", err, fields)
			}
			return
		}
		out, err := AppendWebTrailers(nil, fields)
		if err != nil {
			t.Fatalf("%v: %v", fields, err)
		}
		again, _, err := ParseWebTrailers(nil, nil, out[PrefixLen:])
		if err != nil || len(again) != len(fields) {
			t.Fatalf("%v became %v: %v", fields, again, err)
		}
		for i := range again {
			if !bytes.Equal(again[i].Name, fields[i].Name) || !bytes.Equal(again[i].Value, fields[i].Value) {
				t.Fatalf("%v became %v", fields[i], again[i])
			}
		}
		var st Status
		_, _ = ParseTrailers(fields, &st)
	})
}

// FuzzRequest: whatever the head of a request is, it has a verdict; a path that passes is its two halves, a timeout is not negative.
func FuzzRequest(f *testing.F) {
	for _, p := range codectest.VectorInputs(f, vectorsDir, "split-path", (*codectest.Args).Bytes) {
		f.Add("POST", string(p), "application/grpc", "99999999H", "gzip", "identity, gzip")
	}
	for _, v := range codectest.VectorInputs(f, vectorsDir, "parse-timeout", (*codectest.Args).Bytes) {
		f.Add("POST", "/a/b", "application/grpc", string(v), "", "")
	}
	for _, v := range codectest.VectorInputs(f, vectorsDir, "content-type", (*codectest.Args).Bytes) {
		f.Add("POST", "/a/b", string(v), "", "", "")
	}
	f.Add("PUT", "/a/b", "application/grpc-web-text+x; y", "0n", "identity", "")
	f.Fuzz(func(t *testing.T, method, path, contentType, timeout, encoding, accept string) {
		list := []codec.Field{{Name: []byte("content-type"), Value: []byte(contentType)}, {Name: []byte("te"), Value: []byte("trailers")},
			{Name: []byte("grpc-encoding"), Value: []byte(encoding)}, {Name: []byte("grpc-accept-encoding"), Value: []byte(accept)}}
		if timeout != "" {
			list = append(list, codec.Field{Name: []byte("grpc-timeout"), Value: []byte(timeout)})
		}
		var r Request
		if err := ParseRequest([]byte(method), []byte(path), list, &r); err != nil {
			return
		}
		if got := "/" + string(r.Service) + "/" + string(r.Method); got != path || method != "POST" {
			t.Fatalf("%s %q was taken for %q", method, path, got)
		}
		if r.Timeout < 0 || r.HasTimeout != (timeout != "") {
			t.Fatalf("%q is %v", timeout, r.Timeout)
		}
		if !Accepts(r.AcceptEncoding, "identity") {
			t.Fatal("identity is always accepted")
		}
		if d, err := ParseTimeout(AppendTimeout(nil, r.Timeout)); err != nil || d > r.Timeout || r.Timeout-d > r.Timeout/1000+time.Nanosecond {
			t.Fatalf("%v is sent as %v, %v", r.Timeout, d, err)
		}
	})
}
