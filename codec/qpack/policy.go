package qpack

import (
	"bytes"

	"github.com/purewire/purewire/codec/internal/hcode"
)

// never says why fields with a name are not entered into the dynamic table by default; 0 is that they are.
type never uint8

const (
	neverAgain  never = iota + 1 // their values hardly ever come twice
	neverSecret                  // their values are worth guessing (RFC 9204 section 7.1)
	neverShort                   // the same if the value is shorter than shortSecret
)

// shortSecret is the length from which on a cookie is too long to be guessed.
const shortSecret = 20

var byDefault = map[string]never{
	":path": neverAgain, "age": neverAgain, "content-length": neverAgain, "etag": neverAgain,
	"if-modified-since": neverAgain, "if-none-match": neverAgain, "location": neverAgain, "set-cookie": neverAgain,
	"authorization": neverSecret, "cookie": neverShort,
}

// proxySecret is the one name in no static entry whose values are never entered by default.
var proxySecret = []byte("proxy-authorization")

// nameSlots is the length of the hash table of the static table's names.
const nameSlots = 256

// none is no index of the static table.
const none = 0xFF

// names is a hash table with open addressing: in each slot the index of the first entry with a name, or none.
type names struct {
	slot  [nameSlots]uint8
	never [staticLen]never
	next  [staticLen]uint8 // the next entry with the same name, or none: names come in several places
}

var staticNames = makeNames()

func makeNames() (n names) {
	for i := range n.slot {
		n.slot[i] = none
	}
	for i := range staticText {
		n.next[i] = none
		name := []byte(staticText[i].name)
		s := hcode.Hash(name, 0) % nameSlots
		for n.slot[s] != none && staticText[n.slot[s]].name != string(name) {
			s = (s + 1) % nameSlots
		}
		if n.slot[s] == none {
			n.slot[s] = uint8(i)
			n.never[i] = byDefault[string(name)]
			continue
		}
		last := n.slot[s]
		for n.next[last] != none {
			last = n.next[last]
		}
		n.next[last] = uint8(i)
	}
	return n
}

// staticName returns the index of the first entry of the static table with this name, the hash of which is h, or none.
func staticName(name []byte, h uint32) (uint8, never) {
	for s := h % nameSlots; ; s = (s + 1) % nameSlots {
		i := staticNames.slot[s]
		if i == none {
			if bytes.Equal(name, proxySecret) {
				return none, neverSecret
			}
			return none, 0
		}
		if bytes.Equal(static[i].name, name) {
			return i, staticNames.never[i]
		}
	}
}

// staticPair looks for a value among the entries that have the name of entry i, the first of its name, and returns the one that
// has it, or none.
func staticPair(i uint8, value []byte) uint8 {
	for ; i != none; i = staticNames.next[i] {
		if bytes.Equal(static[i].value, value) {
			return i
		}
	}
	return none
}
