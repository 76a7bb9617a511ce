package path

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// Two ends over a link that loses, repeats and reorders: the peer's IDs are those that were issued, and both ends agree in the end.
func TestIDsPair(t *testing.T) {
	for seed := range byte(50) {
		runIDs(t, noise(seed, 600), 2+int(seed)%7)
	}
}

func FuzzIDs(f *testing.F) {
	for seed := range byte(4) {
		f.Add(noise(seed, 200), seed)
	}
	f.Fuzz(func(t *testing.T, b []byte, limit byte) { runIDs(t, b[:min(len(b), 2048)], 2+int(limit)%7) })
}

func runIDs(t testing.TB, s script, limit int) {
	var l LocalIDs
	l.Init(cid(0))
	l.SetLimit(uint64(limit))
	r := newRemote(limit)
	n := uint64(1)
	issued := map[uint64]quic.ConnectionID{0: cid(0)}
	type sent struct {
		kind quic.Kind
		f    quic.Frame
	}
	var flight []sent
	take := func(f quic.Frame) {
		f.Data = append([]byte(nil), f.Data...)
		flight = append(flight, sent{f.Kind, f})
	}
	deliver := func(x sent) {
		if x.kind == quic.NewConnectionID {
			require.NoError(t, r.New(&x.f))
		} else {
			_, _, err := l.Retire(x.f.Sequence, 1<<61, true)
			require.NoError(t, err)
		}
	}
	settle := func(x sent, acked bool) {
		switch {
		case x.kind == quic.NewConnectionID && acked:
			l.Acked(x.f.Sequence)
		case x.kind == quic.NewConnectionID:
			l.Lost(x.f.Sequence)
		case acked:
			r.Acked(x.f.Sequence)
		default:
			r.Lost(x.f.Sequence)
		}
	}
	step := func(op int) {
		var f quic.Frame
		switch op {
		case 0:
			if l.Wanted() > 0 {
				seq, err := l.Issue(cid(n), tok(n))
				require.NoError(t, err)
				issued[seq] = cid(n)
				n++
			}
		case 1:
			if l.NextFrame(&f) {
				take(f)
			}
		case 2:
			if r.NextFrame(&f) {
				take(f)
			}
		case 3:
			if r.Active() > 1 {
				seq, _, err := r.Use()
				if err == nil && r.Retiring() < 3*limit {
					require.NoError(t, r.Retire(seq))
				}
			}
		}
	}
	for len(s) > 0 {
		switch op := s.next() % 8; op {
		case 4, 5, 6, 7:
			if len(flight) > 0 {
				i := s.next() % len(flight)
				x := flight[i]
				if op != 4 { // arrives, and may arrive again
					deliver(x)
				}
				if op < 7 {
					flight = append(flight[:i], flight[i+1:]...)
					settle(x, op != 4)
				}
			}
		default:
			step(op)
		}
		require.LessOrEqual(t, l.Active(), limit)
		require.LessOrEqual(t, r.Active(), limit)
		require.LessOrEqual(t, r.Retiring(), 3*limit)
		for seq, id := range issued {
			if got, found := r.Get(seq); found {
				require.Equal(t, id, got)
			}
		}
	}
	for range 20 {
		for _, x := range flight {
			deliver(x)
			settle(x, true)
		}
		flight = flight[:0]
		step(0)
		for range 2 * MaxIDs {
			step(1)
			step(2)
		}
	}
	require.Equal(t, limit, l.Active())
	require.Equal(t, limit, r.Active())
	require.Zero(t, r.Retiring())
	l.Each(func(id quic.ConnectionID) {
		seq, _ := l.Sequence(id.Bytes())
		got, found := r.Get(seq)
		require.True(t, found)
		require.Equal(t, id, got)
	})
}

// Whatever a peer does with its addresses: no address gets more than three times what came from it until it answers, there are four paths at most, the
// active one is one of them, and one that has failed is gone.
func TestPathsModel(t *testing.T) {
	for seed := range byte(60) {
		runPaths(t, noise(seed, 800), 1+int(seed)%7)
	}
}

func FuzzPaths(f *testing.F) {
	for seed := range byte(4) {
		f.Add(noise(seed, 300), seed)
	}
	f.Fuzz(func(t *testing.T, b []byte, spare byte) { runPaths(t, b[:min(len(b), 2048)], 1+int(spare)%7) })
}

func runPaths(t testing.TB, s script, spare int) {
	p, ids := newServer(spare)
	if s.next()%4 > 0 {
		p.HandshakeValidated()
	}
	type account struct {
		in, out   int
		validated bool
	}
	accounts := map[Tuple]*account{p.Active().Tuple: {validated: p.Active().Limit.Validated()}}
	asked := map[Challenge]Tuple{}
	home := p.Active().Tuple // of the last active path where the peer's address was validated
	settled := func(moved, reset bool) {
		at := p.Active().Tuple
		if a := p.Active(); moved && a.Validation.State() == Validated {
			require.Same(t, a, &p.paths[p.fallback], "that is where to return to")
		}
		if moved && p.Active().Limit.Validated() {
			require.Equal(t, at.Remote.IP != home.Remote.IP || at.Local.IP != home.Local.IP, reset)
			home = at
			return
		}
		require.False(t, reset)
	}
	now, n := codec.Time(1e9), uint64(0)
	var f quic.Frame
	for len(s) > 0 {
		now = now.Add(pto * time.Duration(s.next()) / 64)
		switch s.next() % 8 {
		case 0, 1, 2:
			at := from(byte(2+s.next()%3), uint16(1000+s.next()%3))
			if s.next()%3 == 0 {
				at.Local = addr(9, 443)
			}
			was := p.Active().Tuple
			size := s.next() * 8
			known := p.Find(at) != nil
			path := p.Datagram(at, size)
			if path == nil {
				path = p.Open(at, size)
			}
			var migrated, reset bool
			if path != nil {
				migrated, reset = p.Packet(now, path, s.next()&1 == 0, s.next()&1 == 0, pto)
				settled(migrated, reset)
			}
			if path == nil {
				require.GreaterOrEqual(t, ids.Retiring(), 24)
				break
			}
			if !known { // a path that was forgotten begins anew
				accounts[at] = &account{}
			}
			accounts[at].in += size
			if migrated {
				require.Same(t, path, p.Active())
				require.True(t, at.Local == was.Local || path.Validation.State() == Validated, "9000-9.6.2-2")
			}
		case 3, 4:
			if path := p.At(s.next() % MaxPaths); path != nil {
				a := accounts[path.Tuple]
				size := path.Limit.Allows(s.next() * 10)
				require.NoError(t, path.Limit.Sent(size))
				a.out += size
				if path.Validation.Due(now) {
					n++
					path.Validation.Sent(now, challenge(n), size)
					asked[challenge(n)] = path.Tuple
				}
			}
		case 5: // an answer, right or not, on time or not
			c := challenge(1 + uint64(s.next())*n/255)
			if o := p.Response(now, c, pto); o.Path != nil {
				require.Equal(t, asked[c], o.Path.Tuple)
				accounts[o.Path.Tuple].validated = true
				require.True(t, !o.Migrated || o.Path == p.Active())
				settled(o.Path == p.Active(), o.Reset)
			}
		case 6:
			at := p.Active().Tuple
			reverted, reset, lost := p.Advance(now)
			settled(reverted, reset)
			require.Equal(t, reverted, at != p.Active().Tuple)
			if lost {
				require.False(t, reverted)
				for i := range MaxPaths {
					if path := p.At(i); path != nil && path.been {
						require.NotEqual(t, Validated, path.Validation.State(), "9000-9.1-1: there is another one")
					}
				}
				return
			}
		case 7:
			for ids.NextFrame(&f) {
				if s.next()&1 == 0 {
					ids.Acked(f.Sequence)
				}
			}
			if path := p.At(s.next() % MaxPaths); path != nil {
				p.Sequence(path)
			}
		}
		require.Same(t, p.Active(), p.Find(p.Active().Tuple))
		used := map[uint64]bool{}
		for i := range MaxPaths {
			path := p.At(i)
			if path == nil {
				continue
			}
			require.Same(t, path, p.Find(path.Tuple), "a tuple twice")
			a := accounts[path.Tuple]
			require.Equal(t, a.validated, path.Limit.Validated())
			if !a.validated {
				require.LessOrEqual(t, a.out, 3*a.in)
			}
			if _, there := ids.Get(path.seq); path.hasSeq && there {
				require.False(t, used[path.seq], "a connection ID on two paths: 9000-9.5")
				used[path.seq] = true
			}
		}
	}
}
