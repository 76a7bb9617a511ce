package reactor

// Stats counts what the loops did since the start.
type Stats struct {
	// Accepts counts accepted connections, Refused those of them that were closed at once (MaxPerSource, a Service that returned nil, no
	// descriptors), Dials connection attempts of Dial, Evicted idle connections closed at MaxConns.
	Accepts, Refused, Dials, Evicted uint64
	// Closed counts orderly ends, Aborted ends with an error. Live is how many connections are open now.
	Closed, Aborted uint64
	Live            int
	// Reads and Writes count system calls, BytesIn and BytesOut what they moved.
	Reads, Writes, BytesIn, BytesOut uint64
	// Turns counts loop iterations, Sleeps those that found nothing at first and waited, Wakes the wake-ups by other goroutines.
	Turns, Sleeps, Wakes uint64
	// Timers counts deadlines reached, Posts posts run, Tasks functions started with Link.Go.
	Timers, Posts, Tasks uint64
	// Pauses counts how often listening stopped for lack of descriptors or memory, Stale events for connections that had ended,
	// Panics contained panics.
	Pauses, Stale, Panics uint64
}

func (s *Stats) add(o *Stats) {
	s.Accepts += o.Accepts
	s.Refused += o.Refused
	s.Dials += o.Dials
	s.Evicted += o.Evicted
	s.Closed += o.Closed
	s.Aborted += o.Aborted
	s.Live += o.Live
	s.Reads += o.Reads
	s.Writes += o.Writes
	s.BytesIn += o.BytesIn
	s.BytesOut += o.BytesOut
	s.Turns += o.Turns
	s.Sleeps += o.Sleeps
	s.Wakes += o.Wakes
	s.Timers += o.Timers
	s.Posts += o.Posts
	s.Tasks += o.Tasks
	s.Pauses += o.Pauses
	s.Stale += o.Stale
	s.Panics += o.Panics
}
