package wsmask

import (
	"encoding/binary"
	_ "unsafe" // for go:linkname

	coder "github.com/coder/websocket"
	"github.com/gobwas/ws"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"

	purewire "github.com/purewire/purewire/codec/ws"
)

// The packages are linked in whole, for the functions below.
var (
	_ = coder.MessageText
	_ = gorilla.TextMessage
	_ = gws.OpcodeText
)

//go:noescape
//go:linkname gorillaMask github.com/gorilla/websocket.maskBytes
func gorillaMask(key [4]byte, pos int, b []byte) int

//go:noescape
//go:linkname coderMask github.com/coder/websocket.mask
func coderMask(b []byte, key uint32) uint32

// coderAssembly is in coder/websocket v1.8.15 but not enabled there.
//
//go:noescape
//go:linkname coderAssembly github.com/coder/websocket.maskAsm
func coderAssembly(b *byte, n int, key uint32) uint32

//go:noescape
//go:linkname gwsMask github.com/lxzan/gws/internal.MaskXOR
func gwsMask(b []byte, key []byte)

// masker is one way to mask a payload in place.
type masker struct {
	name string
	// mask masks p times times; b.N calls of a small function would measure the call.
	mask func(p []byte, key [4]byte, times int)
	inC  bool
}

var maskers = []masker{
	{name: "purewire", mask: func(p []byte, key [4]byte, times int) {
		for range times {
			purewire.Mask(p, key, 0)
		}
	}},
	{name: "gorilla", mask: func(p []byte, key [4]byte, times int) {
		for range times {
			gorillaMask(key, 0, p)
		}
	}},
	{name: "coder", mask: func(p []byte, key [4]byte, times int) {
		for range times {
			coderMask(p, binary.LittleEndian.Uint32(key[:]))
		}
	}},
	{name: "coder-asm", mask: func(p []byte, key [4]byte, times int) {
		for range times {
			coderAssembly(&p[0], len(p), binary.LittleEndian.Uint32(key[:]))
		}
	}},
	{name: "gobwas", mask: func(p []byte, key [4]byte, times int) {
		for range times {
			ws.Cipher(p, key, 0)
		}
	}},
	{name: "gws", mask: func(p []byte, key [4]byte, times int) {
		for range times {
			gwsMask(p, key[:])
		}
	}},
}
