package keyphase

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
)

// drive makes arbitrary calls, of a peer that does as it likes and an owner that does not ask first, and checks what always holds.
func drive(t testing.TB, script []byte) {
	next := func() (v int) {
		if len(script) > 0 {
			v, script = int(script[0]), script[1:]
		}
		return v
	}
	s := newState(t, Config{Confidentiality: 20, Integrity: 5, UpdateAfter: 10})
	now := t0
	number, sent, failed := int64(0), 0, 0
	accepted := map[uint64][2]int64{} // by generation: the lowest and the highest number
	forgotten := false
	for len(script) > 0 {
		before := *s
		unchanged := func(err error) {
			if err != nil {
				require.Equal(t, before, *s, "%v", err)
			}
		}
		rotated := func() { sent, forgotten = 0, false }
		now = now.Add(time.Duration(next()%8) * pto / 4)
		switch next() % 8 {
		case 0:
			err := s.Sent(number)
			if unchanged(err); err == nil {
				sent, number = sent+1, number+1
			}
			require.Equal(t, before.sent >= 20, err != nil, "9001-6.6-4")
		case 1:
			may := s.MayUpdate(now)
			err := s.Update(now)
			unchanged(err)
			if require.Equal(t, may, err == nil); may {
				require.True(t, before.confirmed)
				rotated()
			}
		case 2, 3, 4:
			phase, n := next()&1 == 0, int64(next())
			which := s.Choose(phase, n)
			switch which {
			case Current:
				require.Equal(t, phase, s.Phase())
			case Previous:
				require.False(t, forgotten)
				require.NotZero(t, s.Generation())
				fallthrough
			default:
				require.NotEqual(t, phase, s.Phase())
			}
			if next()%4 == 0 {
				err := s.Failed()
				if unchanged(err); err == nil {
					failed++
				}
				require.Equal(t, before.failed >= 5, err != nil, "9001-6.6-6")
				break
			}
			err := s.Opened(now, pto, which, n)
			if unchanged(err); err != nil {
				break
			}
			g := before.generation
			switch which {
			case Next:
				g++
				rotated()
			case Previous:
				g--
			}
			if which != Previous {
				for old, span := range accepted { // 9001-6.4-2
					require.True(t, old >= g || span[1] <= n, "%d with keys of %d, behind %d with those of %d", n, g, span[1], old)
				}
			}
			span, known := accepted[g]
			if !known {
				span = [2]int64{n, n}
			}
			accepted[g] = [2]int64{min(span[0], n), max(span[1], n)}
		case 5:
			s.AckSent(int64(next()))
		case 6:
			unchanged(s.Acked(now, pto, Keys(1+next()%3), int64(next())))
			if next() == 0 {
				s.Confirm()
			}
		case 7:
			if due := s.Deadline(); s.Advance(now) {
				require.True(t, due.Reached(now))
				forgotten = true
			} else {
				require.Equal(t, before, *s)
			}
		}
		step := s.generation - before.generation
		require.LessOrEqual(t, step, uint64(1))
		require.Equal(t, step == 1, s.Phase() != before.Phase())
		require.Equal(t, s.old && s.lowest >= 0, s.Deadline() != codec.Never, "old keys are forgotten once new ones were seen, and not before")
		gotSent, gotFailed := s.Counts()
		require.EqualValues(t, sent, gotSent)
		require.EqualValues(t, failed, gotFailed)
	}
}

func TestLaws(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		script := make([]byte, 400)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		drive(t, script)
	}
}

// FuzzState makes any order of calls: what is refused changes nothing, keys follow each other one by one, and newer ones have higher numbers.
func FuzzState(f *testing.F) {
	f.Add([]byte("0600000016000020123456"))
	f.Fuzz(func(t *testing.T, script []byte) { drive(t, script[:min(len(script), 2048)]) })
}
