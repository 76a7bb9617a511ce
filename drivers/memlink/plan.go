package memlink

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind says what a Fault does. Split, Delay and Stall are what every connection may do to its users: correct programs give the same results.
// The others are errors: Timeout, Interrupt, Again and Short pass, Reset and End stay.
type Kind uint8

const (
	// Split: no single call moves octets on both sides of At. A Read returns fewer than it could; a Write goes on in a second piece, unknown
	// to its caller.
	Split Kind = iota + 1
	// Delay: the octet at At waits for Fault.Delay, once. Deadlines and Close end the wait.
	Delay
	// Stall: no octet passes any more. Only deadlines and Close end the wait.
	Stall
	// Timeout: the call fails once with os.ErrDeadlineExceeded, whatever deadline is set. A Write returns how much went before.
	Timeout
	// Interrupt: the call fails once with EINTR, as a system call under a signal.
	Interrupt
	// Again: the call fails once with EAGAIN, as on a descriptor that does not block. Its Timeout method says true.
	Again
	// Short: a Write returns how much went before and no error, against io.Writer's rule. A Read returns as with Split.
	Short
	// Reset: both ends fail with ECONNRESET from now on. The octets before At still reach the peer.
	Reset
	// End: a Read returns io.EOF from now on, as if the peer had finished. A Write finishes this end's direction and fails with EPIPE.
	End
)

var kindNames = [...]string{"?", "Split", "Delay", "Stall", "Timeout", "Interrupt", "Again", "Short", "Reset", "End"}

// String returns the constant's name.
func (k Kind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Fault is one thing that goes wrong in one direction.
type Fault struct {
	// At is how many octets of the direction pass before. 0 or less: at the first call.
	At int64
	// Kind says what goes wrong.
	Kind Kind
	// Delay is for the Kind of that name. 0 or less: none.
	Delay time.Duration
}

// String returns what and where.
func (f Fault) String() string {
	if f.Kind == Delay {
		return fmt.Sprintf("Delay(%v)@%d", f.Delay, f.At)
	}
	return fmt.Sprintf("%v@%d", f.Kind, f.At)
}

// Plan says what goes wrong at one end of a connection, as seen by who holds that end. The zero value: nothing. A Plan can be used for any
// number of connections.
type Plan struct {
	// ReadMax and WriteMax are how many octets one call moves at most; Writes go on in further pieces. 0 or less: no limit.
	ReadMax, WriteMax int
	// Read and Write are the faults of the directions, in any order. Those at the same octet happen one after the other, as they are listed.
	Read, Write []Fault
	// OnFault, if not nil, is told of each fault when it happens; Split and Short of a Read are not told. Any goroutine calls it.
	OnFault func(write bool, f Fault)
}

// IsZero reports whether nothing goes wrong.
func (p Plan) IsZero() bool {
	return p.ReadMax <= 0 && p.WriteMax <= 0 && len(p.Read) == 0 && len(p.Write) == 0
}

// String lists the plan.
func (p Plan) String() string {
	return fmt.Sprintf("read max %d %v, write max %d %v", p.ReadMax, p.Read, p.WriteMax, p.Write)
}

// Random returns a plan drawn from seed: the same for the same arguments. Calls move few octets (a limit from 1 to 64, half of the time 1 to 4), and for each
// of kinds there is one fault in one of the directions, at an octet from 0 to span; a Delay takes up to a second.
func Random(seed uint64, span int64, kinds ...Kind) Plan {
	r := rand.New(rand.NewPCG(seed, 0x6d656d6c696e6b))
	limit := func() int {
		if r.IntN(2) == 0 {
			return 1 + r.IntN(4)
		}
		return 1 + r.IntN(64)
	}
	p := Plan{ReadMax: limit(), WriteMax: limit()}
	for _, k := range kinds {
		f := Fault{At: r.Int64N(max(span, 0) + 1), Kind: k}
		if k == Delay {
			f.Delay = time.Duration(1 + r.Int64N(int64(time.Second)))
		}
		if r.IntN(2) == 0 {
			p.Read = append(p.Read, f)
		} else {
			p.Write = append(p.Write, f)
		}
	}
	return p
}

// sorted returns a copy of fs in the order in which they happen.
func sorted(fs []Fault) []Fault {
	fs = slices.Clone(fs)
	slices.SortStableFunc(fs, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	return fs
}
