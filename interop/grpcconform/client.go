package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/purewire/purewire/client"
	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/rpc"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
)

// parallel is how many calls are under way at once.
const parallel = 8

// call makes the calls that r asks for, until it ends.
func call(r io.Reader, w io.Writer) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	turns := make(chan struct{}, parallel)
	for {
		req := new(clientRequest)
		if err := readMessage(r, req); err != nil {
			wg.Wait()
			if err == io.EOF {
				return failed
			}
			return err
		}
		turns <- struct{}{}
		wg.Go(func() {
			answer := &clientResponse{TestName: req.TestName}
			res, err := invoke(req)
			if answer.Response = res; err != nil {
				answer.Response, answer.Error = nil, &clientFailed{Text: err.Error()}
			}
			mu.Lock()
			defer mu.Unlock()
			if err := writeMessage(w, answer); err != nil && failed == nil {
				failed = err
			}
			<-turns
		})
	}
}

// transports are kept: one for each kind of server.
var transports sync.Map

func transportFor(req *clientRequest) (*client.Transport, error) {
	key := fmt.Sprint(req.Version, req.Port, string(req.ServerCert), req.ClientKey)
	if t, ok := transports.Load(key); ok {
		return t.(*client.Transport), nil
	}
	tr := &client.Transport{Proxy: client.NoProxy, Protocols: client.H2C}
	switch {
	case req.Version == http1Version:
		tr.Protocols = client.HTTP1
	case len(req.ServerCert) > 0:
		tr.Protocols = client.HTTP2
	}
	if len(req.ServerCert) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(req.ServerCert) {
			return nil, errors.New("no certificate of the server")
		}
		tr.TLS = &tls.Config{RootCAs: pool}
		if req.ClientKey != nil {
			pair, err := tls.X509KeyPair(req.ClientKey.Cert, req.ClientKey.Key)
			if err != nil {
				return nil, err
			}
			tr.TLS.Certificates = []tls.Certificate{pair}
		}
	}
	t, _ := transports.LoadOrStore(key, tr)
	return t.(*client.Transport), nil
}

func invoke(req *clientRequest) (*callResult, error) {
	tr, err := transportFor(req)
	if err != nil {
		return nil, err
	}
	scheme := "http"
	if len(req.ServerCert) > 0 {
		scheme = "https"
	}
	c := &rpc.Client{Base: scheme + "://" + net.JoinHostPort(req.Host, strconv.Itoa(int(req.Port))), Transport: tr,
		MaxReceive: int64(req.MaxSize), Encodings: encodings}
	if req.Protocol == protocolWeb {
		c.Wire = grpc.WebBinary
	}
	ctx, stop := context.WithCancel(context.Background())
	if req.TimeoutMs != nil {
		ctx, stop = context.WithTimeout(context.Background(), time.Duration(req.TimeoutMs[0])*time.Millisecond)
	}
	defer stop()
	options := &rpc.Call{Metadata: metadataOf(req.Headers), Encoding: compressions[req.Compression]}
	method := "/" + req.Service + "/" + req.Method
	if req.Kind == kindUnary {
		return unary(ctx, stop, c, method, req, options)
	}
	s, err := c.Stream(ctx, method, options)
	if err != nil {
		return &callResult{Error: errorOf(err), Unsent: int32(len(req.Messages))}, nil
	}
	return stream(s, stop, req), nil
}

func unary(ctx context.Context, stop func(), c *rpc.Client, method string, req *clientRequest, options *rpc.Call) (*callResult, error) {
	if len(req.Messages) != 1 {
		return nil, errors.New("a unary call has one message")
	}
	time.Sleep(time.Duration(req.DelayMs) * time.Millisecond)
	if k := req.Cancel; k != nil && k.AfterMs != nil {
		time.AfterFunc(time.Duration(k.AfterMs[0])*time.Millisecond, stop)
	}
	b, err := c.Unary(ctx, method, req.Messages[0].Value, options)
	res := &callResult{Headers: headersOf(options.Header), Trailers: headersOf(options.Trailer), Error: errorOf(err)}
	if err == nil {
		err = res.add(b)
	}
	if err != nil && res.Error == nil {
		return nil, err
	}
	return res, nil
}

// add takes a response.
func (res *callResult) add(b []byte) error {
	m := new(response)
	if err := unmarshal(b, m); err != nil {
		return err
	}
	if m.Payload == nil {
		m.Payload = new(payload)
	}
	res.Payloads = append(res.Payloads, m.Payload)
	return nil
}

func stream(s *rpc.ClientStream, stop func(), req *clientRequest) *callResult {
	res := new(callResult)
	k := req.Cancel
	switch {
	case k == nil:
		k = new(cancel)
	case k.BeforeClose == nil && k.AfterMs == nil && k.AfterN == 0:
		k.AfterMs = []uint32{0} // at once
	}
	var end error
	recv := func() bool {
		var b []byte
		if b, end = s.Recv(); end == nil {
			end = res.add(b)
		}
		if end == nil && k.AfterN > 0 && len(res.Payloads) == int(k.AfterN) {
			stop()
		}
		return end == nil
	}
	for i, m := range req.Messages {
		time.Sleep(time.Duration(req.DelayMs) * time.Millisecond)
		if s.Send(m.Value) != nil {
			res.Unsent = int32(len(req.Messages) - i)
			break
		}
		if req.Kind == kindFullDuplex && !recv() {
			res.Unsent = int32(len(req.Messages) - i - 1)
			break
		}
	}
	if k.BeforeClose != nil {
		stop()
	} else if end == nil {
		_ = s.CloseSend()
		if k.AfterMs != nil {
			time.Sleep(time.Duration(k.AfterMs[0]) * time.Millisecond)
			stop()
		}
	}
	if req.Kind == kindClientStream && end == nil {
		var b []byte
		if b, end = s.CloseAndRecv(); end == nil {
			if end = res.add(b); end == nil {
				end = io.EOF
			}
		}
	}
	for end == nil && recv() {
	}
	md, _ := s.Header()
	res.Headers, res.Trailers = headersOf(md), headersOf(s.Trailer())
	if end != io.EOF {
		res.Error = errorOf(end)
	}
	return res
}

// errorOf says how a call ended.
func errorOf(err error) *callError {
	st := rpc.StatusOf(err)
	if st == nil {
		return nil
	}
	code := int32(st.Code)
	e := &callError{Code: &code, Message: &st.Message}
	full := new(spb.Status)
	if proto.Unmarshal(st.Details, full) == nil {
		e.Details = full.Details
	}
	return e
}
