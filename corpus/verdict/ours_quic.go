package verdict

import (
	"errors"
	"slices"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/path"
	"github.com/purewire/purewire/codec/quic/protect"
	"github.com/purewire/purewire/codec/quic/recovery"
	"github.com/purewire/purewire/codec/quic/stream"
)

// The connection IDs of both ends, and that of the client's first packet.
var (
	quicOwn      = []byte("ourownid")
	quicTheirs   = []byte("theirsid")
	quicOriginal = []byte("original")
)

func quicServer(in *Input) Verdict { return quicRead(in, quic.Server) }
func quicClient(in *Input) Verdict { return quicRead(in, quic.Client) }

// quicEnd is an endpoint made of the machines of codec/quic, without TLS and without anything to send: what it says of a peer is what they
// say. What packages leave to the connection is in it: connection IDs of the transport parameters, and datagrams that were not negotiated.
type quicEnd struct {
	role    quic.Role
	c       *Conversation
	now     codec.Time
	keys    *protect.Keys
	largest [recovery.Spaces]int64
	params  quic.TransportParameters
	limits  stream.Limits
	store   stream.Store
	streams stream.Streams
	window  stream.RecvWindow
	credit  stream.SendWindow
	recv    map[quic.StreamID]*quicStream
	send    map[quic.StreamID]*stream.SendStream
	crypto  [recovery.Spaces]stream.CryptoRecv
	local   path.LocalIDs
	remote  path.RemoteIDs
	paths   path.Paths
	closer  path.Closer
	sender  recovery.Sender
	acks    recovery.Receiver
	batch   recovery.Batch
}

type quicStream struct {
	stream.RecvStream
	body []byte
}

// quicPTO stands in for the probe timeout where a machine wants to know it.
const quicPTO = 100 * time.Millisecond

func newQUIC(role quic.Role, c *Conversation) (*quicEnd, error) {
	e := &quicEnd{role: role, c: c, now: 1, limits: stream.Limits{}.Norm(), recv: map[quic.StreamID]*quicStream{}, send: map[quic.StreamID]*stream.SendStream{}}
	secret, _, err := protect.InitialSecrets(quic.Version1, quicOriginal)
	if err != nil {
		return nil, err
	}
	if e.keys, err = protect.New(quic.Version1, protect.AES128GCM, secret); err != nil {
		return nil, err
	}
	own, _ := quic.MakeConnectionID(quicOwn)
	theirs, _ := quic.MakeConnectionID(quicTheirs)
	err = errors.Join(e.sender.Init(recovery.Config{Role: role, NoSkip: true}), e.acks.Init(recovery.ReceiverConfig{AckDelayExponent: 3}))
	if err != nil {
		return nil, err
	}
	e.streams.Init(role, &e.limits)
	e.window.Init(true, uint64(e.limits.Window), uint64(e.limits.MaxWindow))
	e.local.Init(own)
	e.remote.Init(theirs, 4)
	tuple := path.Tuple{}
	e.paths.Init(role, tuple, &e.remote)
	e.paths.HandshakeValidated()
	for s := range recovery.Space(recovery.Spaces) {
		e.crypto[s].Init(&e.store, &e.limits)
		e.largest[s] = quic.NoPacket
		for range 2 { // what it has sent in the handshake
			if err := e.sender.Sent(e.now, s, recovery.Packet{Number: e.sender.Next(s), Octets: 1200, Eliciting: true}); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

func quicRead(in *Input, role quic.Role) Verdict {
	c, err := Packets(in.Bytes)
	if err != nil {
		return Verdict{Reason: err.Error(), Left: -1}
	}
	e, err := newQUIC(role, c)
	if err != nil {
		return Verdict{Reason: err.Error(), Left: -1}
	}
	if err := e.run(); err != nil {
		var v Verdict
		var f *quic.Error
		if !errors.As(err, &f) {
			return Verdict{Reason: err.Error(), Left: -1}
		}
		if f.Scope != codec.ScopeConn {
			return Verdict{Reason: f.Reason, Left: -1}
		}
		return v.refuse(f.Code.String()+" "+f.Reason, -1)
	}
	return e.verdict()
}

// run takes the handshake and the packets. A client's transport parameters come in its first packet, a server's at the end of its own.
func (e *quicEnd) run() error {
	if e.role == quic.Server {
		if err := e.parameters(); err != nil {
			return err
		}
	}
	done := false
	for i := range e.c.Packets {
		p := &e.c.Packets[i]
		if p.Type == quic.OneRTT && !done {
			if err := e.complete(); err != nil {
				return err
			}
			done = true
		}
		if err := e.packet(p); err != nil {
			return err
		}
		if e.closer.State() != path.Open {
			return nil
		}
	}
	if !done {
		return e.complete()
	}
	return nil
}

// complete ends the handshake.
func (e *quicEnd) complete() error {
	if e.role == quic.Client {
		if err := e.parameters(); err != nil {
			return err
		}
	}
	for s := range e.crypto {
		e.crypto[s].HandshakeDone()
	}
	e.sender.HandshakeConfirmed(e.now)
	for i := range e.local.Wanted() {
		id, _ := quic.MakeConnectionID(append([]byte("ourotid"), byte('1'+i)))
		if _, err := e.local.Issue(id, quic.ResetToken{byte(i + 1)}); err != nil {
			return err
		}
	}
	for f := (quic.Frame{}); e.local.NextFrame(&f); {
		e.local.Acked(f.Sequence)
	}
	e.paths.Confirm(e.params.DisableMigration)
	return nil
}

// parameters reads the peer's transport parameters.
func (e *quicEnd) parameters() error {
	peer := quic.Client
	if e.role == quic.Client {
		peer = quic.Server
	}
	if err := quic.ParseTransportParameters(e.c.Parameters(peer, quicTheirs, quicOriginal), peer, &e.params); err != nil {
		return err
	}
	p, fault := &e.params, ""
	switch {
	// 9000-7.3-4: "An endpoint MUST treat the absence of the initial_source_connection_id transport parameter from either endpoint or the absence
	// of the original_destination_connection_id transport parameter from the server as a connection error of type TRANSPORT_PARAMETER_ERROR."
	case !p.HasInitialSrcID || p.HasOriginalDstID != (peer == quic.Server):
		fault = "9000-7.3-4: connection ID parameter is missing"
	// 9000-7.3-5: "An endpoint MUST treat the following as a connection error of type TRANSPORT_PARAMETER_ERROR or PROTOCOL_VIOLATION:"
	case p.HasRetrySrcID:
		fault = "9000-7.3-6.2: retry_source_connection_id without a Retry"
	case !p.InitialSrcID.Is(quicTheirs) || p.HasOriginalDstID && !p.OriginalDstID.Is(quicOriginal):
		fault = "9000-7.3-6.3: connection ID parameter is not that of the packets"
	}
	if fault != "" {
		return &quic.Error{Scope: codec.ScopeConn, Code: quic.TransportParameterError, Off: -1, Reason: fault}
	}
	e.credit.Grow(p.MaxData)
	if _, err := e.streams.Local[0].Grow(p.MaxStreamsBidi); err != nil {
		return err
	}
	if _, err := e.streams.Local[1].Grow(p.MaxStreamsUni); err != nil {
		return err
	}
	e.local.SetLimit(p.ActiveIDLimit)
	return e.sender.SetPeer(time.Duration(p.MaxAckDelay)*time.Millisecond, uint8(p.AckDelayExponent))
}

// packet protects a packet, and opens and reads it as any other.
func (e *quicEnd) packet(p *Packet) error {
	e.now += codec.Time(quicPTO)
	space, _ := recovery.SpaceOf(p.Type)
	wire, err := p.Append(nil, quicOwn, quicTheirs, e.largest[space]+1, e.keys)
	if err != nil {
		return err
	}
	it := quic.HeaderOptions{ShortIDLen: len(quicOwn)}.Packets(wire)
	var h quic.Header
	packet, err := it.Next(&h)
	if err != nil {
		return nil // dropped
	}
	o, err := quic.Unmask(packet, h.NumberAt, e.largest[space], e.keys)
	if err != nil {
		return nil // dropped
	}
	payload, err := o.Open(packet, e.keys)
	if err != nil {
		var f *quic.Error
		if errors.As(err, &f) && f.Scope == 0 {
			return nil // dropped
		}
		return err
	}
	if e.acks.Seen(space, o.Number) {
		return nil
	}
	e.largest[space] = max(e.largest[space], o.Number)
	seq, _ := e.local.Sequence(h.DstID)
	var d quic.FrameDecoder
	var f quic.Frame
	eliciting := false
	d.Init(e.role, p.Type, len(payload))
	for !d.Ended() {
		n, err := d.Next(payload, &f)
		if err != nil {
			return err
		}
		payload = payload[n:]
		eliciting = eliciting || f.Kind.AckEliciting()
		if err := e.frame(&f, space, seq); err != nil {
			return err
		}
		if e.closer.State() != path.Open {
			return nil
		}
	}
	if err := e.acks.Received(e.now, space, o.Number, eliciting, recovery.NotECT); err != nil {
		return err
	}
	e.owed()
	return nil
}

// frame gives a frame to the machine whose it is. seq is the number of the connection ID that the packet was sent to.
func (e *quicEnd) frame(f *quic.Frame, space recovery.Space, seq uint64) error {
	switch f.Kind {
	case quic.Ack:
		return e.sender.Ack(e.now, space, &f.Ack, &e.batch)
	case quic.Crypto:
		_, err := e.crypto[space].Receive(f)
		return err
	case quic.Stream, quic.ResetStream, quic.StreamDataBlocked, quic.StopSending, quic.MaxStreamData:
		return e.streamFrame(f)
	case quic.MaxData:
		e.credit.Grow(f.Value)
	case quic.MaxStreams:
		_, err := e.streams.Local[index(f.Uni)].Grow(f.Value)
		return err
	case quic.DataBlocked:
		return e.window.Blocked(e.now)
	case quic.StreamsBlocked:
		return e.streams.Peer[index(f.Uni)].Blocked(e.now, f.Value)
	case quic.NewConnectionID:
		return e.remote.New(f)
	case quic.RetireConnectionID:
		_, _, err := e.local.Retire(f.Sequence, seq, true)
		return err
	case quic.PathChallenge:
		e.paths.Active().Responses.Challenged(path.Challenge(f.Token[:8]))
	case quic.PathResponse:
		e.paths.Response(e.now, path.Challenge(f.Token[:8]), quicPTO)
	case quic.ConnectionClose:
		e.closer.PeerClosed(e.now, quicPTO)
	case quic.Datagram:
		// 9221-3-3: "An endpoint that receives a DATAGRAM frame when it has not indicated support via the transport parameter MUST terminate the
		// connection with an error of type PROTOCOL_VIOLATION."
		return &quic.Error{Scope: codec.ScopeConn, Code: quic.ProtocolViolation, Frame: 0x30, Off: -1, Reason: "9221-3-3: DATAGRAM was not negotiated"}
	}
	return nil
}

func index(uni bool) int {
	if uni {
		return 1
	}
	return 0
}

// streamFrame takes a frame that names a stream.
func (e *quicEnd) streamFrame(f *quic.Frame) error {
	fresh, err := e.streams.Touch(f.Kind, f.StreamID)
	if err != nil {
		return err
	}
	id := f.StreamID
	if fresh {
		r := &quicStream{}
		r.Init(id, &e.store, &e.window, &e.limits)
		e.recv[id] = r
		if !id.Uni() {
			s := &stream.SendStream{}
			s.Init(id, &e.store, &e.credit, e.params.MaxStreamDataBidiLocal, &e.limits)
			e.send[id] = s
		}
	}
	r, s := e.recv[id], e.send[id]
	switch f.Kind {
	case quic.StopSending:
		s.StopSending(f.Code)
	case quic.MaxStreamData:
		s.MaxStreamData(f.Value)
	case quic.StreamDataBlocked:
		return r.Blocked(e.now)
	case quic.ResetStream:
		return r.Reset(f)
	case quic.Stream:
		lent, err := r.Receive(f, true)
		if err != nil {
			return err
		}
		r.body = append(r.body, lent...)
		for b := r.Peek(); len(b) > 0; b = r.Peek() {
			r.body = append(r.body, b...)
			if err := r.Consume(len(b)); err != nil {
				return err
			}
		}
	}
	return nil
}

// owed sends what the machines want sent, and has it acknowledged unless the peer acknowledges nothing.
func (e *quicEnd) owed() {
	var f quic.Frame
	for _, r := range e.recv {
		for r.NextFrame(e.now, quicPTO, &f) {
			r.Acked(&f)
		}
	}
	if e.window.Due() {
		e.window.Emit(e.now, quicPTO)
	}
	for e.remote.NextFrame(&f) {
		if !e.c.NoAck {
			e.remote.Acked(f.Sequence)
		}
	}
	for _, found := e.paths.Active().Responses.Next(); found; {
		_, found = e.paths.Active().Responses.Next()
	}
}

// verdict shows the streams of the peer.
func (e *quicEnd) verdict() Verdict {
	v := Verdict{Outcome: Accept, Left: -1}
	var ids []quic.StreamID
	for id := range e.recv {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		r := e.recv[id]
		end := StreamOpen
		switch r.State() {
		case stream.RecvDataRead:
			end = StreamEnded
		case stream.RecvResetRecvd, stream.RecvResetRead:
			end = StreamWasReset
		}
		if m, shown := StreamMessage(uint64(id), r.body, end); shown {
			v.Messages = append(v.Messages, m)
		}
	}
	return v
}
