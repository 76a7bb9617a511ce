package hpack

import "bytes"

// policy says what to do with fields of a name.
type policy uint8

const (
	indexAlways policy = iota
	indexNever         // a literal without indexing: values that hardly ever come twice
)

// nameSlots is a hash table of the names of the static table: index of the first entry with that name.
const nameSlots = 256

type staticNames struct {
	slot   [nameSlots]uint8
	policy [staticLen + 1]policy
}

var byName = makeByName()

func makeByName() (n staticNames) {
	for i := staticLen; i > 0; i-- {
		name := staticText[i].name
		s := hashOf([]byte(name), 0) % nameSlots
		for n.slot[s] != 0 && staticText[n.slot[s]].name != name {
			s = (s + 1) % nameSlots
		}
		n.slot[s] = uint8(i)
		switch name {
		case ":path", "age", "content-length", "etag", "if-modified-since", "if-none-match", "location", "set-cookie":
			n.policy[i] = indexNever
		}
	}
	return n
}

// staticName returns the first index of a name in the static table, or 0.
func staticName(name []byte, h uint32) (uint8, policy) {
	s := h % nameSlots
	for {
		i := byName.slot[s]
		if i == 0 {
			return 0, indexAlways
		}
		if bytes.Equal(static[i].name, name) {
			return i, byName.policy[i]
		}
		s = (s + 1) % nameSlots
	}
}

// staticPair returns the index of the field with the name of entry i, the first of that name, and this value; 0 if there is
// none.
func staticPair(i uint8, value []byte) uint8 {
	name := staticText[i].name
	for ; i <= staticLen && staticText[i].name == name; i++ {
		if bytes.Equal(static[i].value, value) {
			return i
		}
	}
	return 0
}
