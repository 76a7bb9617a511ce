package stream

// ChunkLen is the length in bytes of the chunks that data is stored in.
const ChunkLen = 1024

// chunkSize is what a chunk takes in memory.
const chunkSize = ChunkLen + 8

type chunk struct {
	next *chunk
	data [ChunkLen]byte
}

// Store lends chunks of memory to the buffers of streams and takes them back. One store serves any number of streams and connections
// that are used by the same goroutine; data itself lives in chunks only, so Held tells what all of them hold. The zero
// Store is ready for use and keeps no chunk that is not held.
type Store struct {
	// Keep is how many chunks that nobody holds stay for later; the rest goes to the garbage collector. Zero keeps none.
	Keep int

	free       *chunk
	idle, held int
}

// Held returns how many chunks of ChunkLen bytes the buffers hold.
func (s *Store) Held() int { return s.held }

// Idle returns how many chunks wait for use, at most Keep.
func (s *Store) Idle() int { return s.idle }

func (s *Store) get() *chunk {
	s.held++
	c := s.free
	if c == nil {
		return new(chunk)
	}
	s.free, c.next = c.next, nil
	s.idle--
	return c
}

func (s *Store) put(c *chunk) {
	s.held--
	if s.idle >= s.Keep {
		return
	}
	c.next, s.free = s.free, c
	s.idle++
}
