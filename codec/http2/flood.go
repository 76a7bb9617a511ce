package http2

import "github.com/purewire/purewire/codec"

// flood holds the budgets for what is legal and fruitless (RFC 9113 section 10.5: an endpoint MAY treat activity that is
// suspicious as a connection error of type ENHANCE_YOUR_CALM).
type flood struct {
	resets int64 // eighths of a stream that may still end early
	fruit  int64 // units that may still be spent, see Limits.Fruitless

	empty int64 // DATA frames without data that may still come

	resetsAt, fruitAt, emptyAt codec.Time // when they were refilled
}

// earned is what a message or a DATA frame with data brings back to the budget of fruitless frames.
const earned = 16

// work tells that something useful happened.
func (f *flood) work(p *Profile) { f.fruit = min(f.fruit+earned, p.fruitless) }

// completed tells that a stream ended normally: it pays for an eighth of one that does not.
func (f *flood) completed(p *Profile) {
	f.resets = min(f.resets+1, 8*p.resets)
	f.work(p)
}

// refill brings back what the time allows.
func (f *flood) refill(p *Profile, now codec.Time) {
	refill(&f.resets, 8*p.resets, 8*p.resetRate, &f.resetsAt, now)
	refill(&f.fruit, p.fruitless, p.fruitless/10, &f.fruitAt, now)
	refill(&f.empty, p.fruitless/100, p.fruitless/1000, &f.emptyAt, now)
}

// refill adds rate a second to left, up to limit, for the whole units since last.
func refill(left *int64, limit, rate int64, last *codec.Time, now codec.Time) {
	if *last == codec.Never || now < *last {
		*last = now
		return
	}
	units := float64(now.Sub(*last)) * float64(rate) / 1e9
	if units < 1 {
		return
	}
	if units >= float64(limit-*left) {
		*left, *last = limit, now
		return
	}
	*left += int64(units)
	*last += codec.Time(float64(int64(units)) * 1e9 / float64(rate))
}

// spend takes units for a frame that brings nothing.
func (c *Conn) spend(units int64, id uint32) bool {
	if c.flood.fruit -= units; c.flood.fruit >= 0 {
		return true
	}
	c.fail(fFruitless, id)
	return false
}

// spendEmpty takes one DATA frame without data. One with data brings one back.
func (c *Conn) spendEmpty(id uint32) bool {
	if c.flood.empty--; c.flood.empty >= 0 {
		return true
	}
	c.fail(fEmptyData, id)
	return false
}

// spendReset takes one stream that ends early. It makes no difference who resets it: the peer, or we because of what the
// peer did.
func (c *Conn) spendReset(f Fault, id uint32) bool {
	if c.flood.resets -= 8; c.flood.resets >= 0 {
		return true
	}
	c.fail(f, id)
	return false
}
