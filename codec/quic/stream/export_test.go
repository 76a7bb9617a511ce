package stream

// work returns the steps that a Reassembler has done.
func (r *Reassembler) work() uint64 { return r.steps + r.have.Steps() }

func (b *SendBuffer) work() uint64 { return b.steps + b.acked.Steps() + b.lost.Steps() }

// memory returns the bytes that a Reassembler and its store hold; of the list of pieces, what it may have room for.
func memory(r *Reassembler, st *Store) int {
	return (st.Held()+st.Idle())*chunkSize + 8*cap(r.chunks) + 2*16*(r.have.Len()+1)
}
