package http1

// phase is where a decoder stands in its input.
type phase uint8

const (
	phStart  phase = iota // before a head: empty lines are skipped (requests)
	phHead                // inside a head
	phLength              // inside Content-Length content
	phClose               // inside content that ends with the connection
	phChunkLine
	phChunkData
	phChunkCR
	phChunkLF
	phTrailer
	phEnd    // End is to be reported
	phPaused // after End, until Resume or Expect
	phTunnel // HTTP is over
	phFailed
)

// Decoder turns the bytes of one direction of an HTTP/1 connection into events. It holds no bytes and no pointer into
// them. The zero value is a request decoder with the default limits.
type Decoder struct {
	p     *Profile
	off   int64 // bytes consumed
	left  int64 // content of this message, or of this chunk, still to come
	taken int64 // content of this message so far, of chunks as declared
	fail  Error
	cur   cursor
	chunk int32 // chunk framing in excess of Limits.ChunkExcess' credit
	phase phase
	flags uint8
	asked Method // the method that the awaited response answers
	infos uint8  // empty lines before a request; informational responses before a final one
}

const (
	flResponse  uint8 = 1 << iota // client role
	flUpgrade                     // the request offered an upgrade
	flLastTunel                   // the message ends HTTP on this connection
	flFinal                       // the connection ended: nothing comes any more
)

// InitRequest makes d a decoder of requests, at the start of a connection. A nil profile stands for the defaults.
func (d *Decoder) InitRequest(p *Profile) { *d = Decoder{p: p} }

// InitResponse makes d a decoder of responses. It waits for Expect. A nil profile stands for the defaults.
func (d *Decoder) InitResponse(p *Profile) {
	*d = Decoder{p: p, flags: flResponse, phase: phPaused}
}

// Next consumes a prefix of src and reports at most one event. None means that more input is needed, or that the decoder
// is paused. See the package documentation for the loop. The error is an *Error; it is final.
func (d *Decoder) Next(src []byte, ev *Event) (n int, err error) {
	ev.Kind = None
	if d.p == nil {
		d.p = defaultProfile
	}
	for {
		var m int
		var r reason
		var off int
		switch d.phase {
		case phStart:
			if d.flags&flResponse == 0 && n < len(src) && (src[n] == '\r' || src[n] == '\n') {
				m, r, off = d.emptyLine(src[n:])
				if m == 0 && r == ok {
					return n, nil
				}
				break
			}
			if n == len(src) {
				return n, nil
			}
			d.phase = phHead
			fallthrough
		case phHead:
			m, r, off = d.head(src[n:], ev)
			if m == 0 && r == ok {
				return n, nil
			}
		case phLength, phClose, phChunkData:
			m, r, off = d.content(src[n:], ev)
			if m == 0 && r == ok {
				return n, nil
			}
		case phChunkLine:
			m, r, off = d.chunkLine(src[n:])
			if m == 0 && r == ok {
				return n, nil
			}
		case phChunkCR, phChunkLF:
			if n == len(src) {
				return n, nil
			}
			m, r = d.chunkEnd(src[n])
		case phTrailer:
			m, r, off = d.trailer(src[n:], ev)
			if m == 0 && r == ok {
				return n, nil
			}
		case phEnd:
			d.end(ev)
			return n, nil
		case phFailed:
			return n, &d.fail
		default:
			return n, nil
		}
		if r != ok {
			return n, d.stop(r, off)
		}
		n += m
		d.off += int64(m)
		if ev.Kind != None {
			return n, nil
		}
	}
}

// stop makes the failure final.
func (d *Decoder) stop(r reason, off int) *Error {
	d.phase = phFailed
	return d.fail.set(r, d.off+int64(off), d.flags&flResponse != 0)
}

// emptyLine skips one empty line before a request line. RFC 9112 section 2.2-6: a server that is expecting to receive and
// parse a request-line SHOULD ignore at least one empty line (CRLF) received prior to the request-line.
func (d *Decoder) emptyLine(b []byte) (int, reason, int) {
	n := 2
	switch {
	case b[0] == '\n' && d.p.lenient.BareLF:
		n = 1
	case b[0] == '\n':
		return 0, rLineLF, 0
	case len(b) == 1:
		return 0, ok, 0
	case b[1] != '\n':
		return 0, rEmptyLineCR, 0
	}
	if int(d.infos) >= min(d.p.leadingCRLF, 255) {
		return 0, rEmptyLines, 0
	}
	d.infos++
	d.cur.steps += uint64(n)
	return n, ok, 0
}

// content lends what is there of the content.
func (d *Decoder) content(b []byte, ev *Event) (int, reason, int) {
	if len(b) == 0 {
		return 0, ok, 0
	}
	d.cur.steps++
	if d.phase == phClose {
		// RFC 9110 section 15.5.14: content longer than one is willing to process.
		if room := d.p.body - d.taken; int64(len(b)) > room {
			if room == 0 {
				return 0, rBodyReached, 0
			}
			b = b[:room]
		}
		d.taken += int64(len(b))
		ev.Kind, ev.Data = Body, b
		return len(b), ok, 0
	}
	if int64(len(b)) > d.left {
		b = b[:d.left]
	}
	d.left -= int64(len(b))
	if d.left == 0 {
		if d.phase == phLength {
			d.phase = phEnd
		} else {
			d.phase = phChunkCR
		}
	}
	ev.Kind, ev.Data = Body, b
	return len(b), ok, 0
}

// end reports End.
func (d *Decoder) end(ev *Event) {
	ev.Kind, ev.Fields = End, ev.Fields[:0]
	d.rest()
}

// rest pauses the decoder after a message.
func (d *Decoder) rest() {
	d.phase = phPaused
	if d.flags&flLastTunel != 0 {
		d.phase = phTunnel
	}
}

// Finish tells that the input has ended. Between messages it returns nil and ev.Kind None; after content that ends with the
// connection it reports End; inside a message it fails. RFC 9112 section 8-4: a message body is incomplete if the size
// received is less than Content-Length, or if the zero-sized chunk has not been received.
func (d *Decoder) Finish(ev *Event) error {
	ev.Kind = None
	switch d.phase {
	case phFailed:
		return &d.fail
	case phStart:
		if d.flags&flResponse != 0 {
			return d.stop(rCutNone, 0)
		}
	case phHead:
		return d.stop(rCutHead, 0)
	case phLength:
		return d.stop(rCutBody, 0)
	case phChunkLine, phChunkData, phChunkCR, phChunkLF, phTrailer:
		return d.stop(rCutChunked, 0)
	case phClose, phEnd:
		d.end(ev)
	}
	d.flags |= flFinal
	return nil
}

// Paused reports whether a message has ended and the next one waits for Resume or Expect.
func (d *Decoder) Paused() bool { return d.phase == phPaused }

// Resume lets a request decoder go on with the next request. It does nothing unless the decoder is paused.
func (d *Decoder) Resume() {
	if d.phase == phPaused && d.flags&(flResponse|flFinal) == 0 {
		d.begin()
	}
}

// Expect tells a response decoder that a request was sent: its method, and whether it offered an upgrade. The response to
// it is decoded next. It does nothing unless the decoder is paused.
func (d *Decoder) Expect(m Method, upgrade bool) {
	if d.phase != phPaused || d.flags&flResponse == 0 || d.flags&flFinal != 0 {
		return
	}
	d.begin()
	d.asked = m
	if upgrade {
		d.flags |= flUpgrade
	}
}

func (d *Decoder) begin() {
	d.phase, d.infos, d.chunk, d.left, d.taken = phStart, 0, 0, 0, 0
	d.flags &= flResponse
	d.cur.restart()
}

// Idle reports whether no byte of a next message was seen since the last one ended, or since the start.
func (d *Decoder) Idle() bool { return d.phase == phStart || d.phase == phPaused }

// InBody reports whether the decoder is between a head and its End.
func (d *Decoder) InBody() bool { return d.phase >= phLength && d.phase <= phEnd }

// Tunnel reports whether HTTP has ended on this connection (Framing Tunnel): unread bytes belong to the next protocol.
func (d *Decoder) Tunnel() bool { return d.phase == phTunnel }

// Err returns the error that stopped the decoder, or nil.
func (d *Decoder) Err() error {
	if d.phase == phFailed {
		return &d.fail
	}
	return nil
}

// Offset returns how many bytes were consumed.
func (d *Decoder) Offset() int64 { return d.off }

// Steps returns how many bytes of framing were looked at since the decoder was initialised, repetitions included, plus one
// for each piece of content: the work counter of the law of linear work.
func (d *Decoder) Steps() uint64 { return d.cur.steps }

// AppendOwed returns dst: HTTP/1 owes nothing by itself. It is there for the common loop.
func (d *Decoder) AppendOwed(dst []byte, max int) []byte { return dst }

// head parses a whole head and draws its conclusions.
func (d *Decoder) head(src []byte, ev *Event) (int, reason, int) {
	kind := requestHead
	if d.flags&flResponse != 0 {
		kind = responseHead
	}
	n, line, fields, r, off := parseHead(d.p, kind, src, &d.cur, ev.Fields)
	ev.Fields = fields
	if n == 0 {
		return 0, r, off
	}
	d.cur.restart()
	ev.Minor = line.minor
	if kind == requestHead {
		r, off = d.request(src, line, ev)
	} else {
		r, off = d.response(src, line, ev)
	}
	if r != ok {
		ev.Kind = None
		return 0, r, off
	}
	return n, ok, 0
}

// follow sets the phase from the framing of a head that was accepted.
func (d *Decoder) follow(ev *Event) reason {
	d.taken = 0
	switch ev.Framing {
	case Length:
		// RFC 9110 section 15.5.14: refused when declared, before any of it is read.
		if ev.Length > d.p.body {
			return rBodyDeclared
		}
		d.left, d.phase = ev.Length, phLength
	case Chunked:
		d.chunk, d.phase = 0, phChunkLine
	case UntilClose:
		d.phase = phClose
	case Tunnel:
		d.flags |= flLastTunel
		d.phase = phEnd
	default:
		d.phase = phEnd
	}
	return ok
}
