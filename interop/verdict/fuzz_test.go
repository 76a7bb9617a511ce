package verdict

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	core "github.com/purewire/purewire/corpus/verdict"
)

// The targets of this file hold ours against one other implementation each. What ours accepts the other must accept, and see the
// same in it; what ours refuses the other may accept only for a reason that is known. The lists of what is
// allowed are beside each target: a difference that is not on them is a bug, in one of the two or in the list.

// maxFuzz bounds inputs: what is longer is a matter of limits.
const maxFuzz = 8 << 10

// seed adds the library's inputs of a wire and role.
func seed(f *testing.F, w core.Wire, r core.Role, also func(*core.Case) bool) {
	f.Helper()
	cases, err := core.Library()
	require.NoError(f, err)
	for _, c := range cases {
		if c.Wire == w && c.Role == r && len(c.Bytes) <= maxFuzz && (also == nil || also(c)) {
			f.Add(c.Bytes)
		}
	}
}

// ours is the verdict of ours.
func ours(in *core.Input) core.Verdict {
	for _, o := range core.Ours() {
		if o.Wire == in.Wire && o.Role == in.Role {
			return o.Judge(in)
		}
	}
	return core.Verdict{Reason: "nobody"}
}

// differential compares ours with a peer. stricter tells whether our reason to refuse is one that the peer does not know; looser
// whether the peer may refuse, or see otherwise, what ours accepts.
func differential(t *testing.T, in *core.Input, peer func(*core.Input) core.Verdict, stricter func(in []byte, reason string) bool, looser func(ours, peer *core.Verdict) bool) {
	t.Helper()
	if len(in.Bytes) > maxFuzz {
		return
	}
	require.NoError(t, in.Check())
	a, b := ours(in), peer(in)
	if b.Outcome == core.None {
		t.Fatalf("%q: no verdict: %s", in.Bytes, b.Reason)
	}
	class := core.Compare(&a, &b)
	switch {
	case class == core.Agree:
		return
	case a.Outcome == core.Reject && stricter(in.Bytes, a.Reason):
		return
	case looser != nil && looser(&a, &b):
		return
	}
	t.Fatalf("%q: %s\nours %s\n%s\npeer %s\n%s", in.Bytes, class, a.String(), strings.Join(a.Lines(), "\n"), b.String(), strings.Join(b.Lines(), "\n"))
}

// names tells whether a reason of ours begins with one of the clauses.
func names(reason string, clauses ...string) bool {
	for _, c := range clauses {
		if strings.Contains(reason, c) {
			return true
		}
	}
	return false
}

// nethttpStrict are the rules that net/http does not have, or applies elsewhere (Host and the like in its server).
func nethttpStrict(in []byte, reason string) bool {
	if bytes.Contains(in, []byte("HTTP/1.0")) && names(reason, "9112-6.1-", "9112-6.3-2.4") {
		return true // it ignores Transfer-Encoding there, whatever its value
	}
	return names(reason,
		"9112-2.2-3", "9112-2.2-4", // bare LF is taken; CR is a blank before LF
		"9112-3-2", "9112-3-4", "9112-3.2", "9112-3.1-2", // its targets are URLs, its words stand between blanks
		"9112-5.1-2", "9112-5.2-4", "9112-2.2-8", // whitespace before colons, folds
		"9110-5.1-2", "9110-5.5-", // names and values are its server's to check
		"9110-7.2", "9110-4.2", "9110-2.5", "9110-15.6.6", "9110-9.3.6", "9112-2.3-3", // Host, userinfo, versions
		"9110-8.6-13",                 // equal lengths are one
		"9112-6.1-16", "9112-6.3-2.3", // coding and length, and codings in 1.0, are sorted out
		"9110-10.1.1-5",                                          // unknown expectations are its server's
		"9110-6.5.1-2", "9110-5.6.4", "9112-7.1.1", "9112-7.1-5", // trailers are dropped, extensions skipped, 2^63 is a size
		"9110-15.5", "413", "414", "431", "limit", "leading", "9112-2.2-6", "too m") // other limits
}

// nethttpLoose is what ours accepts and net/http reads otherwise.
func nethttpLoose(a, b *core.Verdict) bool {
	// It wants a URL that package url parses where ours wants the grammar of RFC 9112 section 3.2.
	if names(b.Reason, "parse ", "invalid URI", "invalid URL") {
		return true
	}
	// It wants the request line first: empty lines in front are refused.
	if names(b.Reason, "malformed HTTP request \"\"") {
		return true
	}
	// A head that is refused before it is whole.
	if a.Outcome == core.More && b.Outcome == core.Reject || b.Outcome == core.More && a.Outcome == core.Reject {
		return true
	}
	// CONNECT ends HTTP for ours; Pragma becomes Cache-Control.
	for i := range a.Messages {
		if strings.HasPrefix(a.Messages[i].Head, "CONNECT ") {
			return true
		}
		for _, f := range a.Messages[i].Fields {
			if f.Name == "pragma" {
				return true
			}
		}
	}
	return false
}

func FuzzHTTP1AgainstNetHTTP(f *testing.F) {
	seed(f, core.HTTP1, core.Server, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		differential(t, &core.Input{Wire: core.HTTP1, Bytes: b}, nethttpRequests, nethttpStrict, nethttpLoose)
	})
}

// fasthttpRequests is fasthttp.Request.Read, again and again: its server without the server.
func fasthttpRequests(in *core.Input) (v core.Verdict) {
	src := bytes.NewReader(in.Bytes)
	br := bufio.NewReaderSize(src, 2*maxFuzz)
	left := func() int64 { return int64(src.Len() + br.Buffered()) }
	v.Left = int64(len(in.Bytes))
	for left() > 0 {
		var r fasthttp.Request
		if err := r.ReadLimitBody(br, 0); err != nil {
			return failed(v, brief(err))
		}
		m := core.Message{Head: fmt.Sprintf("%s %s", r.Header.Method(), r.Header.RequestURI())}
		m.Content(r.Body())
		v.Messages = append(v.Messages, m)
		v.Left = left()
		if r.Header.ConnectionClose() {
			break
		}
	}
	v.Outcome = core.Accept
	return v
}

func FuzzHTTP1AgainstFasthttp(f *testing.F) {
	seed(f, core.HTTP1, core.Server, nil)
	f.Fuzz(func(t *testing.T, in []byte) {
		differential(t, &core.Input{Wire: core.HTTP1, Bytes: in}, fasthttpRequests, func(in []byte, reason string) bool {
			return nethttpStrict(in, reason) || names(reason, "9112-6.1-11", "9112-5-2", "9112-6.3-2.5") // "identity", lines without colons, lengths
		}, func(a, b *core.Verdict) bool {
			if nethttpLoose(a, b) {
				return true
			}
			// An empty Host is none for it.
			if names(b.Reason, "missing required host") {
				return true
			}
			// It waits for a request behind empty lines.
			if a.Outcome == core.Accept && b.Outcome == core.More && len(a.Messages) == len(b.Messages) && len(bytes.Trim(in[len(in)-int(b.Left):], "\r\n")) == 0 {
				return true
			}
			// Hosts and fields are not compared: it keeps them in another form.
			if len(a.Messages) == len(b.Messages) && a.Outcome == b.Outcome {
				for i := range a.Messages {
					x, y := &a.Messages[i], &b.Messages[i]
					if x.Size != y.Size || x.Sum != y.Sum || x.Head != y.Head {
						return false
					}
				}
				return true
			}
			return false
		})
	})
}

func FuzzHPACKAgainstXNet(f *testing.F) {
	seed(f, core.HPACK, core.Reader, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		differential(t, &core.Input{Wire: core.HPACK, Bytes: b}, xnetHPACK, func(_ []byte, reason string) bool {
			return names(reason, "7541-4.2-3", "7541-4.2-4", // where and how often the table's size changes
				"7541-5.1-8", // integers of more than six octets
				"too large")  // limits on lists
		}, func(a, b *core.Verdict) bool {
			// An update behind a field is refused by x/net if it is the first octet of what comes behind one that changes the table; and
			// where both refuse or wait, which comes first is a matter of order.
			return a.Outcome != core.Accept && b.Outcome != core.Accept
		})
	})
}

func FuzzQPACKAgainstQuicGo(f *testing.F) {
	seed(f, core.QPACK, core.Reader, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		differential(t, &core.Input{Wire: core.QPACK, Bytes: b}, quicQPACK, func(_ []byte, reason string) bool {
			return names(reason, "9204-4.5.1.2-5", // a negative Base
				"too large")
		}, func(a, b *core.Verdict) bool {
			return names(b.Reason, "Base to be zero") || a.Outcome != core.Accept && b.Outcome != core.Accept
		})
	})
}

func FuzzWSAgainstGobwas(f *testing.F) {
	plain := func(c *core.Case) bool { return !c.Deflate }
	for _, r := range core.Roles(core.WS) {
		cases, err := core.Library()
		require.NoError(f, err)
		for _, c := range cases {
			if c.Wire == core.WS && c.Role == r && plain(c) && len(c.Bytes) <= maxFuzz {
				f.Add(c.Bytes, r == core.Client)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, client bool) {
		in := &core.Input{Wire: core.WS, Bytes: b}
		if client {
			in.Role = core.Client
		}
		differential(t, in, gobwasReader, func(_ []byte, reason string) bool {
			return names(reason, "6455-5.2-7", "6455-5.5-3: control frame longer", // lengths that are not minimal
				"6455-10.4-1",  // limits on fragments and pings
				"6455-7.4.1-1") // close codes above 4999
		}, func(a, b *core.Verdict) bool {
			// It knows the close codes of 2011.
			if names(b.Reason, "status code is not defined in spec", "status code is only application level") {
				return true
			}
			// A message that the end of input cuts inside of a control frame is whole for those who read it to io.EOF.
			if a.Outcome == core.More && b.Outcome == core.More && len(b.Messages) == len(a.Messages)+1 {
				return true
			}
			// It judges a frame when it is whole, and text when its message is: what ours refuses early is cut for it.
			return a.Outcome == core.Reject && b.Outcome == core.More || a.Outcome == core.More && b.Outcome == core.Reject
		})
	})
}
