package grpc

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
)

const vectorsDir = corpusDir + "/vectors"

// toyEncoding is a message encoding that puts "Z" in front. It refuses messages that begin with "!".
type toyEncoding string

func (e toyEncoding) Name() string { return string(e) }

func (toyEncoding) AppendCompressed(dst, src []byte) ([]byte, error) {
	if len(src) > 0 && src[0] == '!' {
		return append(dst, "lost"...), errors.New("refused")
	}
	return append(append(dst, 'Z'), src...), nil
}

func (toyEncoding) AppendDecompressed(dst, src []byte, max int) ([]byte, error) {
	switch {
	case len(src) == 0 || src[0] != 'Z':
		return append(dst, "lost"...), errors.New("corrupt")
	case len(src)-1 > max:
		return append(dst, "lost"...), ErrInflated
	}
	return append(dst, src[1:]...), nil
}

func said(err error) string {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Scope == codec.ScopeMisuse:
		return fmt.Sprintf("misuse %v, %s", e.Code, e.Reason)
	case errors.As(err, &e):
		return fmt.Sprintf("error %v, %s", e.Code, e.Reason)
	}
	return "error " + err.Error()
}

// argFields takes the arguments that are left as names and values in turn.
func argFields(a *codectest.Args) (fs []codec.Field) {
	for a.More() {
		fs = append(fs, codec.Field{Name: a.Bytes(), Value: a.Bytes()})
	}
	return fs
}

func fieldLines(fs []codec.Field) string {
	var lines []string
	for _, f := range fs {
		lines = append(lines, codectest.Quote(f.Name)+" "+codectest.Quote(f.Value))
	}
	return strings.Join(lines, "\n")
}

func statusLine(st *Status) string {
	return fmt.Sprintf("%v message %s details %s", st.Code, codectest.Quote(st.Message), codectest.Quote(st.Details))
}

// kept is in front of what an Append function appends to: it must stay, and be all there is after an error.
const kept = "kept "

func appended(out []byte, err error) string {
	rest, ok := strings.CutPrefix(string(out), kept)
	switch {
	case !ok:
		return "what was in front is lost: " + codectest.Quote(out)
	case err != nil && rest != "":
		return "left behind: " + codectest.Quote(out)
	case err != nil:
		return said(err)
	}
	return codectest.Quote([]byte(rest))
}

func vectorOps() map[string]codectest.VectorOp {
	q := codectest.Quote
	var text TextDecoder
	encodings := Encodings{toyEncoding("gzip"), toyEncoding("deflate")}
	return map[string]codectest.VectorOp{
		"parse-timeout": func(a *codectest.Args) string {
			d, err := ParseTimeout(a.Bytes())
			if err != nil {
				return said(err)
			}
			return d.String()
		},
		"append-timeout": func(a *codectest.Args) string {
			return appended(AppendTimeout([]byte(kept), time.Duration(a.Int())), nil)
		},
		"parse-code": func(a *codectest.Args) string {
			c, ok := ParseCode(a.Bytes())
			return fmt.Sprintf("%v %v", c, ok)
		},
		"append-code":    func(a *codectest.Args) string { return appended(AppendCode([]byte(kept), Code(a.Uint())), nil) },
		"code-error":     func(a *codectest.Args) string { return Code(a.Uint()).Error() },
		"http-status":    func(a *codectest.Args) string { return fmt.Sprint(Code(a.Uint()).HTTPStatus()) },
		"code-of-http":   func(a *codectest.Args) string { return CodeOfHTTP(int(a.Int())).String() },
		"code-of-http2":  func(a *codectest.Args) string { return CodeOfHTTP2(uint32(a.Uint())).String() },
		"append-text":    func(a *codectest.Args) string { return appended(AppendText([]byte(kept), string(a.Bytes())), nil) },
		"decode-text":    func(a *codectest.Args) string { return appended(AppendDecodedText([]byte(kept), a.Bytes()), nil) },
		"append-binary":  func(a *codectest.Args) string { return appended(AppendBinary([]byte(kept), a.Bytes()), nil) },
		"decode-binary":  func(a *codectest.Args) string { return appended(AppendDecodedBinary([]byte(kept), a.Bytes())) },
		"append-message": func(a *codectest.Args) string { return appended(AppendMessage([]byte(kept), a.Bytes())) },
		"append-prefix": func(a *codectest.Args) string {
			compressed := a.Flag("compressed")
			return appended(AppendPrefix([]byte(kept), compressed, int(a.Int())))
		},
		"binary-values": func(a *codectest.Args) string {
			var lines []string
			if err := BinaryValues(a.Bytes(), nil, func(v []byte) { lines = append(lines, q(v)) }); err != nil {
				lines = append(lines, said(err))
			}
			return strings.Join(lines, "\n")
		},
		"split-path": func(a *codectest.Args) string {
			service, method, ok := SplitPath(a.Bytes())
			return fmt.Sprintf("%s %s %v", q(service), q(method), ok)
		},
		"content-type": func(a *codectest.Args) string {
			w, sub, ok := ContentType(a.Bytes())
			return fmt.Sprintf("wire %d subtype %s %v", w, q(sub), ok)
		},
		"accepts": func(a *codectest.Args) string { return fmt.Sprint(Accepts(a.Bytes(), a.Word())) },
		"lookup": func(a *codectest.Args) string {
			c, err := encodings.Lookup(a.Bytes())
			switch {
			case err != nil:
				return said(err)
			case c == nil:
				return "identity"
			}
			return c.Name()
		},
		"choose": func(a *codectest.Args) string {
			if c := encodings.Choose(a.Bytes()); c != nil {
				return c.Name()
			}
			return "identity"
		},
		"names": func(*codectest.Args) string { return appended(encodings.AppendNames([]byte(kept)), nil) },
		"decompress": func(a *codectest.Args) string {
			max := int(a.NamedInt("max"))
			return appended(Decompress(toyEncoding("toy"), []byte(kept), a.Bytes(), max))
		},
		"compress": func(a *codectest.Args) string {
			return appended(AppendCompressedMessage([]byte(kept), a.Bytes(), toyEncoding("toy")))
		},
		"valid-name": func(a *codectest.Args) string {
			name := a.Bytes()
			return fmt.Sprintf("valid %v reserved %v binary %v", ValidName(name), IsReserved(name), IsBinary(name))
		},
		"valid-text": func(a *codectest.Args) string { return fmt.Sprint(ValidText(a.Bytes())) },
		"metadata": func(a *codectest.Args) string {
			before := []codec.Field{{}}
			fs, arena, err := AppendMetadata(before, []byte(kept), argFields(a))
			if err != nil {
				return appended(arena, err)
			}
			return fieldLines(fs[1:])
		},
		"request": func(a *codectest.Args) string {
			var r Request
			method, path := a.Bytes(), a.Bytes()
			if err := ParseRequest(method, path, argFields(a), &r); err != nil {
				return fmt.Sprintf("%s, 415 %v", said(err), IsContentType(err))
			}
			return fmt.Sprintf("service %s method %s wire %d subtype %s\ntimeout %v %v encoding %s accept %s", q(r.Service), q(r.Method), r.Wire, q(r.Subtype),
				r.Timeout, r.HasTimeout, q(r.Encoding), q(r.AcceptEncoding))
		},
		"response": func(a *codectest.Args) string {
			var r Response
			end := a.Flag("end")
			if err := ParseResponse(int(a.Int()), argFields(a), end, &r); err != nil {
				return said(err)
			}
			s := fmt.Sprintf("wire %d subtype %s encoding %s accept %s", r.Wire, q(r.Subtype), q(r.Encoding), q(r.AcceptEncoding))
			if r.TrailersOnly {
				s += "\n" + statusLine(&r.Status)
			}
			return s
		},
		"trailers": func(a *codectest.Args) string {
			var st Status
			if found, err := ParseTrailers(argFields(a), &st); err != nil {
				return fmt.Sprintf("%s, found %v", said(err), found)
			}
			return statusLine(&st)
		},
		"append-status": func(a *codectest.Args) string {
			fs, _ := AppendStatus(nil, []byte(kept), Code(a.Uint()), string(a.Bytes()), a.Bytes())
			return fieldLines(fs)
		},
		"append-web-trailers": func(a *codectest.Args) string { return appended(AppendWebTrailers([]byte(kept), argFields(a))) },
		"parse-web-trailers": func(a *codectest.Args) string {
			fs, arena, err := ParseWebTrailers([]codec.Field{{}}, []byte(kept), a.Bytes())
			if err != nil {
				return appended(arena, err)
			}
			return fieldLines(fs[1:])
		},
		"base64": func(a *codectest.Args) string { return appended(text.AppendDecoded([]byte(kept), a.Bytes())) },
		"base64-bad": func(a *codectest.Args) string {
			out, err := text.AppendDecoded([]byte(kept), a.Bytes())
			if err == nil {
				return "accepted"
			}
			return fmt.Sprintf("%s, behind %s", said(err), q(out[len(kept):]))
		},
		"base64-end": func(*codectest.Args) string {
			if err := text.Finish(); err != nil {
				return said(err)
			}
			return "whole"
		},
	}
}

// The vectors have what is no stream of messages: heads, trailers, their values, encoders. Every failing branch that the decoder does not
// have is reached by one of them.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, vectorsDir, vectorOps)
	for r := rInflate; int(r) < len(reasons); r++ {
		if !sum.Has(reasons[r].text) {
			t.Errorf("no vector has %q", reasons[r].text)
		}
	}
}
