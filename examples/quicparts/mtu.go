package main

import (
	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// probeMTU makes a packet that searches for the path's MTU: PING, and PADDING up to the size.
func (e *endpoint) probeMTU(now codec.Time, o *outgoing, size int) ([]byte, error) {
	header, err := e.header(app, o.Number, size)
	if err != nil {
		return nil, err
	}
	o.most = size - len(header) - e.write[app].Overhead()
	if err := o.add(quic.Frame{Kind: quic.Ping}, nil); err != nil {
		return nil, err
	}
	o.payload = append(o.payload, make([]byte, o.room())...)
	o.MTUProbe = true
	o.settle = append(o.settle, func(acked bool) {
		if acked {
			e.mtu.Acked(now, size)
			e.resize(now)
		} else {
			e.mtu.Lost(now, size)
		}
	})
	e.mtu.Sent(size)
	return e.finish(now, app, o)
}

// resize tells that datagrams have another size now.
func (e *endpoint) resize(now codec.Time) {
	e.control.SetDatagramSize(now, e.mtu.Size(), false)
	e.pacer.SetDatagramSize(now, e.mtu.Size())
}
