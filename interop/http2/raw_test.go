package http2_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	xnet "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/purewire/purewire/codec/http2"
)

// raw is a peer that sends and reads single frames, with the framer of x/net.
type raw struct {
	t   *testing.T
	nc  net.Conn
	fr  *xnet.Framer
	enc *hpack.Encoder
	buf bytes.Buffer
}

func newRaw(t *testing.T, nc net.Conn) *raw {
	r := &raw{t: t, nc: nc, fr: xnet.NewFramer(nc, nc)}
	r.fr.AllowIllegalWrites = true
	r.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	r.enc = hpack.NewEncoder(&r.buf)
	nc.SetDeadline(time.Now().Add(time.Minute))
	return r
}

// block encodes "name: value" lines.
func (r *raw) block(lines ...string) []byte {
	r.buf.Reset()
	for _, line := range lines {
		at := strings.Index(line[1:], ":") + 1
		r.enc.WriteField(hpack.HeaderField{Name: line[:at], Value: strings.TrimPrefix(line[at+1:], " ")})
	}
	return bytes.Clone(r.buf.Bytes())
}

func (r *raw) headers(stream uint32, end bool, lines ...string) {
	r.fr.WriteHeaders(xnet.HeadersFrameParam{StreamID: stream, BlockFragment: r.block(lines...), EndHeaders: true, EndStream: end})
}

// next reads the next frame that is not housekeeping and describes it.
func (r *raw) next() string {
	for {
		f, err := r.fr.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch f := f.(type) {
		case *xnet.SettingsFrame:
			continue
		case *xnet.WindowUpdateFrame:
			continue
		case *xnet.RSTStreamFrame:
			return fmt.Sprintf("RST_STREAM %d %s", f.StreamID, f.ErrCode)
		case *xnet.GoAwayFrame:
			return fmt.Sprintf("GOAWAY %d %s", f.LastStreamID, f.ErrCode)
		case *xnet.MetaHeadersFrame:
			s := fmt.Sprintf("HEADERS %d", f.StreamID)
			if f.StreamEnded() {
				s += " END_STREAM"
			}
			for _, x := range f.Fields {
				s += fmt.Sprintf(" %s=%s", x.Name, x.Value)
			}
			return s
		case *xnet.DataFrame:
			if f.StreamID == 7 { // the upload
				continue
			}
			s := fmt.Sprintf("DATA %d %q", f.StreamID, f.Data())
			if f.StreamEnded() {
				s += " END_STREAM"
			}
			return s
		case *xnet.PingFrame:
			return fmt.Sprintf("PING %t %q", f.IsAck(), f.Data)
		default:
			return f.Header().Type.String()
		}
	}
}

func (r *raw) expect(want ...string) {
	r.t.Helper()
	for _, w := range want {
		if got := r.next(); got != w {
			r.t.Errorf("got %q, want %q", got, w)
			return
		}
	}
}

// What servers must not do to our client, and what they may. RFC 9113 unless it says otherwise. The client has sent GET on
// streams 1 and 3, HEAD on 5, and 65535 octets of a longer POST on 7.
var clientTalks = []struct {
	name string
	talk func(r *raw)
	want string // the frame that answers; "" for none
	got  string // what the application sees of stream 1
}{
	{"a response", func(r *raw) { r.headers(1, true, ":status: 200") }, "", "200"},
	{"content and trailers", func(r *raw) {
		r.headers(1, false, ":status: 200", "content-length: 3")
		r.fr.WriteData(1, false, []byte("ab"))
		r.fr.WriteDataPadded(1, false, []byte("c"), make([]byte, 9))
		r.headers(1, true, "x: y")
	}, "", "200 abc x=y"},
	{"8.1: interim responses", func(r *raw) {
		for range 16 {
			r.headers(1, false, ":status: 103", "link: a")
		}
		r.headers(1, true, ":status: 200")
	}, "", "16*1xx 200"},
	{"too many interim responses", func(r *raw) {
		for range 17 {
			r.headers(1, false, ":status: 103")
		}
	}, "RST_STREAM 1 ENHANCE_YOUR_CALM", "16*1xx reset"},
	{"8.1-4: an interim response ends the stream", func(r *raw) { r.headers(1, true, ":status: 103") }, "RST_STREAM 1 PROTOCOL_ERROR", "reset"},
	{"8.1-9: trailers do not end the stream", func(r *raw) {
		r.headers(1, false, ":status: 200")
		r.headers(1, false, "x: y")
	}, "RST_STREAM 1 PROTOCOL_ERROR", "200 reset"},
	{"8.1-8: a pseudo-header field in trailers", func(r *raw) {
		r.headers(1, false, ":status: 200")
		r.headers(1, true, ":status: 200")
	}, "RST_STREAM 1 PROTOCOL_ERROR", "200 reset"},
	{"8.3.2-1: no :status", func(r *raw) { r.headers(1, true, "x: y") }, "RST_STREAM 1 PROTOCOL_ERROR", "reset"},
	{"8.3-3: :path in a response", func(r *raw) { r.headers(1, true, ":status: 200", ":path: /") }, "RST_STREAM 1 PROTOCOL_ERROR", "reset"},
	{"8.6: 101", func(r *raw) { r.headers(1, true, ":status: 101") }, "RST_STREAM 1 PROTOCOL_ERROR", "reset"},
	{"8.2.2-1: connection", func(r *raw) { r.headers(1, true, ":status: 200", "connection: close") }, "RST_STREAM 1 PROTOCOL_ERROR", "reset"},
	{"8.1.1-2: less content than announced", func(r *raw) {
		r.headers(1, false, ":status: 200", "content-length: 3")
		r.fr.WriteData(1, true, []byte("ab"))
	}, "RST_STREAM 1 PROTOCOL_ERROR", "200 reset"},
	{"8.1.1-2: more content than announced", func(r *raw) {
		r.headers(1, false, ":status: 200", "content-length: 3")
		r.fr.WriteData(1, false, []byte("abcd"))
	}, "RST_STREAM 1 PROTOCOL_ERROR", "200 reset"},
	{"8.1.1-2: content-length of a response to HEAD", func(r *raw) {
		r.headers(5, true, ":status: 200", "content-length: 3")
		r.headers(1, true, ":status: 304", "content-length: 3")
	}, "", "304"},
	{"content of a response to HEAD", func(r *raw) {
		r.headers(5, false, ":status: 200", "content-length: 3")
		r.fr.WriteData(5, true, []byte("abc"))
	}, "RST_STREAM 5 PROTOCOL_ERROR", ""},
	{"8.1: DATA before the response", func(r *raw) { r.fr.WriteData(1, false, []byte("a")) }, "RST_STREAM 1 PROTOCOL_ERROR", "reset"},
	{"a reset", func(r *raw) { r.fr.WriteRSTStream(1, xnet.ErrCodeCancel) }, "", "reset CANCEL"},
	{"8.7: a refusal", func(r *raw) { r.fr.WriteRSTStream(1, xnet.ErrCodeRefusedStream) }, "", "reset REFUSED_STREAM"},
	{"8.1-11: NO_ERROR behind a whole response", func(r *raw) {
		r.headers(1, true, ":status: 200")
		r.fr.WriteRSTStream(1, xnet.ErrCodeNo)
	}, "", "200"},
	{"6.8: GOAWAY below the stream", func(r *raw) { r.fr.WriteGoAway(0, xnet.ErrCodeNo, nil) }, "", "reset"},
	{"6.8: GOAWAY above the stream", func(r *raw) {
		r.fr.WriteGoAway(1, xnet.ErrCodeNo, nil)
		r.headers(1, true, ":status: 200")
	}, "", "200"},
	{"6.8-17: GOAWAY that rises", func(r *raw) {
		r.fr.WriteGoAway(1, xnet.ErrCodeNo, nil)
		r.fr.WriteGoAway(3, xnet.ErrCodeNo, nil)
	}, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"6.7-5: PING", func(r *raw) { r.fr.WritePing(false, [8]byte([]byte("abcdefgh"))) }, `PING true "abcdefgh"`, ""},
	{"6.6-9: push", func(r *raw) {
		r.fr.WritePushPromise(xnet.PushPromiseParam{StreamID: 1, PromiseID: 2, EndHeaders: true,
			BlockFragment: r.block(":method: GET", ":scheme: http", ":authority: a", ":path: /")})
	}, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"6.5.2: ENABLE_PUSH of 1", func(r *raw) { r.fr.WriteSettings(xnet.Setting{ID: xnet.SettingEnablePush, Val: 1}) }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"6.5.2: MAX_FRAME_SIZE of 0, CVE-2026-33814", func(r *raw) { r.fr.WriteSettings(xnet.Setting{ID: xnet.SettingMaxFrameSize}) }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"6.9.2-7: windows above 2^31-1", func(r *raw) {
		r.fr.WriteWindowUpdate(7, 1<<31-1) // the connection's window is used up, so nothing is sent
		r.fr.WriteSettings(xnet.Setting{ID: xnet.SettingInitialWindowSize, Val: 65536})
	}, "GOAWAY 0 FLOW_CONTROL_ERROR", ""},
	{"6.9.1-7: the connection's window above 2^31-1", func(r *raw) {
		r.fr.WriteWindowUpdate(0, 1<<31-1)
		r.fr.WriteWindowUpdate(0, 1)
	}, "GOAWAY 0 FLOW_CONTROL_ERROR", ""},
	{"6.9.1-7: a stream's window above 2^31-1", func(r *raw) { r.fr.WriteWindowUpdate(1, 1<<31-1) }, "RST_STREAM 1 FLOW_CONTROL_ERROR", "reset"},
	{"RFC 9218 7.1: PRIORITY_UPDATE from a server", func(r *raw) { r.fr.WritePriorityUpdate(1, "u=1") }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"5.1.1: HEADERS on a stream of the server's", func(r *raw) { r.headers(2, true, ":status: 200") }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"5.1: HEADERS on an idle stream", func(r *raw) { r.headers(99, true, ":status: 200") }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"5.1: RST_STREAM on an idle stream", func(r *raw) { r.fr.WriteRSTStream(99, xnet.ErrCodeCancel) }, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"6.2: a frame inside a field block", func(r *raw) {
		r.fr.WriteHeaders(xnet.HeadersFrameParam{StreamID: 1, BlockFragment: r.block(":status: 200")})
		r.fr.WritePing(false, [8]byte{})
	}, "GOAWAY 0 PROTOCOL_ERROR", ""},
	{"4.3: a block that cannot be decoded", func(r *raw) {
		r.fr.WriteHeaders(xnet.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, EndHeaders: true})
	}, "GOAWAY 0 COMPRESSION_ERROR", ""},
	{"RFC 7838, RFC 8336: ALTSVC, ORIGIN and what nobody knows", func(r *raw) {
		r.fr.WriteRawFrame(0xa, 0, 0, []byte("\x00\x08http://ah3"))
		r.fr.WriteRawFrame(0xa, 0, 1, []byte("\x00\x00h3"))
		r.fr.WriteRawFrame(0xc, 0, 0, []byte("\x00\x08http://a"))
		r.fr.WriteRawFrame(0xc, 0xff, 7, []byte("\xff"))
		r.fr.WriteRawFrame(0xee, 0xff, 99, []byte("?"))
		r.headers(1, true, ":status: 200")
	}, "", "200"},
}

func TestClientRaw(t *testing.T) {
	for _, c := range clientTalks {
		t.Run(c.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer ln.Close()
			client := dial(t, ln.Addr().String(), nil)
			nc, err := ln.Accept()
			require.NoError(t, err)
			defer nc.Close()
			r := newRaw(t, nc)
			preface := make([]byte, len(http2.ClientPreface))
			_, err = nc.Read(preface)
			require.NoError(t, err)
			require.Equal(t, http2.ClientPreface, string(preface))
			r.fr.WriteSettings()
			r.fr.WriteSettingsAck()
			a := client.send("GET", "/", nil, nil, nil)
			client.send("GET", "/", nil, nil, nil)
			client.send("HEAD", "/", nil, nil, nil)
			client.send("POST", "/", nil, patterned(100000), nil)
			r.expect("HEADERS 1 END_STREAM :method=GET :scheme=http :authority=example.com :path=/",
				"HEADERS 3 END_STREAM :method=GET :scheme=http :authority=example.com :path=/",
				"HEADERS 5 END_STREAM :method=HEAD :scheme=http :authority=example.com :path=/",
				"HEADERS 7 :method=POST :scheme=http :authority=example.com :path=/")
			c.talk(r)
			if c.want != "" {
				r.expect(c.want)
			}
			if c.got != "" {
				client.wait(t, a)
				require.Equal(t, c.got, a.text(strings.Contains(c.got, "reset ")))
			}
			if strings.HasPrefix(c.want, "GOAWAY") {
				_, err := io.Copy(io.Discard, nc)
				require.NoError(t, err, "the client closes its side, in order")
				require.NoError(t, nc.Close())
				<-client.l.gone
				return
			}
			// Everything else leaves the connection alive.
			if !strings.HasPrefix(c.want, "PING") {
				r.fr.WritePing(false, [8]byte([]byte("still on")))
				r.expect(`PING true "still on"`)
			}
		})
	}
}

func (a *answer) text(code bool) string {
	var parts []string
	if n := len(a.interim); n > 0 {
		parts = append(parts, fmt.Sprintf("%d*1xx", n))
	}
	if a.status > 0 {
		parts = append(parts, fmt.Sprint(a.status))
	}
	if len(a.body) > 0 {
		parts = append(parts, string(a.body))
	}
	for _, f := range a.trailers {
		parts = append(parts, fmt.Sprintf("%s=%s", f.Name, f.Value))
	}
	if a.reset {
		parts = append(parts, "reset")
		if code {
			parts = append(parts, a.code.String())
		}
	}
	return strings.Join(slices.Clip(parts), " ")
}
