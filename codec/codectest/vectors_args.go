package codectest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Args are the arguments of a Vector. A word in double quotes, with the escapes of Unescape, is bytes; a bare word with "=" in it is named; any
// other bare word is a number, hexadecimal digits, or a flag. What is not named is taken in its order. The first mistake is kept for
// Err; the results are zero from then on.
type Args struct {
	words []argWord
	err   error
}

type argWord struct {
	key, text string
	named     bool
	quoted    bool
	taken     bool
}

func parseArgs(s string) (*Args, error) {
	a := &Args{}
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		var w argWord
		if i := strings.IndexAny(s, `=" `); i > 0 && s[i] == '=' {
			w.key, w.named, s = s[:i], true, s[i+1:]
		}
		end := strings.IndexByte(s+" ", ' ')
		if s != "" && s[0] == '"' {
			w.quoted = true
			for end = 1; end < len(s) && s[end] != '"'; end++ {
				if s[end] == '\\' {
					end++
				}
			}
			if end >= len(s) {
				return nil, fmt.Errorf("a quote is not closed in %q", clip(s, 20))
			}
			w.text, end = s[1:end], end+1
		} else {
			w.text = s[:end]
		}
		if s = s[end:]; s != "" && s[0] != ' ' {
			return nil, fmt.Errorf("no space in front of %q", clip(s, 20))
		}
		a.words = append(a.words, w)
	}
	return a, nil
}

func (a *Args) fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// next takes the next word that is not named.
func (a *Args) next() argWord {
	for i := range a.words {
		if w := &a.words[i]; !w.taken && !w.named {
			w.taken = true
			return *w
		}
	}
	a.fail("an argument is missing")
	return argWord{quoted: true}
}

// find takes the word of a name; of several with the same name the first that is left.
func (a *Args) find(name string) (argWord, bool) {
	for i := range a.words {
		if w := &a.words[i]; !w.taken && w.named && w.key == name {
			w.taken = true
			return *w, true
		}
	}
	return argWord{quoted: true}, false
}

// More reports whether an argument that is not named is left.
func (a *Args) More() bool {
	for i := range a.words {
		if w := &a.words[i]; !w.taken && !w.named {
			return true
		}
	}
	return false
}

// Flag takes the bare word name, wherever it is, and reports whether it was there.
func (a *Args) Flag(name string) bool {
	for i := range a.words {
		if w := &a.words[i]; !w.taken && !w.named && !w.quoted && w.text == name {
			w.taken = true
			return true
		}
	}
	return false
}

// Word takes the next argument as it is written, without quotes.
func (a *Args) Word() string { return a.next().text }

// Bytes takes the next argument as bytes.
func (a *Args) Bytes() []byte { return a.bytes(a.next()) }

// Hex takes the next argument as hexadecimal digits, with the escapes of Unescape for what repeats: \(16*00).
func (a *Args) Hex() []byte { return a.hex(a.next()) }

// Int takes the next argument as a number, with the prefixes of Go.
func (a *Args) Int() int64 { return a.int(a.next().text) }

// Uint takes the next argument as a number, with the prefixes of Go.
func (a *Args) Uint() uint64 { return a.uint(a.next().text) }

// Has reports whether an argument name= is left to take.
func (a *Args) Has(name string) bool {
	for i := range a.words {
		if w := &a.words[i]; !w.taken && w.named && w.key == name {
			return true
		}
	}
	return false
}

// Named takes the argument name= as it is written, without quotes; "" if there is none.
func (a *Args) Named(name string) string {
	w, _ := a.find(name)
	return w.text
}

// NamedBytes takes the argument name= as bytes; nil if there is none.
func (a *Args) NamedBytes(name string) []byte {
	w, ok := a.find(name)
	if !ok {
		return nil
	}
	return a.bytes(w)
}

// NamedHex takes the argument name= as Hex does; nil if there is none.
func (a *Args) NamedHex(name string) []byte {
	w, ok := a.find(name)
	if !ok {
		return nil
	}
	return a.hex(w)
}

// NamedInt takes the argument name= as a number; 0 if there is none.
func (a *Args) NamedInt(name string) int64 {
	if w, ok := a.find(name); ok {
		return a.int(w.text)
	}
	return 0
}

// NamedUint takes the argument name= as a number; 0 if there is none.
func (a *Args) NamedUint(name string) uint64 {
	if w, ok := a.find(name); ok {
		return a.uint(w.text)
	}
	return 0
}

func (a *Args) bytes(w argWord) []byte {
	b, err := Unescape(w.text)
	if err != nil {
		a.fail("%v", err)
	}
	return append([]byte{}, b...)
}

func (a *Args) hex(w argWord) []byte {
	digits := a.bytes(w)
	n, err := hex.Decode(digits, digits)
	if err != nil {
		a.fail("%q: %v", clip(w.text, 20), err)
		return nil
	}
	return digits[:n]
}

func (a *Args) int(s string) int64 {
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil {
		a.fail("%v", err)
		return 0
	}
	return n
}

func (a *Args) uint(s string) uint64 {
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		a.fail("%v", err)
		return 0
	}
	return n
}

// Err returns the first mistake, arguments that nobody took included.
func (a *Args) Err() error {
	if a.err != nil {
		return a.err
	}
	for _, w := range a.words {
		if !w.taken {
			return fmt.Errorf("the argument %q is not asked for", w.key+w.text)
		}
	}
	return nil
}
