package rpc

import (
	"net/http"
	"strings"
	"unsafe"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/grpc"
)

// Metadata holds the custom metadata of a call: names in lower case, the values of names that end in "-bin" as the bytes
// that they stand for. nil is empty, and may be read.
type Metadata map[string][]string

// Get returns the first value of a name, "" if there is none.
func (m Metadata) Get(name string) string {
	if v := m[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Add appends a value.
func (m Metadata) Add(name, value string) { m[name] = append(m[name], value) }

// addTo checks the metadata and adds it to h, names behind prefix, binary values encoded. On an error, a misuse, h is
// unchanged.
func (m Metadata) addTo(h http.Header, prefix string) error {
	var in []codec.Field
	for k, vs := range m {
		for _, v := range vs {
			in = append(in, codec.Field{Name: []byte(k), Value: []byte(v)})
		}
	}
	fields, _, err := grpc.AppendMetadata(nil, nil, in)
	if err != nil {
		return err
	}
	for _, f := range fields {
		k := prefix + http.CanonicalHeaderKey(string(f.Name))
		h[k] = append(h[k], string(f.Value))
	}
	return nil
}

// metadataOf takes the metadata out of a header or trailer section. "-bin" values that are not base64 are an error: INTERNAL.
func metadataOf(h http.Header) (Metadata, error) {
	var md Metadata
	for k, vs := range h {
		name := strings.ToLower(k)
		if grpc.IsReserved([]byte(name)) {
			continue
		}
		if md == nil {
			md = make(Metadata, len(h))
		}
		if !grpc.IsBinary([]byte(name)) {
			md[name] = append(md[name], vs...)
			continue
		}
		for _, v := range vs {
			err := grpc.BinaryValues([]byte(v), nil, func(b []byte) { md.Add(name, string(b)) })
			if err != nil {
				return nil, err
			}
		}
	}
	return md, nil
}

// checkBinary refuses what metadataOf refuses, without making metadata.
func checkBinary(h http.Header) error {
	for k, vs := range h {
		if len(k) <= 4 || !strings.EqualFold(k[len(k)-4:], "-bin") || grpc.IsReserved([]byte(strings.ToLower(k))) {
			continue
		}
		for _, v := range vs {
			if err := grpc.BinaryValues(viewOf(v), nil, func([]byte) {}); err != nil {
				return err
			}
		}
	}
	return nil
}

// viewOf returns the bytes of s without copying. They must not be written.
func viewOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// protocolFields appends the fields of h that the codec judges, under their names in lower case. They are views.
func protocolFields(fields []codec.Field, h http.Header) []codec.Field {
	for i := range protocolNames {
		n := &protocolNames[i]
		for _, v := range h[n.key] {
			fields = append(fields, codec.Field{Name: n.lower, Value: viewOf(v)})
		}
	}
	return fields
}

var protocolNames = func() (t []struct {
	key   string
	lower []byte
}) {
	for _, n := range []string{"content-type", "te", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding",
		"grpc-status", "grpc-message", "grpc-status-details-bin"} {
		t = append(t, struct {
			key   string
			lower []byte
		}{http.CanonicalHeaderKey(n), []byte(n)})
	}
	return t
}()

// statusFrom makes an error of a status on the wire; nil for OK. Details that are not base64 are left out: the status itself
// is more useful than a complaint about them.
func statusFrom(st *grpc.Status) error {
	if st.Code == grpc.OK {
		return nil
	}
	details, err := grpc.AppendDecodedBinary(nil, st.Details)
	if err != nil {
		details = nil
	}
	return &Error{Code: st.Code, Message: string(grpc.AppendDecodedText(nil, st.Message)), Details: details}
}
