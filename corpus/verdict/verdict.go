package verdict

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"

	"github.com/purewire/purewire/codec/codectest"
)

// Outcome is what an implementation makes of an input as a whole.
type Outcome uint8

const (
	// None: no verdict could be had, for the reason in Verdict.Reason. It is never a legitimate outcome.
	None Outcome = iota
	// Accept: the input ends between two messages, and nothing in it was refused.
	Accept
	// More: what there is was not refused, but the last message is not whole.
	More
	// Reject: something was refused.
	Reject
)

var outcomes = [...]string{None: "none", Accept: "accept", More: "more", Reject: "reject"}

// String returns the lower-case name.
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return "unknown"
}

// Field is a field of a message, its name in lower case.
type Field struct{ Name, Value string }

// Message is what an implementation shows of one message that is whole.
type Message struct {
	// Head says what it is: "POST /a", "200", "text", "close 1000", "field list", "varint". In HTTP/2 the stream comes first: "1 POST /a".
	Head string
	// Authority is the host that a request is for. Empty where there is none.
	Authority string
	// Fields are the others, without those that say how the message is framed or connected (see Canonical).
	Fields []Field
	// Trailers is the trailer section.
	Trailers []Field
	// Size is the length of the content in bytes, Sum its FNV-1a hash.
	Size int64
	Sum  uint32
}

// Content sets Size and Sum.
func (m *Message) Content(p []byte) {
	m.Size, m.Sum = int64(len(p)), Sum(p)
}

// Sum is the 32-bit FNV-1a hash of p.
func Sum(p []byte) uint32 {
	h := fnv.New32a()
	h.Write(p)
	return h.Sum32()
}

// Verdict is what one implementation makes of one input. All of it follows from the input alone, never from how fast
// something was.
type Verdict struct {
	Outcome Outcome
	// Reason is, of Reject and None, the implementation's own error.
	Reason string
	// Messages are those that came out whole, in order.
	Messages []Message
	// Left is how many bytes behind the last whole message were not read as part of one, -1 if that cannot be seen. It
	// is shown and not compared.
	Left int64
}

// unframed are the fields that say how a message is framed and connected. Implementations keep them elsewhere.
var unframed = []string{"host", "content-length", "transfer-encoding", "connection", "keep-alive", "trailer", "te", "date"}

// Canonical brings a list of fields into the form in which verdicts are compared: names in lower case, in order of name,
// the values of a name in their own order and joined by ", " (RFC 9110 section 5.2), blanks in a row as one (a fold may become any
// number of them, RFC 9112 section 5.2), without the fields that frame and connect.
func Canonical(list []Field) []Field {
	var out []Field
	for _, f := range list {
		name := strings.ToLower(f.Name)
		if slices.Contains(unframed, name) {
			continue
		}
		value := blanks.ReplaceAllString(strings.Trim(f.Value, " \t"), " ")
		if i := slices.IndexFunc(out, func(o Field) bool { return o.Name == name }); i >= 0 {
			out[i].Value += ", " + value
			continue
		}
		out = append(out, Field{name, value})
	}
	slices.SortStableFunc(out, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

var blanks = regexp.MustCompile(`[ \t]+`)

// Class is how two verdicts on one input differ.
type Class uint8

const (
	// Agree: they do not.
	Agree Class = iota
	// Fields: the same messages, with other fields.
	Fields
	// Heads: the same boundaries, but another method, target, authority, status or type.
	Heads
	// Outcomes: one refuses, or waits for, what the other does not.
	Outcomes
	// Boundary: they see another number of messages, or contents of another length or other bytes. In HTTP/1 this is request
	// smuggling.
	Boundary
)

var classes = [...]string{Agree: "agree", Fields: "fields", Heads: "heads", Outcomes: "outcome", Boundary: "boundary"}

// String returns the name of the class.
func (c Class) String() string {
	if int(c) < len(classes) {
		return classes[c]
	}
	return "unknown"
}

// Compare tells how two verdicts differ: the gravest class that applies.
func Compare(a, b *Verdict) Class {
	if len(a.Messages) != len(b.Messages) {
		// One that refuses what the other lets through has cut nothing differently.
		if a.Outcome != b.Outcome {
			short, long := a, b
			if len(a.Messages) > len(b.Messages) {
				short, long = b, a
			}
			if short.Outcome != Accept && prefix(short.Messages, long.Messages) {
				return Outcomes
			}
		}
		return Boundary
	}
	worst := Agree
	for i := range a.Messages {
		worst = max(worst, compare(&a.Messages[i], &b.Messages[i]))
	}
	if a.Outcome != b.Outcome {
		worst = max(worst, Outcomes)
	}
	return worst
}

// prefix tells whether the messages of short have the boundaries of the first ones of long.
func prefix(short, long []Message) bool {
	for i := range short {
		if compare(&short[i], &long[i]) == Boundary {
			return false
		}
	}
	return true
}

func compare(a, b *Message) Class {
	switch {
	case a.Size != b.Size || a.Sum != b.Sum:
		return Boundary
	case a.Head != b.Head || a.Authority != b.Authority:
		return Heads
	case !slices.Equal(a.Fields, b.Fields) || !slices.Equal(a.Trailers, b.Trailers):
		return Fields
	}
	return Agree
}

// Lines renders v: a line for each message with its fields indented below, then one for the outcome.
func (v *Verdict) Lines() []string {
	var out []string
	for i := range v.Messages {
		out = append(out, v.Messages[i].lines()...)
	}
	last := v.Outcome.String()
	if v.Reason != "" {
		last += " " + v.Reason
	}
	if v.Left > 0 {
		last += fmt.Sprintf(", %d bytes left", v.Left)
	}
	return append(out, last)
}

func (m *Message) lines() []string {
	line := codectest.Escape([]byte(m.Head))
	if m.Authority != "" {
		line += " for " + codectest.Quote([]byte(m.Authority))
	}
	if m.Size > 0 {
		line += fmt.Sprintf(", %d bytes %08x", m.Size, m.Sum)
	}
	out := []string{line}
	add := func(list []Field, what string) {
		for i, f := range list {
			if i == maxShown {
				out = append(out, fmt.Sprintf("  ... %d in all", len(list)))
				break
			}
			out = append(out, fmt.Sprintf("  %s%s: %s", what, codectest.Escape([]byte(f.Name)), codectest.Quote([]byte(f.Value))))
		}
	}
	add(m.Fields, "")
	add(m.Trailers, "trailer ")
	return out
}

// maxShown bounds the fields of a message that Lines shows.
const maxShown = 16

// String renders v in one line, without fields.
func (v *Verdict) String() string {
	var b strings.Builder
	b.WriteString(v.Outcome.String())
	for i := range v.Messages {
		if i == 4 {
			fmt.Fprintf(&b, "; ... %d in all", len(v.Messages))
			break
		}
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		b.WriteString(sep + v.Messages[i].lines()[0])
	}
	if v.Reason != "" {
		b.WriteString(" (" + v.Reason + ")")
	}
	return b.String()
}
