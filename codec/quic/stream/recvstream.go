package stream

import (
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

// RecvStream is the receiving part of a stream: its state, its data in order, its final size and its flow control. It is not ready for use
// before Init.
type RecvStream struct {
	id     quic.StreamID
	state  RecvState
	data   Reassembler
	window RecvWindow
	conn   *RecvWindow
	size   uint64 // the final size, where known
	known  bool
	code   quic.ErrorCode // of RESET_STREAM
	stop   owedState
	why    quic.ErrorCode // of STOP_SENDING
}

// owedState is where a control frame is.
type owedState uint8

const (
	owedNot owedState = iota
	owedNow
	owedInFlight
	owedDone
)

// Init makes s ready for the stream with this ID. conn is the flow control of its connection. Limits must have been through Norm.
func (s *RecvStream) Init(id quic.StreamID, store *Store, conn *RecvWindow, l *Limits) {
	data := s.data
	*s = RecvStream{id: id, conn: conn, data: data}
	s.window.Init(false, uint64(l.StreamWindow), uint64(l.MaxStreamWindow))
	s.data.Init(store, quic.MaxVarint, l.Pieces) // the window bounds how far data is ahead
}

// ID returns the stream's ID.
func (s *RecvStream) ID() quic.StreamID { return s.id }

// State returns the state.
func (s *RecvStream) State() RecvState { return s.state }

// Window returns the stream's flow control.
func (s *RecvStream) Window() *RecvWindow { return &s.window }

// FinalSize returns the final size in octets. known is false while the peer has not told.
func (s *RecvStream) FinalSize() (size uint64, known bool) { return s.size, s.known }

// ResetCode returns the application's error code of RESET_STREAM, for the states Reset Recvd and Reset Read.
func (s *RecvStream) ResetCode() quic.ErrorCode { return s.code }

// Receive takes a STREAM frame. lend is as in Reassembler.Insert: what is next in the stream is returned without a copy and counts as read. The
// stream has ended, and all is read, if State is Data Read afterwards. After Stop and RESET_STREAM nothing is returned.
//
// The error is FINAL_SIZE_ERROR, FLOW_CONTROL_ERROR, PROTOCOL_VIOLATION for different data at the same offset, INTERNAL_ERROR for too many
// pieces. Nothing has changed then. Final sizes are checked in every state, those that are over included.
func (s *RecvStream) Receive(f *quic.Frame, lend bool) (lent []byte, err error) {
	end := f.Offset + uint64(len(f.Data))
	if f.Offset > quic.MaxVarint || end > quic.MaxVarint {
		return nil, failure(rStreamEnd)
	}
	// 9000-4.5-5: "If a RESET_STREAM or STREAM frame is received indicating a change in the final size for the stream, an endpoint SHOULD
	// respond with an error of type FINAL_SIZE_ERROR". "A receiver SHOULD treat receipt of data at or beyond the final size as an
	// error of type FINAL_SIZE_ERROR, even after a stream is closed."
	switch {
	case s.known && f.Fin && end != s.size:
		return nil, failure(rFinChanged)
	case s.known && end > s.size:
		return nil, failure(rBeyondFinal)
	case f.Fin && end < s.window.received:
		return nil, failure(rFinBelow)
	}
	more, err := s.check(end)
	if err != nil {
		return nil, err
	}
	if s.state == RecvRecv || s.state == RecvSizeKnown {
		if lent, err = s.data.Insert(f.Offset, f.Data, lend); err != nil {
			return nil, err
		}
	}
	s.count(more)
	if f.Fin {
		s.size, s.known = end, true
		s.event(GotFin)
	} else {
		s.event(GotData)
	}
	s.consumed(uint64(len(lent)))
	if s.stopped() {
		s.consumeAll()
	}
	s.progress()
	return lent, nil
}

// check tells how many octets more a frame that ends at end counts, if both windows allow it.
func (s *RecvStream) check(end uint64) (more uint64, err error) {
	if end <= s.window.received {
		return 0, nil
	}
	more = end - s.window.received
	if err = s.window.Check(more); err == nil {
		err = s.conn.Check(more)
	}
	return more, err
}

func (s *RecvStream) count(more uint64) {
	s.window.Received(more)
	s.conn.Received(more)
}

func (s *RecvStream) consumed(n uint64) {
	s.window.Consumed(n)
	s.conn.Consumed(n)
}

// consumeAll gives back the credit of everything that was received and not read.
//
// 9000-4.5-3: "The receiver MUST use the final size of the stream to account for all bytes sent on the stream in its connection-level flow
// controller."
func (s *RecvStream) consumeAll() { s.consumed(s.window.received - s.window.consumed) }

func (s *RecvStream) event(e RecvEvent) { s.state, _ = s.state.After(e) }

func (s *RecvStream) stopped() bool { return s.stop != owedNot }

// progress moves on where all data is there, or read.
func (s *RecvStream) progress() {
	if s.state == RecvSizeKnown && s.data.Next()+s.data.Readable() == s.size {
		s.event(GotAll)
		if s.stop == owedNow {
			s.stop = owedDone // 9000-13.3-3.5
		}
	}
	if s.state == RecvDataRecvd && s.data.Next() == s.size {
		s.event(ReadAll)
		s.data.Release()
	}
}

// Reset takes a RESET_STREAM frame. What was not read is thrown away, unless all data has arrived: then the frame is ignored and the data can still be
// read. The error is FINAL_SIZE_ERROR or FLOW_CONTROL_ERROR, and nothing has changed then.
func (s *RecvStream) Reset(f *quic.Frame) error {
	switch {
	case s.known && f.Value != s.size:
		return failure(rResetChanged)
	case f.Value < s.window.received:
		return failure(rResetBelow)
	}
	more, err := s.check(f.Value)
	if err != nil {
		return err
	}
	s.count(more)
	s.size, s.known = f.Value, true
	was := s.state
	s.event(GotReset)
	if s.state == RecvResetRecvd && was != RecvResetRecvd {
		s.code = f.Code
		s.consumeAll()
		s.data.Release()
		if s.stop == owedNow {
			s.stop = owedDone
		}
	}
	return nil
}

// ReadReset says that the application knows of the reset. In other states than Reset Recvd it is misuse.
func (s *RecvStream) ReadReset() error {
	next, fine := s.state.After(ReadReset)
	if !fine {
		return failure(rPutState)
	}
	s.state = next
	return nil
}

// Blocked takes a STREAM_DATA_BLOCKED frame, see RecvWindow.Blocked.
func (s *RecvStream) Blocked(now codec.Time) error {
	s.event(GotBlocked)
	return s.window.Blocked(now)
}

// Peek returns octets that are next in the stream, see Reassembler.Peek.
func (s *RecvStream) Peek() []byte {
	if s.stopped() || s.state == RecvResetRecvd || s.state.Terminal() {
		return nil
	}
	return s.data.Peek()
}

// Consume counts n octets that Peek has shown as read. More than it has shown are misuse.
func (s *RecvStream) Consume(n int) error {
	if n < 0 || n > len(s.Peek()) {
		return failure(rPutConsumed)
	}
	s.data.advance(s.data.next + uint64(n))
	s.consumed(uint64(n))
	s.progress()
	return nil
}

// Stop says that the application wants no more of this stream. A STOP_SENDING frame with the code is owed; what was not read is thrown away, and what still
// comes is counted and thrown away. If everything has arrived, or was reset, there is nothing to stop: no frame is owed, and data is thrown away.
// A second time it is misuse, and so it is when the stream is over.
func (s *RecvStream) Stop(code quic.ErrorCode) error {
	if s.stopped() || s.state.Terminal() || s.state == RecvResetRecvd {
		return failure(rPutState)
	}
	s.stop, s.why = owedDone, code
	if _, may := s.state.After(SentStopSending); may {
		s.stop = owedNow
	}
	s.data.Discard()
	s.consumeAll()
	s.progress()
	return nil
}

// NextFrame fills f with the next frame that is owed to the peer: STOP_SENDING or MAX_STREAM_DATA, and counts it as sent. ok is false if there is
// none. rtt and now are as in RecvWindow.Emit.
func (s *RecvStream) NextFrame(now codec.Time, rtt time.Duration, f *quic.Frame) (ok bool) {
	if s.stop == owedNow {
		s.stop = owedInFlight
		*f = quic.Frame{Kind: quic.StopSending, StreamID: s.id, Code: s.why}
		return true
	}
	// 9000-3.3-4: "The receiver only sends MAX_STREAM_DATA frames in the 'Recv' state."
	if _, may := s.state.After(SentMaxStreamData); !may || s.stopped() || !s.window.Due() {
		return false
	}
	*f = quic.Frame{Kind: quic.MaxStreamData, StreamID: s.id, Value: s.window.Emit(now, rtt)}
	return true
}

// Lost says that a frame of NextFrame was lost. It is sent again if that still matters.
func (s *RecvStream) Lost(f *quic.Frame) {
	switch f.Kind {
	case quic.StopSending:
		// 9000-13.3-3.5: STOP_SENDING "is sent until the receiving part of the stream enters either a 'Data Recvd' or 'Reset Recvd' state".
		if _, may := s.state.After(SentStopSending); may && s.stop == owedInFlight {
			s.stop = owedNow
		}
	case quic.MaxStreamData:
		s.window.Lost(f.Value)
	}
}

// Acked says that a frame of NextFrame was acknowledged.
func (s *RecvStream) Acked(f *quic.Frame) {
	if f.Kind == quic.StopSending && s.stopped() {
		s.stop = owedDone
	}
}

// Release gives all memory back, for a stream that is over or whose connection is.
func (s *RecvStream) Release() { s.data.Release() }
