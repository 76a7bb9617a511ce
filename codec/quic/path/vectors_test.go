package path

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/codec/quic"
)

// The small machines of a connection's end and its paths, as scripts: corpus/quic/vectors/path. Times are milliseconds, a word pto= is the probe
// timeout, 100 if it is not there.
func TestVectors(t *testing.T) {
	sum := codectest.RunVectors(t, "../../../corpus/quic/vectors/path", func() map[string]codectest.VectorOp {
		ops := map[string]codectest.VectorOp{}
		var ids RemoteIDs
		endVectors(ops)
		mtuVectors(ops)
		localVectors(ops)
		remoteVectors(ops, &ids)
		validationVectors(ops)
		pathVectors(ops, &ids)
		tokenVectors(ops)
		resetterVectors(ops)
		return ops
	})
	for r := ok + 1; r < numReasons; r++ {
		if !sum.Has(reasons[r].text) {
			t.Errorf("no vector is refused with %q", reasons[r].text)
		}
	}
}

const vectorMS = codec.Time(time.Millisecond)

func vectorTime(a *codectest.Args) codec.Time { return codec.Time(a.Int()) * vectorMS }

func vectorPTO(a *codectest.Args) time.Duration {
	if a.Has("pto") {
		return time.Duration(a.NamedInt("pto")) * time.Millisecond
	}
	return 100 * time.Millisecond
}

func vectorDeadline(d codec.Time) string {
	if d == codec.Never {
		return "never"
	}
	return fmt.Sprint(int64(d / vectorMS))
}

func vectorError(err error) string {
	var e *quic.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return "an unknown error " + err.Error()
	case e.Scope == codec.ScopeMisuse:
		return "misuse " + e.Reason
	case e.Scope == 0:
		return "drop " + e.Reason
	}
	return fmt.Sprintf("%v in frame %02x %s", e.Code, e.Frame, e.Reason)
}
