package stream

import "github.com/purewire/purewire/codec/quic"

// SendStream is the sending part of a stream: its state, its data until that is acknowledged, and its flow control. It is not ready for use
// before Init.
type SendStream struct {
	id     quic.StreamID
	state  SendState
	buf    SendBuffer
	window SendWindow
	conn   *SendWindow
	reset  owedState
	code   quic.ErrorCode
	final  uint64
}

// Init makes s ready for the stream with this ID. conn is the flow control of its connection, credit what the peer's transport parameters allow for this
// stream. Limits must have been through Norm.
func (s *SendStream) Init(id quic.StreamID, store *Store, conn *SendWindow, credit uint64, l *Limits) {
	buf := s.buf
	*s = SendStream{id: id, conn: conn, buf: buf}
	s.window.Grow(credit)
	s.buf.Init(store, l.SendBuffer, l.Pieces)
}

// ID returns the stream's ID.
func (s *SendStream) ID() quic.StreamID { return s.id }

// State returns the state. It is Reset Sent as soon as a RESET_STREAM frame is owed.
func (s *SendStream) State() SendState { return s.state }

// Buffer returns what was written and is not acknowledged. It is for looking only.
func (s *SendStream) Buffer() *SendBuffer { return &s.buf }

// Window returns the stream's flow control. It is for looking only.
func (s *SendStream) Window() *SendWindow { return &s.window }

// Write takes a copy of as much of p as there is room for, see SendBuffer.Write. After Close or a reset it is misuse.
func (s *SendStream) Write(p []byte) (int, error) {
	if s.over() {
		return 0, failure(rPutState)
	}
	return s.buf.Write(p)
}

// WriteRef takes p by reference, see SendBuffer.WriteRef. After Close or a reset it is misuse.
func (s *SendStream) WriteRef(p []byte) (int, error) {
	if s.over() {
		return 0, failure(rPutState)
	}
	return s.buf.WriteRef(p)
}

// Close says that nothing more will be written. A second time, or after a reset, it does nothing.
func (s *SendStream) Close() {
	if !s.over() {
		s.buf.Close()
	}
}

func (s *SendStream) over() bool { return s.reset != owedNot || s.state.Terminal() }

// Reset abandons the stream: a RESET_STREAM frame with the code is owed, and what was not sent never will be. A second time, or when the stream is over,
// it is misuse.
func (s *SendStream) Reset(code quic.ErrorCode) error {
	next, may := s.state.After(SentReset)
	if !may || s.over() {
		return failure(rPutState)
	}
	s.state = next
	s.reset, s.code, s.final = owedNow, code, s.buf.Sent()
	s.buf.Release()
	return nil
}

// StopSending takes a STOP_SENDING frame: the stream is reset with the same code, unless it is over or reset already. stopped tells whether it was.
func (s *SendStream) StopSending(code quic.ErrorCode) (stopped bool) {
	// 9000-3.5-4: "An endpoint that receives a STOP_SENDING frame MUST send a RESET_STREAM frame if the stream is in the 'Ready' or 'Send'
	// state." 3.5-5: "An endpoint SHOULD copy the error code".
	return s.Reset(code) == nil
}

// MaxStreamData takes a MAX_STREAM_DATA frame. raised tells whether there is more credit now.
func (s *SendStream) MaxStreamData(limit uint64) (raised bool) { return s.window.Grow(limit) }

// Pending tells whether there is a STREAM frame to send. Where flow control is in the way it is false, and the peer should be told: NextFrame,
// and BlockedDue of the connection's window.
func (s *SendStream) Pending() bool {
	if s.reset != owedNot || !s.buf.Pending() {
		return false
	}
	if s.buf.PendingOld() {
		return true
	}
	if s.window.Avail() == 0 {
		s.window.Wanted()
		return false
	}
	s.conn.Wanted()
	return s.conn.Avail() > 0
}

// AppendStream appends a STREAM frame of at most size bytes to dst, and counts it as in flight: what was lost first, then what flow control
// allows. With toEnd the frame has no length and nothing may follow in the packet. ok is false, and dst as it was, if there is nothing to
// send or no room. p is to be kept with the packet.
func (s *SendStream) AppendStream(dst []byte, size int, toEnd bool) (out []byte, p Piece, ok bool) {
	if !s.Pending() {
		return dst, p, false
	}
	at := s.buf.Sent()
	if f := s.buf.lost.First(); !f.Empty() {
		at = f.Start
	}
	size = s.payload(size, at, toEnd)
	if size < 0 {
		return dst, p, false
	}
	before := s.buf.Sent()
	if p, ok = s.buf.Next(size, min(s.window.Avail(), s.conn.Avail())); !ok {
		return dst, p, false
	}
	s.window.Take(s.buf.Sent() - before)
	s.conn.Take(s.buf.Sent() - before)
	return s.frame(dst, p, toEnd), p, true
}

// AppendProbe is as AppendStream for a packet on a probe timeout: if nothing is to be sent otherwise, it sends the oldest data in flight once more.
func (s *SendStream) AppendProbe(dst []byte, size int, toEnd bool) (out []byte, p Piece, ok bool) {
	if out, p, ok = s.AppendStream(dst, size, toEnd); ok || s.reset != owedNot {
		return out, p, ok
	}
	size = s.payload(size, s.buf.Released(), toEnd)
	if size < 0 {
		return dst, p, false
	}
	if p, ok = s.buf.Probe(size); !ok {
		return dst, p, false
	}
	return s.frame(dst, p, toEnd), p, true
}

// payload returns how much data has room in a frame of size bytes, negative if not even its header has.
func (s *SendStream) payload(size int, at uint64, toEnd bool) int {
	size -= 1 + quic.VarintLen(uint64(s.id))
	if at > 0 {
		size -= quic.VarintLen(at)
	}
	if !toEnd && size >= 0 {
		size -= quic.VarintLen(uint64(size))
	}
	return size
}

func (s *SendStream) frame(dst []byte, p Piece, toEnd bool) []byte {
	dst, _ = quic.AppendStreamHeader(dst, s.id, p.Offset, p.Len, p.Fin, toEnd) // offsets and sizes are checked when written
	dst, _ = s.buf.AppendData(dst, p)
	if p.Fin {
		s.event(SentFin)
	} else {
		s.event(SentData)
	}
	return dst
}

func (s *SendStream) event(e SendEvent) { s.state, _ = s.state.After(e) }

// NextFrame fills f with the next control frame that is owed to the peer: RESET_STREAM or STREAM_DATA_BLOCKED, and counts it as sent. ok is
// false if there is none.
func (s *SendStream) NextFrame(f *quic.Frame) (ok bool) {
	if s.reset == owedNow {
		s.reset = owedInFlight
		*f = quic.Frame{Kind: quic.ResetStream, StreamID: s.id, Code: s.code, Value: s.final}
		return true
	}
	limit, due := s.window.BlockedDue()
	next, may := s.state.After(SentBlocked)
	if !due || !may {
		return false
	}
	s.state = next
	s.window.BlockedSent()
	*f = quic.Frame{Kind: quic.StreamDataBlocked, StreamID: s.id, Value: limit}
	return true
}

// Acked says that the frame with p was acknowledged. What was never sent is misuse.
func (s *SendStream) Acked(p Piece) error {
	if s.over() {
		return nil
	}
	if err := s.buf.Acked(p); err != nil {
		return err
	}
	if s.buf.Done() {
		s.event(AckedAll)
		s.buf.Release()
	}
	return nil
}

// Lost says that the frame with p was lost. What was never sent is misuse.
func (s *SendStream) Lost(p Piece) error {
	// 9000-13.3-3.2: "Once an endpoint sends a RESET_STREAM frame, no further STREAM frames are needed."
	if s.over() {
		return nil
	}
	return s.buf.Lost(p)
}

// FrameAcked says that a frame of NextFrame was acknowledged.
func (s *SendStream) FrameAcked(f *quic.Frame) {
	if f.Kind == quic.ResetStream && s.reset != owedNot {
		s.reset = owedDone
		s.event(AckedReset)
	}
}

// FrameLost says that a frame of NextFrame was lost. It is sent again if that still matters, RESET_STREAM with the same content (9000-13.3-3.4).
func (s *SendStream) FrameLost(f *quic.Frame) {
	switch {
	case f.Kind == quic.ResetStream && s.reset == owedInFlight:
		s.reset = owedNow
	case f.Kind == quic.StreamDataBlocked:
		s.window.BlockedAgain(f.Value)
	}
}

// Release gives all memory back, for a stream whose connection is over.
func (s *SendStream) Release() { s.buf.Release() }
