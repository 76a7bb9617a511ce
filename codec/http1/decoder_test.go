package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

// run feeds in to a decoder, cut into pieces of the given sizes (the last one repeats), and returns what it reported, body joined.
func run(t testing.TB, d *Decoder, in string, resume func(), eof bool, cuts ...int) string {
	t.Helper()
	var out strings.Builder
	var ev Event
	var body []byte
	flush := func() {
		if body != nil {
			fmt.Fprintf(&out, "body %q\n", body)
			body = nil
		}
	}
	src, have, total, k := []byte(in), 0, 0, 0
	feed := func() bool {
		for {
			buf := append([]byte(nil), src[total:have]...)
			n, err := d.Next(buf, &ev)
			require.LessOrEqual(t, n, len(buf))
			total += n
			if err != nil {
				flush()
				var e *Error
				require.True(t, errors.As(err, &e))
				fmt.Fprintf(&out, "error %d @%d %s\n", e.Code, e.Off, e.Reason)
				return false
			}
			if ev.Kind != Body && ev.Kind != None {
				flush()
			}
			switch ev.Kind {
			case None:
				if d.Paused() && resume != nil && total < len(src) {
					resume()
					if !d.Paused() {
						continue
					}
				}
				return true
			case Request:
				fmt.Fprintf(&out, "request %s %s %s 1.%d framing=%d len=%d ka=%v 100=%v up=%v", ev.Method, ev.Target, ev.Authority, ev.Minor, ev.Framing, ev.Length, ev.KeepAlive, ev.Expect100, ev.Upgrade)
				for _, f := range ev.Fields {
					fmt.Fprintf(&out, " %s=%q", f.Name, f.Value)
				}
				out.WriteString("\n")
			case Response, Informational:
				fmt.Fprintf(&out, "response %d %q framing=%d len=%d ka=%v\n", ev.Status, ev.Reason, ev.Framing, ev.Length, ev.KeepAlive)
			case Body:
				body = append(body, ev.Data...)
				for i := range buf {
					buf[i] = 0xAA
				}
			case End:
				fmt.Fprintf(&out, "end %d\n", len(ev.Fields))
			}
		}
	}
	alive := true
	for have < len(src) && alive {
		c := 1 << 30
		if len(cuts) > 0 {
			c = cuts[min(k, len(cuts)-1)]
			k++
		}
		have = min(len(src), have+c)
		alive = feed()
	}
	if eof && alive {
		err := d.Finish(&ev)
		flush()
		if err != nil {
			fmt.Fprintf(&out, "finish %v\n", err)
		} else if ev.Kind == End {
			out.WriteString("end at close\n")
		}
	}
	flush()
	return out.String()
}

func requests(t testing.TB, p *Profile, in string, eof bool, cuts ...int) string {
	var d Decoder
	d.InitRequest(p)
	return run(t, &d, in, d.Resume, eof, cuts...)
}

func TestDecoderEveryCut(t *testing.T) {
	cases := []struct{ in, want string }{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b?c HTTP/1.0\r\n\r\n",
			"request GET / a 1.1 framing=0 len=0 ka=true 100=false up=false Host=\"a\"\nend 0\nrequest GET /b?c  1.0 framing=0 len=0 ka=false 100=false up=false\nend 0\n"},
		{"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
			"request POST /x a 1.1 framing=1 len=5 ka=true 100=true up=false Host=\"a\" Content-Length=\"5\" Expect=\"100-continue\"\nbody \"hello\"\nend 0\n"},
		{"\r\nPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \r\nConnection: close\r\n\r\n5;a=\"b;c\" ; d\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n",
			"request POST / a 1.1 framing=2 len=-1 ka=false 100=false up=false Host=\"a\" Transfer-Encoding=\"Chunked\" Connection=\"close\"\nbody \"hello!\"\nend 1\n"},
		{"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "request CONNECT a:443 a:443 1.1 framing=0 len=0 ka=true 100=false up=false Host=\"a:443\"\nend 0\n"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "error 400 @0 " + reasons[rCodingLength].text + "\n"},
		{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "error 400 @20 " + reasons[rNameSpace].text + "\n"},
		{"GET / HTTP/1.1\r\n\r\n", "error 400 @0 " + reasons[rHostMissing].text + "\n"},
		{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "error 505 @6 " + reasons[rVersionMajor].text + "\n"},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n", "request POST / a 1.1 framing=2 len=-1 ka=true 100=false up=false Host=\"a\" Transfer-Encoding=\"chunked\"\nerror 400 @57 " + reasons[rChunkCR].text + "\n"},
	}
	for _, c := range cases {
		got := requests(t, nil, c.in, false)
		require.Equal(t, c.want, got)
		for i := 1; i < len(c.in); i++ {
			require.Equal(t, got, requests(t, nil, c.in, false, i, 1<<30), "cut at %d", i)
		}
		require.Equal(t, got, requests(t, nil, c.in, false, 1), "byte by byte")
	}
}

func TestDecoderResponses(t *testing.T) {
	var d Decoder
	d.InitResponse(nil)
	d.Expect(MethodGet, false)
	require.Equal(t, "response 103 \"Early Hints\" framing=0 len=0 ka=true\nresponse 200 \"OK\" framing=3 len=-1 ka=false\nbody \"hello\"\nend at close\n",
		run(t, &d, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello", nil, true, 3))
	d.InitResponse(nil)
	d.Expect(MethodHead, false)
	require.Equal(t, "response 200 \"\" framing=0 len=9 ka=true\nend 0\n", run(t, &d, "HTTP/1.1 200 \r\nContent-Length: 9\r\n\r\n", nil, true))
	d.InitResponse(nil)
	d.Expect(MethodGet, true)
	require.Equal(t, "response 101 \"X\" framing=4 len=-1 ka=true\nend 0\n", run(t, &d, "HTTP/1.1 101 X\r\nUpgrade: w\r\nConnection: upgrade\r\n\r\nrest", nil, true))
	require.True(t, d.Tunnel())
}

func TestDecoderSilence(t *testing.T) {
	in := []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
	bad := []byte("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
	var d Decoder
	var ev Event
	ev.Fields = append(ev.Fields, make([]codec.Field, 16)...)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		d.InitRequest(nil)
		for src := in; ; {
			n, err := d.Next(src, &ev)
			if err != nil || ev.Kind == None {
				break
			}
			src = src[n:]
		}
		d.InitRequest(nil)
		if _, err := d.Next(bad, &ev); err == nil {
			t.Fatal("accepted")
		}
	}))
}
