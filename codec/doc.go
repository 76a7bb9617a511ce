// Package codec is the contract that every purewire protocol codec keeps. It holds the few types they share; the
// rest of it is this page.
//
// # What sans-I/O means
//
// A protocol implementation usually owns a socket: it reads when it wants bytes and writes when it has some. That ties
// it to one kind of socket, one way of blocking, one clock. A sans-I/O codec owns nothing. It is a state machine with
// bytes in and events out, calls in and bytes out:
//
//	bytes from anywhere                     your decisions
//	       │                                      │
//	       ▼                                      ▼
//	┌─────────────┐      Event             ┌─────────────┐
//	│  Next(src)  │ ───────────────▶ you ─▶│  AppendX()  │
//	└─────────────┘                        └─────────────┘
//	       │  n bytes consumed                    │
//	       ▼                                      ▼
//	keep src[n:]                           bytes to anywhere
//
// The same codec therefore serves a TCP socket, decodes a capture file, runs in a simulation on a virtual clock, and is
// fuzzed at full speed.
//
// # The loop
//
// One loop drives every stream codec:
//
//	for {
//		n, err := d.Next(buf[r:w], &ev) // ev belongs to the worker, not to the connection
//		r += n
//		if err != nil {
//			out = d.AppendOwed(out, max) // what the protocol says to send before closing
//			flushAndClose(out)
//			return
//		}
//		if ev.Kind == None {
//			break // need more: keep buf[r:w], read more behind it, call again
//		}
//		handle(&ev)
//	}
//	out = d.AppendOwed(out, max) // acks, window updates, pongs, resets: owed by the protocol itself
//
// # Input
//
// Next consumes a prefix of src and reports at most one event. Kind None is "need more", not an error. The caller
// presents src[n:] again, the same bytes with more behind them. A codec keeps offsets and a scan position, never a slice
// of src, so an idle connection holds no buffer. Body-like bytes (a body, DATA, a message payload) are lent as they
// arrive; header-like units (a message head, a frame header, a control frame) wait in the caller's buffer until they are
// whole. Each codec documents the longest tail it can leave there.
//
// # Output
//
// AppendX(dst, ...) appends to dst and returns it. Large payloads go by reference: the codec appends only the framing,
// the caller sends its own slice behind it (writev). What the protocol itself owes is kept as counters and comes out of
// AppendOwed, so a flood of pings cannot grow a queue.
//
// # Events
//
// One flat struct per codec, filled through the caller's pointer: a Kind, and the fields that this kind uses. No
// interface per event, no allocation.
//
// # Errors
//
// err != nil means the codec is finished. The error is stored inside, returned by pointer without allocation, and
// returned again by every later call. Whatever can be survived is an event instead. Each package has one *Error with
// {Scope, Code, Stream, Off, Reason}: it unwraps to the typed protocol code, and Reason is a constant, unique per failing
// branch, that starts with the clause it enforces ("9112-6.3-3: ..."). End of input in the middle of a message is reported
// by Finish, not by Next.
//
// # Time, randomness, limits
//
// Time and randomness come in from outside. Codecs with timers have Advance(now) and Deadline(). Limits are plain ints in
// one struct per codec: zero is the documented default, negative is "none". They count protocol quantities, are checked
// when declared or reached (never when a buffer fills), and bound bytes and items both.
//
// # The ten laws
//
// Package codectest holds a codec to each of them.
//
//  1. split: for every cutting of the input the events (adjacent data joined), the error and its offset, and the total
//     consumed are the same.
//  2. retention: no slice of src survives a call; the unconsumed tail never exceeds the documented maximum.
//  3. linear: total work is at most k times the input at any cutting, counted in steps.
//  4. silence: no allocation in the steady state or on the error path.
//  5. lent: slices in an event are valid until the next call or until the caller touches src.
//  6. append: AppendX never reads or writes dst[:len(dst)]; on error dst and the codec are unchanged.
//  7. sticky: after the first error everything stays callable, harmless and silent except AppendOwed.
//  8. idempotent: any method at any time; what makes no sense returns a misuse error and changes nothing.
//  9. pure: no I/O, clock, randomness, goroutine, lock, logger or mutable package variable.
//  10. round trip: decode(encode(x)) = x, and encode(decode(b)) decodes equal to b.
package codec
