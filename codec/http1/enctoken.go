package http1

import "encoding/binary"

// hasControl reports whether one of the bytes is a control character other than TAB: 0x00-0x08, 0x0A-0x1F, 0x7F.
// Eight bytes a step, the last step overlapping; a word with a suspect (TAB included) is looked at byte by byte.
func hasControl(b []byte) bool {
	if len(b) < 8 {
		return slowControl(b)
	}
	for i := 0; i+8 < len(b); i += 8 {
		if suspect(binary.LittleEndian.Uint64(b[i:])) && slowControl(b[i:i+8]) {
			return true
		}
	}
	tail := b[len(b)-8:]
	return suspect(binary.LittleEndian.Uint64(tail)) && slowControl(tail)
}

// suspect reports whether some byte of w is below 0x20 or 0x7F. It may also say so when none is.
func suspect(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	del := w ^ 0x7f*ones
	return ((w-0x20*ones)&^w|(del-ones)&^del)&tops != 0
}

func slowControl(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// isBlankEnded reports whether the value starts or ends with a space or a TAB.
func isBlankEnded[T ~string | ~[]byte](v T) bool {
	return len(v) > 0 && (v[0] == ' ' || v[0] == '\t' || v[len(v)-1] == ' ' || v[len(v)-1] == '\t')
}
