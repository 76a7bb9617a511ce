package h3

import "github.com/purewire/purewire/codec"

// flood holds the budgets for what is legal and fruitless.
//
// RFC 9114 section 10.5-7: implementations SHOULD track the use of these features and set limits on their use. An endpoint MAY treat
// activity that is suspicious as a connection error of type H3_EXCESSIVE_LOAD.
type flood struct {
	resets int64 // eighths of a stream that may still end early
	fruit  int64 // units that may still be spent, see Limits.Fruitless
	empty  int64 // DATA frames without data that may still come

	at codec.Time // when they were refilled
}

// earned is what a message or a DATA frame with data brings back to the budget of what is fruitless.
const earned = 16

// skipUnit is how many octets of something unknown cost one unit.
const skipUnit = 4096

// chunk returns how many octets of left are skipped until the next unit is due.
func chunk(left uint64) uint64 { return (left-1)%skipUnit + 1 }

// work tells that something useful happened.
func (f *flood) work(p *Profile) { f.fruit = min(f.fruit+earned, p.fruitless) }

// completed tells that a stream ended normally: it pays for an eighth of one that does not.
func (f *flood) completed(p *Profile) {
	f.resets = min(f.resets+1, 8*p.resets)
	f.work(p)
}

// refillEvery is how much time must pass before the budgets are refilled, in nanoseconds.
const refillEvery = 1e8

// refill brings back what the time allows, in tenths of a second.
func (f *flood) refill(p *Profile, now codec.Time) {
	if f.at == codec.Never || now < f.at {
		f.at = now
		return
	}
	tenths := int64(now.Sub(f.at)) / refillEvery
	if tenths == 0 {
		return
	}
	f.at += codec.Time(tenths * refillEvery)
	tenths = min(tenths, 1000)
	f.resets = min(f.resets+8*p.resetRate*tenths/10, 8*p.resets)
	f.fruit = min(f.fruit+p.fruitless*tenths/100, p.fruitless)
	f.empty = min(f.empty+p.fruitless*tenths/10000, p.fruitless/100)
}

// spend takes units for something that brings nothing.
func (c *Conn) spend(units int64, id uint64) bool {
	if c.flood.fruit -= units; c.flood.fruit >= 0 {
		return true
	}
	c.fail(fFruitless, id, c.offset(id))
	return false
}

// spendEmpty takes one DATA frame without data. One with data brings one back.
func (c *Conn) spendEmpty(id uint64) bool {
	if c.flood.empty--; c.flood.empty >= 0 {
		return true
	}
	c.fail(fEmptyData, id, c.offset(id))
	return false
}

// spendReset takes one stream that ends early. It makes no difference who resets it: the peer, or we because of what the
// peer did.
func (c *Conn) spendReset(f Fault, id uint64) bool {
	if c.flood.resets -= 8; c.flood.resets >= 0 {
		return true
	}
	c.fail(f, id, c.offset(id))
	return false
}

// offset returns how far a stream was read, -1 for one that is not open.
func (c *Conn) offset(id uint64) int64 {
	if slot := c.tab.find(id); slot >= 0 {
		return c.tab.slots[slot].off
	}
	return -1
}
