package main

import (
	"encoding/binary"
	"io"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/anypb"
)

// The messages of connectrpc.conformance.v1, as far as they are used here: what protobuf needs to know of them stands in the tags.
// The members of a oneof are plain fields, which is the same on the wire; so is an optional number as a list where it is only read.
// Without proto3 in its tags a message has pointers to tell what is absent.

const pkg = "connectrpc.conformance.v1."

// message has what every one of them needs. They are only ever decoded into fresh values.
type message struct{}

func (*message) Reset()         {}
func (*message) String() string { return "" }
func (*message) ProtoMessage()  {}

type header struct {
	message
	Name  string   `protobuf:"bytes,1,opt,name=name,proto3"`
	Value []string `protobuf:"bytes,2,rep,name=value,proto3"`
}

type callError struct {
	message
	Code    *int32       `protobuf:"varint,1,opt,name=code"`
	Message *string      `protobuf:"bytes,2,opt,name=message"`
	Details []*anypb.Any `protobuf:"bytes,3,rep,name=details"`
}

type unaryDefinition struct {
	message
	Headers  []*header  `protobuf:"bytes,1,rep,name=response_headers,proto3"`
	Data     []byte     `protobuf:"bytes,2,opt,name=response_data,proto3"`
	Error    *callError `protobuf:"bytes,3,opt,name=error,proto3"`
	Trailers []*header  `protobuf:"bytes,4,rep,name=response_trailers,proto3"`
	DelayMs  uint32     `protobuf:"varint,6,opt,name=response_delay_ms,proto3"`
}

type streamDefinition struct {
	message
	Headers  []*header  `protobuf:"bytes,1,rep,name=response_headers,proto3"`
	Data     [][]byte   `protobuf:"bytes,2,rep,name=response_data,proto3"`
	DelayMs  uint32     `protobuf:"varint,3,opt,name=response_delay_ms,proto3"`
	Error    *callError `protobuf:"bytes,4,opt,name=error,proto3"`
	Trailers []*header  `protobuf:"bytes,5,rep,name=response_trailers,proto3"`
}

// unaryRequest is ClientStreamRequest as well.
type unaryRequest struct {
	message
	Definition *unaryDefinition `protobuf:"bytes,1,opt,name=response_definition,proto3"`
}

type streamRequest struct {
	message
	Definition *streamDefinition `protobuf:"bytes,1,opt,name=response_definition,proto3"`
	FullDuplex bool              `protobuf:"varint,2,opt,name=full_duplex,proto3"` // in BidiStreamRequest; else request_data
}

type serverStreamRequest struct {
	message
	Definition *streamDefinition `protobuf:"bytes,1,opt,name=response_definition,proto3"`
}

// response is that of every method.
type response struct {
	message
	Payload *payload `protobuf:"bytes,1,opt,name=payload,proto3"`
}

type payload struct {
	message
	Data []byte       `protobuf:"bytes,1,opt,name=data,proto3"`
	Info *requestInfo `protobuf:"bytes,2,opt,name=request_info,proto3"`
}

type requestInfo struct {
	message
	Headers   []*header    `protobuf:"bytes,1,rep,name=request_headers"`
	TimeoutMs *int64       `protobuf:"varint,2,opt,name=timeout_ms"`
	Requests  []*anypb.Any `protobuf:"bytes,3,rep,name=requests"`
}

type creds struct {
	message
	Cert []byte `protobuf:"bytes,1,opt,name=cert,proto3"`
	Key  []byte `protobuf:"bytes,2,opt,name=key,proto3"`
}

type serverRequest struct {
	message
	Protocol  int32  `protobuf:"varint,1,opt,name=protocol,proto3"`
	Version   int32  `protobuf:"varint,2,opt,name=http_version,proto3"`
	TLS       bool   `protobuf:"varint,4,opt,name=use_tls,proto3"`
	ClientCA  []byte `protobuf:"bytes,5,opt,name=client_tls_cert,proto3"`
	MaxSize   uint32 `protobuf:"varint,6,opt,name=message_receive_limit,proto3"`
	ServerKey *creds `protobuf:"bytes,7,opt,name=server_creds,proto3"`
}

type serverResponse struct {
	message
	Host string `protobuf:"bytes,1,opt,name=host,proto3"`
	Port uint32 `protobuf:"varint,2,opt,name=port,proto3"`
	Cert []byte `protobuf:"bytes,3,opt,name=pem_cert,proto3"`
}

type cancel struct {
	message
	BeforeClose *empty   `protobuf:"bytes,1,opt,name=before_close_send,proto3"`
	AfterMs     []uint32 `protobuf:"varint,2,rep,name=after_close_send_ms,proto3"`
	AfterN      uint32   `protobuf:"varint,3,opt,name=after_num_responses,proto3"`
}

type empty struct{ message }

type clientRequest struct {
	message
	TestName    string       `protobuf:"bytes,1,opt,name=test_name,proto3"`
	Version     int32        `protobuf:"varint,2,opt,name=http_version,proto3"`
	Protocol    int32        `protobuf:"varint,3,opt,name=protocol,proto3"`
	Compression int32        `protobuf:"varint,5,opt,name=compression,proto3"`
	Host        string       `protobuf:"bytes,6,opt,name=host,proto3"`
	Port        uint32       `protobuf:"varint,7,opt,name=port,proto3"`
	ServerCert  []byte       `protobuf:"bytes,8,opt,name=server_tls_cert,proto3"`
	ClientKey   *creds       `protobuf:"bytes,9,opt,name=client_tls_creds,proto3"`
	MaxSize     uint32       `protobuf:"varint,10,opt,name=message_receive_limit,proto3"`
	Service     string       `protobuf:"bytes,11,opt,name=service,proto3"`
	Method      string       `protobuf:"bytes,12,opt,name=method,proto3"`
	Kind        int32        `protobuf:"varint,13,opt,name=stream_type,proto3"`
	Headers     []*header    `protobuf:"bytes,15,rep,name=request_headers,proto3"`
	Messages    []*anypb.Any `protobuf:"bytes,16,rep,name=request_messages,proto3"`
	TimeoutMs   []uint32     `protobuf:"varint,17,rep,name=timeout_ms,proto3"`
	DelayMs     uint32       `protobuf:"varint,18,opt,name=request_delay_ms,proto3"`
	Cancel      *cancel      `protobuf:"bytes,19,opt,name=cancel,proto3"`
}

type clientResponse struct {
	message
	TestName string        `protobuf:"bytes,1,opt,name=test_name,proto3"`
	Response *callResult   `protobuf:"bytes,2,opt,name=response,proto3"`
	Error    *clientFailed `protobuf:"bytes,3,opt,name=error,proto3"`
}

type callResult struct {
	message
	Headers  []*header  `protobuf:"bytes,1,rep,name=response_headers,proto3"`
	Payloads []*payload `protobuf:"bytes,2,rep,name=payloads,proto3"`
	Error    *callError `protobuf:"bytes,3,opt,name=error,proto3"`
	Trailers []*header  `protobuf:"bytes,4,rep,name=response_trailers,proto3"`
	Unsent   int32      `protobuf:"varint,5,opt,name=num_unsent_requests,proto3"`
}

type clientFailed struct {
	message
	Text string `protobuf:"bytes,1,opt,name=message,proto3"`
}

// The numbers of the enumerations that are used.
const (
	protocolWeb = 3

	http1Version = 1

	kindUnary        = 1
	kindClientStream = 2
	kindFullDuplex   = 5
)

// compressions are the names of Compression's numbers.
var compressions = []string{1: "", 2: "gzip", 4: "zstd", 5: "deflate", 6: "snappy"}

func marshal(m protoadapt.MessageV1) ([]byte, error) { return proto.Marshal(protoadapt.MessageV2Of(m)) }

func unmarshal(b []byte, m protoadapt.MessageV1) error {
	return proto.Unmarshal(b, protoadapt.MessageV2Of(m))
}

// anyOf wraps a message as it came.
func anyOf(name string, b []byte) *anypb.Any {
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + pkg + name, Value: append([]byte(nil), b...)}
}

// readMessage reads one of the runner's messages: "size-delimited", four bytes big-endian.
func readMessage(r io.Reader, m protoadapt.MessageV1) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	return unmarshal(b, m)
}

func writeMessage(w io.Writer, m protoadapt.MessageV1) error {
	b, err := marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}
