package websocket

import (
	"sync"

	"github.com/purewire/purewire/codec/ws"
)

// pool lends the state of permessage-deflate to all connections of the process, from any goroutine.
type pool struct {
	inflaters sync.Pool
	deflaters [16]sync.Pool // by window bits
}

var deflatePool pool

func (p *pool) GetInflater() *ws.Inflater {
	if f, _ := p.inflaters.Get().(*ws.Inflater); f != nil {
		return f
	}
	return ws.NewInflater()
}

func (p *pool) PutInflater(f *ws.Inflater) { p.inflaters.Put(f) }

func (p *pool) GetDeflater(bits int) *ws.Deflater {
	if d, _ := p.deflaters[bits&15].Get().(*ws.Deflater); d != nil {
		return d
	}
	return ws.NewDeflater(bits)
}

func (p *pool) PutDeflater(d *ws.Deflater) { p.deflaters[d.Bits()&15].Put(d) }
