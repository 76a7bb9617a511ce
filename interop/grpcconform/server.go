package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/drivers"
	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/stdnet"
	"github.com/purewire/purewire/drivers/tlswrap"
	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// serve does what the one request on r asks for, until the program is ended.
func serve(driver string, r io.Reader, w io.Writer) error {
	req := new(serverRequest)
	if err := readMessage(r, req); err != nil {
		return err
	}
	// FirstByte and Idle: the suite's clients keep connections for later, and a request on one that is just being closed fails with
	// HTTP/1.1 whoever the server is.
	cfg := server.Config{Handler: service(int64(req.MaxSize)),
		Deadlines: server.Deadlines{FirstByte: -1, Idle: -1, BodyIdle: -1, BodyMinRate: -1, Handler: -1, Request: -1}}
	var svc drivers.Service
	svc, err := server.New(cfg)
	if err != nil {
		return err
	}
	answer := &serverResponse{Host: "127.0.0.1"}
	if req.TLS {
		tc, err := tlsConfig(req)
		if err != nil {
			return err
		}
		if svc, err = tlswrap.New(svc, tc, tlswrap.Options{}); err != nil {
			return err
		}
		answer.Cert = req.ServerKey.Cert
	}
	failed := make(chan error, 1)
	addr, err := start(driver, svc, failed)
	if err != nil {
		return err
	}
	answer.Port = uint32(addr.(*net.TCPAddr).Port)
	if err := writeMessage(w, answer); err != nil {
		return err
	}
	return <-failed
}

// start serves svc on a driver, at a free port of the loopback.
func start(driver string, svc drivers.Service, failed chan<- error) (net.Addr, error) {
	switch driver {
	case "stdnet":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		go func() { failed <- stdnet.New(svc, stdnet.Config{}).Serve(l) }()
		return l.Addr(), nil
	case "reactor":
		re, err := reactor.New(svc, reactor.Config{})
		if err != nil {
			return nil, err
		}
		if err := re.Listen("tcp", "127.0.0.1:0", listen.Config{}); err != nil {
			return nil, err
		}
		if err := re.Start(); err != nil {
			return nil, err
		}
		return re.Addrs()[0], nil
	}
	return nil, errors.New("no such driver: " + driver)
}

func tlsConfig(req *serverRequest) (*tls.Config, error) {
	if req.ServerKey == nil {
		return nil, errors.New("TLS without a key")
	}
	pair, err := tls.X509KeyPair(req.ServerKey.Cert, req.ServerKey.Key)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if len(req.ClientCA) > 0 {
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(req.ClientCA) {
			return nil, errors.New("no certificate for clients")
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// service is connectrpc.conformance.v1.ConformanceService. Its method Unimplemented is what it says.
func service(max int64) *rpc.Server {
	s := rpc.NewServer(rpc.ServerConfig{MaxReceive: max, Encodings: encodings})
	const base = "/" + pkg + "ConformanceService/"
	s.Unary(base+"Unary", func(ctx context.Context, req []byte) ([]byte, error) {
		m := new(unaryRequest)
		if err := unmarshal(req, m); err != nil {
			return nil, rpc.Errorf(grpc.InvalidArgument, "%v", err)
		}
		return one(rpc.StreamOf(ctx), m.Definition, []*anypb.Any{anyOf("UnaryRequest", req)})
	})
	s.ClientStream(base+"ClientStream", func(st *rpc.Stream) ([]byte, error) {
		var reqs []*anypb.Any
		var def *unaryDefinition
		for {
			b, err := st.Recv()
			if err == io.EOF {
				return one(st, def, reqs)
			}
			if err != nil {
				return nil, err
			}
			if reqs = append(reqs, anyOf("ClientStreamRequest", b)); len(reqs) == 1 {
				m := new(unaryRequest)
				if err := unmarshal(b, m); err != nil {
					return nil, rpc.Errorf(grpc.InvalidArgument, "%v", err)
				}
				def = m.Definition
			}
		}
	})
	s.ServerStream(base+"ServerStream", func(req []byte, st *rpc.Stream) error {
		m := new(serverStreamRequest)
		if err := unmarshal(req, m); err != nil {
			return rpc.Errorf(grpc.InvalidArgument, "%v", err)
		}
		a := &answers{st: st, def: m.Definition, reqs: []*anypb.Any{anyOf("ServerStreamRequest", req)}}
		if err := a.begin(true); err != nil {
			return err
		}
		return a.finish()
	})
	s.Bidi(base+"BidiStream", bidi)
	return s
}

// one makes the single response of a call.
func one(st *rpc.Stream, def *unaryDefinition, reqs []*anypb.Any) ([]byte, error) {
	p := &payload{Info: infoOf(st, reqs)}
	if def != nil {
		if err := st.SetHeader(metadataOf(def.Headers)); err != nil {
			return nil, err
		}
		if err := st.SetTrailer(metadataOf(def.Trailers)); err != nil {
			return nil, err
		}
		if err := pause(st.Context(), def.DelayMs); err != nil {
			return nil, err
		}
		if def.Error != nil {
			return nil, statusOf(def.Error, p.Info)
		}
		p.Data = def.Data
	}
	return marshal(&response{Payload: p})
}

// answers are the responses of a stream.
type answers struct {
	st   *rpc.Stream
	def  *streamDefinition
	reqs []*anypb.Any // not yet repeated
	sent int
}

// begin sets the metadata, and sends it.
func (a *answers) begin(send bool) error {
	if a.def == nil {
		return nil
	}
	if err := a.st.SetHeader(metadataOf(a.def.Headers)); err != nil {
		return err
	}
	if err := a.st.SetTrailer(metadataOf(a.def.Trailers)); err != nil || !send {
		return err
	}
	return a.st.SendHeader()
}

// next sends a response. The first one has all that is known of the request.
func (a *answers) next() error {
	p := &payload{Data: a.def.Data[a.sent]}
	if a.sent == 0 {
		p.Info = infoOf(a.st, a.reqs)
	} else if len(a.reqs) > 0 {
		p.Info = &requestInfo{Requests: a.reqs}
	}
	a.reqs = nil
	if err := pause(a.st.Context(), a.def.DelayMs); err != nil {
		return err
	}
	b, err := marshal(&response{Payload: p})
	if err != nil {
		return err
	}
	a.sent++
	return a.st.Send(b)
}

// left reports whether there is a response to be sent.
func (a *answers) left() bool { return a.def != nil && a.sent < len(a.def.Data) }

// finish sends the rest, and the status.
func (a *answers) finish() error {
	for a.left() {
		if err := a.next(); err != nil {
			return err
		}
	}
	if a.def == nil || a.def.Error == nil {
		return nil
	}
	var info *requestInfo
	if a.sent == 0 {
		info = infoOf(a.st, a.reqs)
	}
	return statusOf(a.def.Error, info)
}

func bidi(st *rpc.Stream) error {
	a := &answers{st: st}
	full := false
	for first := true; ; first = false {
		b, err := st.Recv()
		if err == io.EOF {
			return a.finish()
		}
		if err != nil {
			return err
		}
		a.reqs = append(a.reqs, anyOf("BidiStreamRequest", b))
		if first {
			m := new(streamRequest)
			if err := unmarshal(b, m); err != nil {
				return rpc.Errorf(grpc.InvalidArgument, "%v", err)
			}
			a.def, full = m.Definition, m.FullDuplex
			if err := a.begin(full); err != nil {
				return err
			}
		}
		if full {
			if !a.left() {
				return a.finish()
			}
			if err := a.next(); err != nil {
				return err
			}
		}
	}
}

// infoOf tells what was seen of a request.
func infoOf(st *rpc.Stream, reqs []*anypb.Any) *requestInfo {
	i := &requestInfo{Headers: headersOf(st.Metadata()), Requests: reqs}
	if by, ok := st.Context().Deadline(); ok {
		ms := max(time.Until(by).Milliseconds(), 0)
		i.TimeoutMs = &ms
	}
	return i
}

// statusOf is the error that a definition asks for; info goes into its details.
func statusOf(e *callError, info *requestInfo) error {
	st := &spb.Status{Details: e.Details}
	if e.Code != nil {
		st.Code = *e.Code
	}
	if e.Message != nil {
		st.Message = *e.Message
	}
	if info != nil {
		b, err := marshal(info)
		if err != nil {
			return err
		}
		st.Details = append(st.Details, anyOf("ConformancePayload.RequestInfo", b))
	}
	err := &rpc.Error{Code: grpc.Code(st.Code), Message: st.Message}
	if len(st.Details) > 0 {
		b, bad := proto.Marshal(st)
		if bad != nil {
			return bad
		}
		err.Details = b
	}
	return err
}

func pause(ctx context.Context, ms uint32) error {
	if ms == 0 {
		return nil
	}
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
