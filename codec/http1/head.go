package http1

import "github.com/purewire/purewire/codec"

// Head is a message head as ParseRequestHead and ParseResponseHead find it: the syntax, without any conclusion about
// framing. Slices are views into src.
type Head struct {
	// Method and Target are set by ParseRequestHead.
	Method, Target []byte
	// Status is the three-digit code, Reason its phrase as sent; both are set by ParseResponseHead.
	Status int
	Reason []byte
	// Minor is the minor version: 0 or 1.
	Minor uint8
	// Fields is the header section in wire order, values without surrounding whitespace. Its array is reused.
	Fields []codec.Field

	fail Error
}

// ParseRequestHead parses the request head at the start of src: the start line and fields up to the empty line
// (RFC 9112 sections 3 and 5). It keeps no state. n is the length of the head; 0 with a nil error means that src does not hold
// all of it yet. A nil p stands for the defaults. Only syntax and the limits on heads are checked: not Host, not the form
// of the target, not framing; a Decoder does that. The error is an *Error stored in h.
//
// Calling it again and again while a head trickles in costs quadratic time; a Decoder does not.
func ParseRequestHead(src []byte, h *Head, p *Profile) (n int, err error) {
	return h.parse(requestHead, src, p)
}

// ParseResponseHead is ParseRequestHead for a response head (RFC 9112 sections 4 and 5).
func ParseResponseHead(src []byte, h *Head, p *Profile) (n int, err error) {
	return h.parse(responseHead, src, p)
}

func (h *Head) parse(kind sectionKind, src []byte, p *Profile) (int, error) {
	if p == nil {
		p = defaultProfile
	}
	var line startLine
	var n int
	if few(p, src) {
		n, h.Fields = walkFew(p, kind, src, &line, h.Fields[:0])
	} else {
		n, h.Fields = walk(p, kind, src, &line, h.Fields)
	}
	if n == 0 {
		var c cursor
		var r reason
		var off int
		if n, line, h.Fields, r, off = parseSection(p, kind, src, &c, h.Fields); n == 0 {
			if r == ok {
				return 0, nil
			}
			return 0, h.fail.set(r, int64(off), kind == responseHead)
		}
	}
	h.Minor = line.minor
	if kind == requestHead {
		h.Method, h.Target = clip(src, 0, line.a), clip(src, line.a+1, line.b)
	} else {
		h.Status, h.Reason = line.status, clip(src, line.a, line.b)
	}
	return n, nil
}
