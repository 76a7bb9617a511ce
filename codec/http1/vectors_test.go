package http1

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

const vectorDir = "../../corpus/http1/vectors"

// The encoder, the field lists and the stateless functions give what the vectors say, which is judged by the RFC's text. At the end: each
// reason that the encoder can give is given by some vector.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, vectorDir, func() map[string]codectest.VectorOp {
		ops := map[string]codectest.VectorOp{}
		encoderVectors(ops)
		staticVectors(ops)
		headerVectors(ops)
		fieldVectors(ops)
		textVectors(ops)
		parseVectors(ops)
		return ops
	})
	for _, r := range encoderReasons {
		if !sum.Has(r) {
			t.Errorf("no vector is refused with %q", r)
		}
	}
}

// encoderReasons are those that the encoder gives.
var encoderReasons = []string{
	ReasonEncName, ReasonEncValue, ReasonEncBlank, ReasonEncMethod, ReasonEncTarget, ReasonEncReason, ReasonEncHost, ReasonEncUpgrade,
	ReasonEncDate, ReasonEncFraming, ReasonEncConnection, ReasonEncHostField, ReasonEncOwnField, ReasonEncStatus, ReasonEncInfoStatus,
	ReasonEncLength, ReasonEncNoContent, ReasonEncNotModified, ReasonEncConnect, ReasonEncTunnel, ReasonEncUpgrade426,
	ReasonEncUpgrade10, ReasonEncChunked10, ReasonEncUntilClose, ReasonEncMethodBody, ReasonEncExpect, ReasonEncFramingBad,
	ReasonEncOpen, ReasonEncDone, ReasonEncNotOpen, ReasonEncNoBody, ReasonEncExcess, ReasonEncTrailers, ReasonEncTrailer,
	ReasonEncShortBody,
}

// vectorFields takes all arguments name="Name: value".
func vectorFields(a *codectest.Args, name string) (f []codec.Field) {
	for a.Has(name) {
		n, v, _ := bytes.Cut(a.NamedBytes(name), []byte(": "))
		f = append(f, codec.Field{Name: n, Value: v})
	}
	return f
}

// vectorFraming takes framing=, one of the names of Framing or a number, and length=.
func vectorFraming(a *codectest.Args) (Framing, int64) {
	length := a.NamedInt("length")
	switch s := a.Named("framing"); s {
	case "":
		return NoBody, length
	case "length":
		return Length, length
	case "chunked":
		return Chunked, length
	case "close":
		return UntilClose, length
	case "tunnel":
		return Tunnel, length
	default:
		n, _ := strconv.Atoi(s)
		return Framing(n), length
	}
}

func quoted(b []byte, err error) string {
	if err != nil {
		return "refused " + reasonOf(err)
	}
	if b == nil {
		return "nil"
	}
	return codectest.Quote(b)
}

func quotedList(list [][]byte) string {
	out := "list"
	for _, b := range list {
		out += " " + codectest.Quote(b)
	}
	return out
}

// law calls an append with bytes in front of dst's end, and says what it appended. Law of append: the bytes in front stay, a refusal
// appends nothing and, but for the one that ends the connection, changes nothing.
func law(e *Encoder, call func(dst []byte) ([]byte, error)) string {
	front := []byte("front")
	before := *e
	got, err := call(append(make([]byte, 0, 64), front...))
	var he *Error
	switch {
	case !bytes.HasPrefix(got, front):
		return "the bytes in front changed"
	case err != nil && (!errors.As(err, &he) || he.Code != 500 || len(got) != len(front)):
		return "a refusal that is none"
	case err != nil && he.Scope == codec.ScopeMisuse && *e != before:
		return "a refusal changed the encoder"
	}
	return quoted(got[len(front):], err)
}

func encoderVectors(ops map[string]codectest.VectorOp) {
	var e Encoder
	ops["request"] = func(a *codectest.Args) string {
		h := RequestHead{Host: a.NamedBytes("host"), Upgrade: a.NamedBytes("upgrade"), Fields: vectorFields(a, "f"), Trailers: vectorFields(a, "t"),
			HTTP10: a.Flag("http10"), Close: a.Flag("close"), Expect100: a.Flag("expect")}
		h.Framing, h.Length = vectorFraming(a)
		h.Method, h.Target = a.Bytes(), a.Bytes()
		return law(&e, func(dst []byte) ([]byte, error) { return e.AppendRequest(dst, &h) })
	}
	ops["response"] = func(a *codectest.Args) string {
		h := vectorResponse(a)
		return law(&e, func(dst []byte) ([]byte, error) { return e.AppendResponse(dst, &h) })
	}
	ops["informational"] = func(a *codectest.Args) string {
		status, fields := int(a.Int()), vectorFields(a, "f")
		return law(&e, func(dst []byte) ([]byte, error) { return e.AppendInformational(dst, status, fields) })
	}
	ops["body"] = func(a *codectest.Args) string {
		p := a.Bytes()
		return law(&e, func(dst []byte) ([]byte, error) { return e.AppendBody(dst, p) })
	}
	ops["reference"] = func(a *codectest.Args) string {
		n := int(a.Int())
		return law(&e, func(dst []byte) ([]byte, error) { return e.AppendBodyHead(dst, n) })
	}
	ops["end"] = func(a *codectest.Args) string {
		t := vectorFields(a, "t")
		return law(&e, func(dst []byte) ([]byte, error) { return e.AppendEnd(dst, t) })
	}
	ops["state"] = func(*codectest.Args) string { return fmt.Sprintf("open %v, poisoned %v", e.Open(), e.Poisoned()) }
}

func vectorResponse(a *codectest.Args) ResponseHead {
	h := ResponseHead{Reason: a.NamedBytes("reason"), Date: a.NamedBytes("date"), Upgrade: a.NamedBytes("upgrade"), Fields: vectorFields(a, "f"),
		Trailers: vectorFields(a, "t"), HTTP10: a.Flag("http10"), Close: a.Flag("close"), ToHEAD: a.Flag("head"), ToCONNECT: a.Flag("connect")}
	h.Framing, h.Length = vectorFraming(a)
	h.Status = int(a.Int())
	return h
}

func staticVectors(ops map[string]codectest.VectorOp) {
	var s *Static
	ops["static"] = func(a *codectest.Args) (out string) {
		h := vectorResponse(a)
		var err error
		if s, err = NewStatic(&h, a.Bytes()); err != nil {
			return quoted(nil, err)
		}
		return fmt.Sprint("longest ", s.Len())
	}
	ops["static-append"] = func(a *codectest.Args) string {
		closing, head, date := a.Flag("close"), a.Flag("head"), a.NamedBytes("date")
		if a.Flag("http10") {
			return quoted(s.Append10(nil, head, date), nil)
		}
		return quoted(s.Append(nil, closing, head, date), nil)
	}
	ops["static-parts"] = func(*codectest.Args) string {
		status, fields, content, dated := s.Parts()
		return fmt.Sprintf("%d %v %s\n%s", status, dated, codectest.Quote(content), quoted(fieldLines(fields), nil))
	}
}

func fieldLines(fields []codec.Field) []byte {
	out := []byte{}
	for i := range fields {
		out = appendField(out, &fields[i])
	}
	return out
}

func headerVectors(ops map[string]codectest.VectorOp) {
	var h Header
	var other *Header
	all := func() string { return codectest.Quote(h.AppendTo(nil)) }
	after := func(err error) string {
		if err != nil {
			return quoted(nil, err) + "\n" + all()
		}
		return all()
	}
	ops["append"] = func(a *codectest.Args) string {
		for times := max(1, a.NamedInt("times")); times > 1; times-- { // the last one is below
			_ = h.Append("x-many", "value")
		}
		return after(h.Append(string(a.Bytes()), string(a.Bytes())))
	}
	ops["set"] = func(a *codectest.Args) string {
		name, value, other := string(a.Bytes()), string(a.Bytes()), a.NamedBytes("then")
		err := h.Set(name, value)
		for i := a.NamedInt("times"); i > 1 && err == nil; i-- { // alternating lengths make waste
			if err = h.Set(name, string(other)+strings.Repeat("x", int(i%7))); err == nil {
				err = h.Set(name, value)
			}
		}
		return after(err)
	}
	ops["remove"] = func(a *codectest.Args) string { return fmt.Sprintf("%d\n%s", h.Remove(string(a.Bytes())), all()) }
	ops["reset"] = func(*codectest.Args) string { h.Reset(); return fmt.Sprint(h.Len()) }
	ops["set-fields"] = func(a *codectest.Args) string { return after(h.SetFields(vectorFields(a, "f"))) }
	ops["clone"] = func(*codectest.Args) string { other = h.Clone(); return codectest.Quote(other.AppendTo(nil)) }
	ops["cloned"] = func(*codectest.Args) string { return codectest.Quote(other.AppendTo(nil)) }
	ops["ask"] = func(a *codectest.Args) string {
		name := string(a.Bytes())
		var vs [][]byte
		for v := range h.GetAll(name) {
			vs = append(vs, v)
		}
		return fmt.Sprintf("%s %v of %d %s", quoted(h.Get(name), nil), h.Has(name), len(h.Fields()), quotedList(vs))
	}
}

// fieldVectors has the look-ups in lists of fields.
func fieldVectors(ops map[string]codectest.VectorOp) {
	ops["field"] = func(a *codectest.Args) string {
		f, name := vectorFields(a, "f"), string(a.Bytes())
		var vs [][]byte
		for v := range Values(f, name) {
			vs = append(vs, v)
		}
		for range Values(f, name) {
			break
		}
		return fmt.Sprintf("%s %v %d %s", quoted(Get(f, name), nil), Has(f, name), Count(f, name), quotedList(vs))
	}
	ops["tokens"] = func(a *codectest.Args) string {
		f, name := vectorFields(a, "f"), string(a.Bytes())
		var vs [][]byte
		for v := range Tokens(f, name) {
			vs = append(vs, v)
		}
		for range Tokens(f, name) {
			break
		}
		return quotedList(vs)
	}
	ops["has-token"] = func(a *codectest.Args) string {
		f := vectorFields(a, "f")
		return fmt.Sprint(HasToken(f, string(a.Bytes()), string(a.Bytes())))
	}
	ops["cookies"] = func(a *codectest.Args) string {
		f := vectorFields(a, "f")
		out := "cookies"
		for name, v := range Cookies(f) {
			out += " " + codectest.Quote(name) + "=" + quoted(v, nil)
		}
		for range Cookies(f) {
			break
		}
		return out
	}
	ops["cookie"] = func(a *codectest.Args) string {
		f := vectorFields(a, "f")
		return quoted(CookieValue(f, string(a.Bytes())), nil)
	}
}

// textVectors has the functions of one text.
func textVectors(ops map[string]codectest.VectorOp) {
	var cache DateCache
	ops["date"] = func(a *codectest.Args) string {
		unix := a.Int()
		text := string(AppendDate(nil, unix))
		if string(cache.Bytes(unix)) != text || string(cache.Append(nil, unix)) != text {
			return "the cache differs"
		}
		return text
	}
	ops["percent"] = func(a *codectest.Args) string {
		mode := PercentPath
		if a.Flag("query") {
			mode = PercentQuery
		}
		out, valid := AppendPercentDecoded([]byte("front"), a.Bytes(), mode)
		return fmt.Sprintf("%s %v", codectest.Quote(bytes.TrimPrefix(out, []byte("front"))), valid)
	}
	ops["name"] = func(a *codectest.Args) string {
		b := a.Bytes()
		return fmt.Sprintf("%q interned %q", LookupName(b).String(), InternName(b))
	}
	ops["value"] = func(a *codectest.Args) string {
		b := a.Bytes()
		s := InternValue(b)
		return fmt.Sprintf("%q held %v", s, s == "" || unsafe.StringData(s) == unsafe.StringData(InternValue(b)))
	}
	ops["phrase"] = func(a *codectest.Args) string { return codectest.Quote([]byte(ReasonPhrase(int(a.Int())))) }
	ops["status"] = func(a *codectest.Args) string { return Status(a.Int()).Error() }
	ops["method"] = func(a *codectest.Args) string {
		m := LookupMethod(a.Bytes())
		return fmt.Sprintf("%d %q", m, m.String())
	}
	ops["token"] = func(a *codectest.Args) string { return fmt.Sprint(IsToken(a.Bytes())) }
	ops["field-value"] = func(a *codectest.Args) string { obs := a.Flag("obs"); return fmt.Sprint(IsFieldValue(a.Bytes(), obs)) }
	ops["host"] = func(a *codectest.Args) string { return fmt.Sprint(ValidHost(a.Bytes())) }
	ops["trailer"] = func(a *codectest.Args) string { return fmt.Sprint(TrailerAllowed(a.Bytes())) }
	ops["unknown"] = func(*codectest.Args) string { return fmt.Sprintf("%q %q", numNames.String(), Method(200).String()) }
}

// parseVectors has what takes a head or a target apart without keeping state.
func parseVectors(ops map[string]codectest.VectorOp) {
	ops["target"] = func(a *codectest.Args) string {
		t, valid := ParseTarget(LookupMethod(a.Bytes()), a.Bytes())
		if !valid {
			return "false"
		}
		return fmt.Sprintf("form %d authority %s path %s query %s %v", t.Form, codectest.Quote(t.Authority), codectest.Quote(t.Path),
			codectest.Quote(t.Query), t.HasQuery)
	}
	profile := func(a *codectest.Args) *Profile {
		if !a.Has("head") {
			return nil
		}
		o := Options{Limits: Limits{Head: int(a.NamedInt("head"))}}
		return o.Profile()
	}
	show := func(n int, h *Head, err error) string {
		var he *Error
		if errors.As(err, &he) {
			return fmt.Sprintf("%v %v at %d", he.Unwrap(), he.Error(), he.Off)
		}
		return fmt.Sprintf("%d %s %s %d %s HTTP/1.%d %s", n, codectest.Quote(h.Method), codectest.Quote(h.Target), h.Status,
			codectest.Quote(h.Reason), h.Minor, codectest.Quote(fieldLines(h.Fields)))
	}
	ops["parse-request"] = func(a *codectest.Args) string {
		var h Head
		n, err := ParseRequestHead(a.Bytes(), &h, profile(a))
		return show(n, &h, err)
	}
	ops["parse-response"] = func(a *codectest.Args) string {
		var h Head
		n, err := ParseResponseHead(a.Bytes(), &h, profile(a))
		return show(n, &h, err)
	}
	// The zero Decoder has the default profile; a clone outlives the bytes that the event lent.
	ops["decode"] = func(a *codectest.Args) string {
		var d Decoder
		var ev Event
		src := a.Bytes()
		var kept []*Event
		for {
			n, err := d.Next(src, &ev)
			if err != nil {
				return "refused " + reasonOf(err)
			}
			if ev.Kind == None {
				break
			}
			kept = append(kept, ev.Clone())
			clear(src[:n])
			src = src[n:]
			d.Resume()
		}
		var log codectest.Log
		for _, ev := range kept {
			renderEvent(&log, ev)
		}
		return strings.Join(log.Lines(), "\n")
	}
}
