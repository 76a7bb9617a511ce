package stdnet

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/drivers"
)

// keepOut is the largest output buffer that a worker keeps for its next connection.
const keepOut = 256 << 10

// worker is what a goroutine borrows while it calls a machine. A connection that waits holds none.
type worker struct {
	turn drivers.Turn
	in   []byte // what one read fills
	out  []byte // output of one batch; empty between batches
}

func (s *Server) getWorker() *worker {
	w, _ := s.workers.Get().(*worker)
	if w == nil {
		w = &worker{}
		w.turn.Local = s.svc.NewLocal()
	}
	return w
}

func (s *Server) putWorker(w *worker) {
	if cap(w.out) > keepOut {
		w.out = nil
	}
	w.out = w.out[:0]
	s.workers.Put(w)
}

// buffer returns the read buffer, made on first use: a worker that only sends needs none.
func (w *worker) buffer(size int) []byte {
	if w.in == nil {
		w.in = make([]byte, size)
	}
	return w.in
}

// tick reads the clock, once per batch.
func (s *Server) tick(w *worker) {
	now := time.Now()
	w.turn.Now = s.time(now)
	w.turn.Unix = now.Unix()
}

// time converts to the machine's clock, which starts at 1 so that it is never codec.Never.
func (s *Server) time(t time.Time) codec.Time { return codec.Time(t.Sub(s.base)) + 1 }

func (s *Server) wall(t codec.Time) time.Time { return s.base.Add(time.Duration(t - 1)) }
