package quic

// AppendFrame appends f to dst. With ToEnd nothing may follow in the packet. All integers are in their shortest encoding. An Ack must have
// valid Blocks, as those that FrameDecoder reports; AppendAck makes one from ranges. With an error, always misuse, dst is returned as it was.
func AppendFrame(dst []byte, f *Frame) ([]byte, error) {
	if r := f.check(); r != ok {
		return dst, failure(r)
	}
	if f.Kind == Padding {
		return append(dst, f.Data...), nil
	}
	if f.Kind == Stream { // first, for most frames with data are these
		return append(appendStreamHead(dst, f.StreamID, f.Offset, len(f.Data), f.Fin, f.ToEnd), f.Data...), nil
	}
	out := append(dst, byte(f.Type()))
	switch f.Kind {
	case Ack:
		return f.Ack.append(out), nil
	case ResetStream:
		out = AppendVarint(AppendVarint(AppendVarint(out, uint64(f.StreamID)), uint64(f.Code)), f.Value)
	case StopSending:
		out = AppendVarint(AppendVarint(out, uint64(f.StreamID)), uint64(f.Code))
	case Crypto:
		out = AppendVarint(AppendVarint(out, f.Offset), uint64(len(f.Data)))
		out = append(out, f.Data...)
	case NewToken:
		out = append(AppendVarint(out, uint64(len(f.Data))), f.Data...)
	case MaxData, DataBlocked, MaxStreams, StreamsBlocked:
		out = AppendVarint(out, f.Value)
	case MaxStreamData, StreamDataBlocked:
		out = AppendVarint(AppendVarint(out, uint64(f.StreamID)), f.Value)
	case NewConnectionID:
		out = append(AppendVarint(AppendVarint(out, f.Sequence), f.Value), byte(len(f.Data)))
		out = append(append(out, f.Data...), f.Token[:]...)
	case RetireConnectionID:
		out = AppendVarint(out, f.Sequence)
	case PathChallenge, PathResponse:
		out = append(out, f.Token[:8]...)
	case ConnectionClose:
		out = AppendVarint(out, uint64(f.Code))
		if !f.App {
			out = AppendVarint(out, f.Value)
		}
		out = append(AppendVarint(out, uint64(len(f.Data))), f.Data...)
	case Datagram:
		if !f.ToEnd {
			out = AppendVarint(out, uint64(len(f.Data)))
		}
		out = append(out, f.Data...)
	}
	return out, nil
}

// AppendStreamHeader appends a STREAM frame up to its data, of size bytes, which the caller puts behind it. With toEnd there is no length and nothing else may
// follow in the packet. With an error, always misuse, dst is returned as it was.
func AppendStreamHeader(dst []byte, id StreamID, offset uint64, size int, fin, toEnd bool) ([]byte, error) {
	if uint64(id) > MaxVarint {
		return dst, failure(rPutValue)
	}
	if size < 0 || offset > MaxVarint || offset+uint64(size) > MaxVarint {
		return dst, failure(rPutStreamEnd)
	}
	return appendStreamHead(dst, id, offset, size, fin, toEnd), nil
}

func appendStreamHead(dst []byte, id StreamID, offset uint64, size int, fin, toEnd bool) []byte {
	out := AppendVarint(append(dst, byte(streamType(offset, fin, toEnd))), uint64(id))
	if offset > 0 {
		out = AppendVarint(out, offset)
	}
	if !toEnd {
		out = AppendVarint(out, uint64(size))
	}
	return out
}

func (a *AckInfo) append(out []byte) []byte {
	out = AppendVarint(AppendVarint(out, a.Largest), a.Delay)
	out = AppendVarint(AppendVarint(out, a.Count), a.First)
	for b := a.Blocks; len(b) > 0; {
		v, n := ParseVarint(b)
		out = AppendVarint(out, v)
		b = b[n:]
	}
	if a.ECN {
		out = AppendVarint(AppendVarint(AppendVarint(out, a.ECT0), a.ECT1), a.CE)
	}
	return out
}

// FrameLen returns how many bytes AppendFrame appends for f. It is 0 for a frame that cannot be sent.
func FrameLen(f *Frame) int {
	if f.check() != ok {
		return 0
	}
	data := len(f.Data)
	switch f.Kind {
	case Padding:
		return data
	case Ack:
		a := &f.Ack
		n := 1 + VarintLen(a.Largest) + VarintLen(a.Delay) + VarintLen(a.Count) + VarintLen(a.First)
		for b := a.Blocks; len(b) > 0; {
			v, m := ParseVarint(b)
			n += VarintLen(v)
			b = b[m:]
		}
		if a.ECN {
			n += VarintLen(a.ECT0) + VarintLen(a.ECT1) + VarintLen(a.CE)
		}
		return n
	case ResetStream:
		return 1 + VarintLen(uint64(f.StreamID)) + VarintLen(uint64(f.Code)) + VarintLen(f.Value)
	case StopSending:
		return 1 + VarintLen(uint64(f.StreamID)) + VarintLen(uint64(f.Code))
	case Crypto:
		return 1 + VarintLen(f.Offset) + VarintLen(uint64(data)) + data
	case NewToken:
		return 1 + VarintLen(uint64(data)) + data
	case Stream:
		n := 1 + VarintLen(uint64(f.StreamID)) + data
		if f.Offset > 0 {
			n += VarintLen(f.Offset)
		}
		if !f.ToEnd {
			n += VarintLen(uint64(data))
		}
		return n
	case MaxData, DataBlocked, MaxStreams, StreamsBlocked:
		return 1 + VarintLen(f.Value)
	case MaxStreamData, StreamDataBlocked:
		return 1 + VarintLen(uint64(f.StreamID)) + VarintLen(f.Value)
	case NewConnectionID:
		return 1 + VarintLen(f.Sequence) + VarintLen(f.Value) + 1 + data + ResetTokenLen
	case RetireConnectionID:
		return 1 + VarintLen(f.Sequence)
	case PathChallenge, PathResponse:
		return 1 + 8
	case ConnectionClose:
		n := 1 + VarintLen(uint64(f.Code)) + VarintLen(uint64(data)) + data
		if !f.App {
			n += VarintLen(f.Value)
		}
		return n
	case Datagram:
		if f.ToEnd {
			return 1 + data
		}
		return 1 + VarintLen(uint64(data)) + data
	}
	return 1 // Ping, HandshakeDone
}

// check tells why f cannot be sent.
func (f *Frame) check() reason {
	if f.Kind == None || f.Kind >= numKinds {
		return rPutKind
	}
	if uint64(f.StreamID)|f.Value|f.Sequence|uint64(f.Code) > MaxVarint { // one of them has a bit that MaxVarint, all ones, has not
		return rPutValue
	}
	switch f.Kind {
	case Padding:
		if len(f.Data) == 0 {
			return rPutPadding
		}
		for _, b := range f.Data {
			if b != 0 {
				return rPutPadding
			}
		}
	case Ack:
		a := &f.Ack
		if a.ECT0 > MaxVarint || a.ECT1 > MaxVarint || a.CE > MaxVarint {
			return rPutAckECN
		}
		if a.Largest > MaxVarint || a.Delay > MaxVarint {
			return rPutAck
		}
		if !a.valid() {
			return rPutAckRanges
		}
	case Crypto, Stream:
		if f.Offset > MaxVarint || f.Offset+uint64(len(f.Data)) > MaxVarint {
			return rPutStreamEnd
		}
	case NewToken:
		if len(f.Data) == 0 {
			return rPutToken
		}
	case MaxStreams, StreamsBlocked:
		if f.Value > MaxStreamCount {
			return rPutStreams
		}
	case NewConnectionID:
		if len(f.Data) < 1 || len(f.Data) > MaxConnectionIDLen || f.Value > f.Sequence {
			return rPutID
		}
	}
	return ok
}

// valid tells whether First and Blocks make ranges that exist.
func (a *AckInfo) valid() bool {
	if a.First > a.Largest {
		return false
	}
	smallest, b := a.Largest-a.First, a.Blocks
	for i := uint64(0); i < a.Count; i++ {
		gap, n := ParseVarint(b)
		length, m := ParseVarint(b[n:])
		if n == 0 || m == 0 || gap+2+length > smallest {
			return false
		}
		smallest -= gap + 2 + length
		b = b[n+m:]
	}
	return len(b) == 0
}
