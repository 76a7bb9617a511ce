package http1

import "github.com/purewire/purewire/codec"

// Clone returns a copy of ev that owns its bytes: what is to be kept beyond the next call on the decoder or beyond the
// buffer must be cloned. It allocates the Event, one array for all bytes, and one for the fields.
func (ev *Event) Clone() *Event {
	c := *ev
	n := len(ev.Method) + len(ev.Target) + len(ev.Path) + len(ev.Query) + len(ev.Authority) + len(ev.Reason) + len(ev.Data)
	for _, f := range ev.Fields {
		n += len(f.Name) + len(f.Value)
	}
	all := make([]byte, 0, n)
	own := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		at := len(all)
		all = append(all, b...)
		return all[at:len(all):len(all)]
	}
	for _, b := range []*[]byte{&c.Method, &c.Target, &c.Path, &c.Query, &c.Authority, &c.Reason, &c.Data} {
		*b = own(*b)
	}
	c.Fields = make([]codec.Field, len(ev.Fields))
	for i, f := range ev.Fields {
		c.Fields[i] = codec.Field{Name: own(f.Name), Value: own(f.Value), Sensitive: f.Sensitive}
	}
	return &c
}
