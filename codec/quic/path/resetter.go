package path

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// Resetter decides which packets that belong to no connection are answered with a stateless reset (RFC 9000 section 10.3). One serves an endpoint, or one range
// of remote addresses (9000-10.3.3-3). The zero value answers none.
type Resetter struct {
	rate  int
	left  int
	since codec.Time
	idLen int
}

// Init makes r ready: at most rate resets in a second. idLen is the length of the connection IDs that this endpoint issues: packets that cannot
// hold one are not answered.
func (r *Resetter) Init(now codec.Time, rate, idLen int) {
	*r = Resetter{rate: rate, left: rate, since: now, idLen: idLen}
}

// shortReset is the length in bytes of the resets that answer longer datagrams: one that an observer cannot tell from other packets (9000-10.3.3-4).
const shortReset = 42

// Append appends a stateless reset to dst that answers a datagram, with a token made from the connection ID in the datagram and noise, 26
// unpredictable bytes. If the datagram is not to be answered, dst is returned as it was, and sent is false: one with a long header (9000-10.3-16 allows to
// answer it, to no use), one that is too short for a reset that is shorter than itself, or too many.
func (r *Resetter) Append(dst []byte, now codec.Time, datagram, noise []byte, token *quic.ResetToken) (out []byte, sent bool) {
	if len(datagram) < 1+r.idLen || datagram[0]&0x80 != 0 {
		return dst, false
	}
	if d := now.Sub(r.since); d >= time.Second || d < 0 {
		r.left, r.since = r.rate, now
	}
	if r.left <= 0 {
		return dst, false
	}
	// 9000-10.3.3-2: "An endpoint MUST ensure that every Stateless Reset that it sends is smaller than the packet that triggered it".
	// 10.3-11 recommends one byte less for datagrams of 43 bytes and below; here the answer to those is as short as it can be, so
	// that two ends without state stop after the second reset and not after the twenty-third.
	size := shortReset
	if len(datagram) <= shortReset+1 {
		size = quic.MinResetLen
	}
	out = quic.AppendStatelessReset(dst, len(datagram), noise[:min(len(noise), size-quic.ResetTokenLen)], token)
	if len(out) == len(dst) {
		return dst, false
	}
	r.left--
	return out, true
}
