package hpack

import "bytes"

// never says why fields with a name are not entered into the dynamic table by default; 0 is that they are.
type never uint8

const (
	neverAgain  never = iota + 1 // their values hardly ever come twice
	neverSecret                  // their values are worth guessing (RFC 7541 section 7.1)
	neverShort                   // the same if the value is shorter than shortSecret
)

// shortSecret is the length from which on a cookie is too long to be guessed.
const shortSecret = 20

var byDefault = map[string]never{
	":path": neverAgain, "age": neverAgain, "content-length": neverAgain, "etag": neverAgain,
	"if-modified-since": neverAgain, "if-none-match": neverAgain, "location": neverAgain, "set-cookie": neverAgain,
	"authorization": neverSecret, "proxy-authorization": neverSecret, "cookie": neverShort,
}

// nameSlots is the length of the hash table of the static table's 52 names.
const nameSlots = 256

// names is a hash table with open addressing: in each slot the index of the first entry with a name, or 0.
type names struct {
	slot  [nameSlots]uint8
	never [staticLen + 1]never
	end   [staticLen + 1]uint8 // behind the last entry with the same name
}

var staticNames = makeNames()

func makeNames() (n names) {
	for i := 1; i <= staticLen; i++ {
		name := staticText[i].name
		if i > 1 && staticText[i-1].name == name {
			continue
		}
		s := hashOf([]byte(name), 0) % nameSlots
		for n.slot[s] != 0 {
			s = (s + 1) % nameSlots
		}
		n.slot[s] = uint8(i)
		n.never[i] = byDefault[name]
		end := i + 1
		for end <= staticLen && staticText[end].name == name {
			end++
		}
		n.end[i] = uint8(end)
	}
	return n
}

// staticName returns the index of the first entry of the static table with this name, the hash of which is h, or 0.
func staticName(name []byte, h uint32) (uint8, never) {
	for s := h % nameSlots; ; s = (s + 1) % nameSlots {
		i := staticNames.slot[s]
		if i == 0 {
			return 0, 0
		}
		if bytes.Equal(static[i].name, name) {
			return i, staticNames.never[i]
		}
	}
}

// staticPair looks for a value among the entries that have the name of entry *i, the first of its name, and sets *i to the
// one that has it.
func staticPair(i *uint8, value []byte) bool {
	for k, end := *i, staticNames.end[*i]; k < end; k++ {
		if bytes.Equal(static[k].value, value) {
			*i = k
			return true
		}
	}
	return false
}
