package grpcproto

import "github.com/purewire/purewire/rpc"

// CallOption is something that one call has beside its messages. Its zero value changes nothing; of options that contradict each
// other the last one counts.
type CallOption struct{ before, after func(*rpc.Call) }

// Metadata sends md with the request. Several add up.
func Metadata(md rpc.Metadata) CallOption {
	return CallOption{before: func(c *rpc.Call) {
		if c.Metadata == nil {
			c.Metadata = make(rpc.Metadata, len(md))
		}
		for k, v := range md {
			c.Metadata[k] = append(c.Metadata[k], v...)
		}
	}}
}

// Encoding has request messages compressed: the name of one of rpc.Client.Encodings. Default: none.
func Encoding(name string) CallOption {
	return CallOption{before: func(c *rpc.Call) { c.Encoding = name }}
}

// JSON has messages written in protobuf's JSON mapping, under application/grpc+json.
func JSON() CallOption {
	return CallOption{before: func(c *rpc.Call) { c.Subtype = "json" }}
}

// WaitForReady has the call wait for a server that cannot be connected to, see rpc.Call.WaitForReady.
func WaitForReady() CallOption {
	return CallOption{before: func(c *rpc.Call) { c.WaitForReady = true }}
}

// MaxReceive bounds response messages in bytes, in place of rpc.Client.MaxReceive. 0: that one, negative: none.
func MaxReceive(n int64) CallOption {
	return CallOption{before: func(c *rpc.Call) { c.MaxReceive = n }}
}

// MaxSend bounds request messages in bytes before compression, in place of rpc.Client.MaxSend. 0: that one, negative: none.
func MaxSend(n int64) CallOption {
	return CallOption{before: func(c *rpc.Call) { c.MaxSend = n }}
}

// Header sets md to the metadata of the response's header section, when a unary call has ended, with an error or without. The
// Stream of a streaming call has it.
func Header(md *rpc.Metadata) CallOption {
	return CallOption{after: func(c *rpc.Call) { *md = c.Header }}
}

// Trailer is Header for the trailers.
func Trailer(md *rpc.Metadata) CallOption {
	return CallOption{after: func(c *rpc.Call) { *md = c.Trailer }}
}
