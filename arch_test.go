package purewire_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
)

// builtOn names the codecs that a codec may import beside package codec and codec/internal.
var builtOn = map[string][]string{
	"codec/http2": {"codec/hpack"},
	"codec/qpack": {"codec/hpack"},
	"codec/h3":    {"codec/qpack"},
	"codec/ws":    {"codec/http1"}, // the opening handshake is a pair of HTTP/1.1 heads
}

// quicBlocks names what the building blocks of QUIC may import of each other: the wire layer keeps no state, and a block knows only what it
// is made of. The others may import all of codec/quic.
var quicBlocks = map[string][]string{
	"codec/quic":                 nil,
	"codec/quic/ranges":          nil,
	"codec/quic/keyphase":        {"codec/quic"}, // it counts packets and has no keys
	"codec/quic/congestion":      nil,            // it knows no packets and no frames, only octets and times
	"codec/quic/internal/netsim": nil,
	"codec/quic/recovery":        {"codec/quic", "codec/quic/ranges"}, // what a congestion controller must be told is in its Batch
	"codec/quic/stream":          {"codec/quic", "codec/quic/ranges"},
	"codec/quic/path":            {"codec/quic", "codec/quic/ranges"},
}

// cpuid is the one import beyond the law of purity: the scan kernels ask, once at start, what the processor can do. That
// is no I/O, and the answer never changes what a codec accepts (the kernels are fuzzed against their pure twins).
var cpuid = codectest.Rules{Imports: []string{"golang.org/x/sys/cpu"}}

// impure lists what a codec may do against the law of purity, and why. Keep it short.
var impure = map[string]codectest.Rules{
	"codec/internal/scan": cpuid, "codec/internal/fields": cpuid, "codec/http1": cpuid, "codec/http2": cpuid,
	"codec/internal/mask": cpuid, "codec/internal/text": cpuid, "codec/ws": cpuid, "codec/h3": cpuid,
}

// deflateLibrary is the one library from outside that a codec may use: codec/ws compresses with it (RFC 7692).
const deflateLibrary = "github.com/klauspost/compress"

// chacha are the ciphers that the standard library keeps to itself. codec/quic/protect needs them for RFC 9001; it is the one codec
// package with cryptography in it, and codec/quic reaches it behind an interface only.
var chacha = []string{"golang.org/x/crypto/chacha20", "golang.org/x/crypto/chacha20poly1305"}

// mayImport tells whether the package in folder from may import the one in folder to, both of this module.
// The arrows point down only.
func mayImport(from, to string) bool {
	room, below, _ := strings.Cut(from, "/")
	sub, _, _ := strings.Cut(below, "/")
	toRoom, _, _ := strings.Cut(to, "/")
	if private(to) && !strings.HasPrefix(from+"/", strings.Split(to+"/", "/internal/")[0]+"/") {
		return false
	}
	switch room {
	case "codec":
		switch {
		case below == "":
			return false
		case to == "codec", strings.HasPrefix(to, "codec/internal/"):
			return true
		}
		proto := "codec/" + sub
		if only, ok := quicBlocks[from]; ok && strings.HasPrefix(to, "codec/quic") {
			return slices.Contains(only, to)
		}
		return to == proto || strings.HasPrefix(to, proto+"/") || slices.Contains(builtOn[proto], to)
	case "drivers":
		return to == "codec" || below != "" && toRoom == "drivers"
	case "client":
		// stdnet carries the connections that Transport dials.
		return toRoom == room || to == "drivers" || to == "drivers/stdnet" || toRoom == "codec" && to != "codec/codectest"
	case "server":
		if from == "server/servertest" && (to == "client" || to == "drivers/stdnet" || to == "drivers/memlink") {
			return true // both ends of a conversation, and what lies between
		}
		return toRoom == room || to == "drivers" || toRoom == "codec" && to != "codec/codectest"
	case "websocket":
		// stdnet carries what needs a socket: Dial, and connections taken from servers that are not ours.
		return toRoom == room || to == "server" || to == "drivers" || to == "drivers/stdnet" ||
			to == "codec" || to == "codec/ws" || to == "codec/http1"
	case "rpc":
		// http2 for the names of its error codes only: the server is an http.Handler, the client is given a RoundTripper. rpc/native is
		// the short way on package server.
		return from == "rpc/native" && to == "server" || toRoom == room || to == "codec" || to == "codec/http2" || to == "codec/grpc" || to == "codec/grpc/compress"
	case "fuzz":
		return toRoom == room || toRoom == "codec" // what it holds to account, and codectest
	case "cmd", "examples", "corpus", "conform":
		return true
	}
	return false
}

func private(dir string) bool {
	return strings.Contains("/"+dir+"/", "/internal/")
}

// arrows returns the imports that point the wrong way.
func arrows(m codectest.Module, packages []codectest.Package) (bad []string) {
	for _, p := range packages {
		for _, imp := range p.Imports {
			dir, ok := m.Dir(imp)
			if !ok {
				switch {
				case strings.HasPrefix(imp, "crypto/") && (p.Rel == "codec/quic" || quicBlocks[p.Rel] != nil): // law 9: behind quic.Protection
					bad = append(bad, p.Rel+" imports "+imp+", which belongs into codec/quic/protect")
				case !strings.Contains(strings.Split(imp, "/")[0], "."): // the standard library
				case strings.HasPrefix(imp, deflateLibrary+"/") && p.Rel == "codec/ws":
				case imp == "golang.org/x/sys/cpu" && strings.HasPrefix(p.Rel, "codec/internal/"):
				case strings.HasPrefix(imp, deflateLibrary+"/") && (p.Rel == "codec/grpc/compress" || p.Rel == "client"): // gzip and deflate
				case strings.HasPrefix(imp, "golang.org/x/sys/") && strings.HasPrefix(p.Rel, "drivers/"):
				case imp == "golang.org/x/crypto/cryptobyte" && p.Rel == "drivers/tlspeek":
				case slices.Contains(chacha, imp) && p.Rel == "codec/quic/protect":
				case strings.HasPrefix(imp, "golang.org/x/sys/") && (strings.HasPrefix(p.Rel, "examples/") || strings.HasPrefix(p.Rel, "cmd/")):
				default:
					bad = append(bad, p.Rel+" imports "+imp+" from outside of this module")
				}
				continue
			}
			rel, err := filepath.Rel(m.Root, dir)
			if to := filepath.ToSlash(rel); err != nil || !mayImport(p.Rel, to) {
				bad = append(bad, p.Rel+" must not import "+to)
			}
		}
	}
	return bad
}

func TestArrows(t *testing.T) {
	m, err := codectest.FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.Packages()
	if err != nil || len(all) < 4 {
		t.Fatalf("%d packages, %v", len(all), err)
	}
	for _, bad := range arrows(m, all) {
		t.Error(bad)
	}
}

// TestArrowsFind shows that the wrong arrows are found and the right ones are not.
func TestArrowsFind(t *testing.T) {
	m := codectest.Module{Path: "m", Root: "/m"}
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"codec", "m/codec/http1", false},
		{"codec", "m/codec/internal/ascii", false},
		{"codec/http1", "m/codec", true},
		{"codec/http1", "m/codec/internal/ascii", true},
		{"codec/http1", "m/codec/hpack", false},
		{"codec/http1", "m/codec/codectest", false},
		{"codec/http1", "m/drivers", false},
		{"codec/ws", "m/codec/http1", true},
		{"codec/ws", deflateLibrary + "/flate", true},
		{"codec/http1", deflateLibrary + "/flate", false},
		{"codec/http2", "m/codec/hpack", true},
		{"codec/http2", "m/codec/http1", false},
		{"codec/codectest", "m/codec/http1", false},
		{"codec/internal/scan", "m/codec/http1", false},
		{"codec/quic/protect", "m/codec/quic", true},
		{"codec/quic", "m/codec/quic/protect", false},
		{"codec/quic", "m/codec/quic/ranges", false},
		{"codec/quic/ranges", "m/codec/quic", false},
		{"codec/quic", "m/codec/quic/recovery", false},
		{"codec/quic/recovery", "m/codec/quic", true},
		{"codec/quic/recovery", "m/codec/quic/ranges", true},
		{"codec/quic/recovery", "m/codec/quic/congestion", false},
		{"codec/quic/recovery", "m/codec/quic/protect", false},
		{"codec/quic/keyphase", "m/codec/quic/protect", false},
		{"codec/quic/protect", chacha[0], true},
		{"codec/quic", chacha[0], false},
		{"codec/quic", "crypto/aes", false},
		{"codec/quic/congestion", "m/codec", true},
		{"codec/quic/congestion", "m/codec/quic", false},
		{"codec/quic/congestion", "m/codec/quic/recovery", false},
		{"codec/quic/stream", "m/codec/quic/ranges", true},
		{"codec/quic/stream", "m/codec/quic", true},
		{"codec/quic/stream", "m/codec/quic/path", false},
		{"codec/quic/stream", "m/codec/quic/recovery", false},
		{"codec/quic/path", "m/codec/quic/ranges", true},
		{"codec/quic/path", "m/codec/quic/protect", false},
		{"codec/quic/path", "m/codec/quic/stream", false},
		{"codec/quic/path", "crypto/cipher", false},
		{"codec/quic/protect", "crypto/aes", true},
		{"drivers", "m/codec", true},
		{"drivers", "m/drivers/stdnet", false},
		{"drivers/stdnet", "m/drivers", true},
		{"drivers/stdnet", "m/drivers/internal/wheel", true},
		{"drivers/reactor", "m/codec/http1", false},
		{"drivers/reactor", "m/codec/internal/ascii", false},
		{"drivers/reactor", "m/server", false},
		{"drivers/drivertest", "m/server", false},
		{"server", "m/codec/http1", true},
		{"server", "m/drivers", true},
		{"server", "m/drivers/reactor", false},
		{"server", "m/client", false},
		{"server/internal/x", "m/drivers/stdnet", false},
		{"server/servertest", "m/server", true},
		{"server/servertest", "m/client", true},
		{"server/servertest", "m/drivers/stdnet", true},
		{"server/servertest", "m/drivers/memlink", true},
		{"server/servertest", "m/drivers/reactor", false},
		{"server", "m/drivers/memlink", false},
		{"server/internal/x", "m/client", false},
		{"drivers/memlink", "m/server", false},
		{"client", "m/drivers/stdnet", true},
		{"client", "m/drivers/reactor", false},
		{"websocket", "m/codec/ws", true},
		{"websocket", "m/server", true},
		{"websocket", "m/drivers/stdnet", true},
		{"websocket", "m/drivers/reactor", false},
		{"websocket", "m/client", false},
		{"server", "m/websocket", false},
		{"rpc", "m/codec/grpc/compress", true},
		{"rpc/health", "m/rpc", true},
		{"rpc", "m/server", false},
		{"rpc", "m/client", false},
		{"server", "m/rpc", false},
		{"drivers/stdnet", "m/websocket", false},
		{"cmd/purewire", "m/drivers/reactor", true},
		{"cmd/purewire", "m/server/internal/x", false},
		{"examples/echo", "m/server", true},
		{"fuzz", "m/codec/codectest", true},
		{"fuzz", "m/codec/quic/protect", true},
		{"fuzz/cmd/seeds", "m/fuzz", true},
		{"fuzz", "m/server", false},
		{"misc", "m/codec", false},
		{"codec/http1", "golang.org/x/net/http/httpguts", false},
		{"codec/http1", "golang.org/x/sys/cpu", false},
		{"codec/internal/scan", "golang.org/x/sys/cpu", true},
		{"codec/internal/scan", "golang.org/x/sys/unix", false},
		{"drivers/reactor", "golang.org/x/sys/unix", true},
		{"drivers/tlspeek", "golang.org/x/crypto/cryptobyte", true},
		{"drivers/tlswrap", "golang.org/x/crypto/cryptobyte", false},
		{"server", "golang.org/x/sys/unix", false},
		{"server", "net/http", true},
	} {
		bad := arrows(m, []codectest.Package{{Rel: c.from, Imports: []string{c.to}}})
		if (len(bad) == 0) != c.ok {
			t.Errorf("%s imports %s: %v", c.from, c.to, bad)
		}
	}
}

// TestPure holds package codec and every codec below it to law 9, those that come later included.
func TestPure(t *testing.T) {
	m, err := codectest.FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.Packages()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range all {
		if p.Rel != "codec" && !strings.HasPrefix(p.Rel, "codec/") || strings.HasPrefix(p.Rel, "codec/codectest") {
			continue
		}
		seen++
		t.Run(p.Rel, func(t *testing.T) {
			codectest.Pure(t, filepath.Join(m.Root, filepath.FromSlash(p.Rel)), impure[p.Rel])
		})
	}
	if seen < 2 {
		t.Errorf("only %d packages found", seen)
	}
}
