package stream

import (
	"time"

	"github.com/purewire/purewire/codec"
)

// Budget counts frames that are legal and change nothing, such as repeated DATA_BLOCKED (RFC 9000 section 21.9). It is full at first;
// Spend takes one, Progress fills it, and so does time, slowly: a peer that asks now and then, however long, never empties it.
type Budget struct {
	spent int
	since codec.Time
}

const (
	// budgetSize is how many fruitless frames a Budget allows at once.
	budgetSize = 256
	// budgetRefill is the time after which one more is allowed.
	budgetRefill = 100 * time.Millisecond
)

// Spend counts one fruitless frame. ok is false if there were too many. With now Never the clock refills nothing.
func (b *Budget) Spend(now codec.Time) (ok bool) {
	if b.spent == 0 || b.since == codec.Never {
		b.since = now
	}
	if n := int64(now.Sub(b.since) / budgetRefill); b.since != codec.Never && n > 0 {
		n = min(n, int64(b.spent))
		b.spent -= int(n)
		b.since = b.since.Add(time.Duration(n) * budgetRefill)
		if b.spent == 0 {
			b.since = now
		}
	}
	if b.spent >= budgetSize {
		return false
	}
	b.spent++
	return true
}

// Progress fills the budget: something useful has happened.
func (b *Budget) Progress() { b.spent = 0 }
