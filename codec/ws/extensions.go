package ws

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/http1"
)

// extensions walks through Sec-WebSocket-Extensions fields (RFC 6455 section 9.1), which together are one list:
//
//	extension-list = 1#extension
//	extension      = token *( ";" param )
//	param          = token [ "=" ( token / quoted-string ) ], where the unquoted string is a token as well
//
// It takes one step per byte and allocates nothing.
type extensions struct {
	fields []codec.Field
	rest   []byte
	count  int
	bad    bool // the grammar is broken, or there is too much of it
}

// next returns the name of the next extension and its parameters, still to be walked through by param.
func (s *extensions) next() (name, params []byte, more bool) {
	for !s.bad {
		for len(s.rest) > 0 && (s.rest[0] == ',' || s.rest[0] == ' ' || s.rest[0] == '\t') {
			s.rest = s.rest[1:] // RFC 9110 section 5.6.1.2: a recipient accepts empty members
		}
		if len(s.rest) > 0 {
			break
		}
		i := 0
		for i < len(s.fields) && !http1.EqualFold(s.fields[i].Name, "Sec-WebSocket-Extensions") {
			i++
		}
		if i == len(s.fields) {
			return nil, nil, false
		}
		s.rest, s.fields = s.fields[i].Value, s.fields[i+1:]
		if len(s.rest) == 0 {
			s.bad = true // 1#extension: at least one
		}
	}
	if s.bad || !s.charge() {
		return nil, nil, false
	}
	end := memberEnd(s.rest)
	member := s.rest[:end]
	s.rest = s.rest[end:]
	n := tokenLen(member)
	name, params = member[:n], member[n:]
	if n == 0 {
		s.bad = true
		return nil, nil, false
	}
	return name, params, true
}

// memberEnd returns where the first member of a list ends: at a comma outside of a quoted string, or with the list.
func memberEnd(list []byte) int {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return i
		}
	}
	return len(list)
}

// param cuts the first parameter off *params. value is without quotes; a backslash in it makes it no value that is known.
func (s *extensions) param(params *[]byte) (key, value []byte, has, more bool) {
	p := trimLeft(*params)
	*params = nil
	if len(p) == 0 || s.bad {
		return nil, nil, false, false
	}
	if p[0] != ';' || !s.charge() {
		s.bad = true
		return nil, nil, false, false
	}
	p = trimLeft(p[1:])
	n := tokenLen(p)
	if n == 0 {
		s.bad = true
		return nil, nil, false, false
	}
	key, p = p[:n], trimLeft(p[n:])
	if len(p) > 0 && p[0] == '=' {
		has = true
		p = trimLeft(p[1:])
		if len(p) > 0 && p[0] == '"' {
			value, p = s.quoted(p[1:])
		} else {
			n = tokenLen(p)
			value, p = p[:n], p[n:]
			if n == 0 {
				s.bad = true
			}
		}
	}
	*params = p
	return key, value, has, !s.bad
}

// quoted reads a quoted string behind its first quote. RFC 6455 section 9.1: "the value after quoted-string unescaping MUST
// conform to the "token" ABNF".
func (s *extensions) quoted(p []byte) (value, rest []byte) {
	for i := 0; i < len(p); i++ {
		if p[i] == '"' {
			s.bad = s.bad || i == 0
			return p[:i], p[i+1:]
		}
		if p[i] == '\\' && i+1 < len(p) {
			i++
		}
		if !http1.IsToken(p[i : i+1]) {
			break
		}
	}
	s.bad = true
	return nil, nil
}

// charge counts an extension or parameter.
func (s *extensions) charge() bool {
	s.count++
	if s.count > maxExtensions {
		s.bad = true
	}
	return !s.bad
}

func tokenLen(b []byte) int {
	for i := range b {
		if !http1.IsToken(b[i : i+1]) {
			return i
		}
	}
	return len(b)
}

func trimLeft(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}
