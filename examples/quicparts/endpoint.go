package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/congestion"
	"github.com/purewire/purewire/codec/quic/keyphase"
	"github.com/purewire/purewire/codec/quic/path"
	"github.com/purewire/purewire/codec/quic/protect"
	"github.com/purewire/purewire/codec/quic/recovery"
	"github.com/purewire/purewire/codec/quic/stream"
)

const (
	idLen    = 8 // of our connection IDs
	keepIdle = 30 * time.Second
	initial  = recovery.Initial
	app      = recovery.Application
)

// endpoint is one end of a connection: the parts, and what is between them.
type endpoint struct {
	role            quic.Role
	config          *tls.Config
	tls             *tls.QUICConn // made by crypto/tls: the one part that is not ours
	original        quic.ConnectionID
	source, peerID  quic.ConnectionID
	peerSeq         uint64 // sequence number of peerID
	knowsPeer, done bool
	doneFrame       bool // HANDSHAKE_DONE is owed
	peer            quic.TransportParameters

	// Keys of each packet number space; for 1-RTT those before and after the present ones.
	write, read                   [recovery.Spaces]*protect.Keys
	previous, nextRead, nextWrite *protect.Keys
	phase                         keyphase.State
	phaseReady                    bool

	crypto [recovery.Spaces]struct {
		in  stream.CryptoRecv
		out stream.CryptoSend
	}
	sender   recovery.Sender
	receiver recovery.Receiver
	batch    recovery.Batch
	flight   map[uint64][]func(acked bool) // by token: what follows from the fate of each packet
	token    uint64
	control  congestion.Controller
	pacer    congestion.Pacer
	limited  bool // the application has nothing to send

	limit   path.Amplification
	idle    path.Idle
	closer  path.Closer
	local   path.LocalIDs
	remote  path.RemoteIDs
	answers path.Responder
	mtu     path.MTU

	limits  stream.Limits
	store   stream.Store
	in      stream.RecvWindow
	out     stream.SendWindow
	streams stream.Streams
	recv    map[quic.StreamID]*stream.RecvStream
	send    map[quic.StreamID]*stream.SendStream
	data    func(id quic.StreamID, b []byte, end bool) // to the application

	decoder quic.FrameDecoder
	frame   quic.Frame
	payload []byte
}

func newID() quic.ConnectionID {
	var b [idLen]byte
	rand.Read(b[:])
	id, _ := quic.MakeConnectionID(b[:])
	return id
}

func random64() uint64 {
	var b [8]byte
	rand.Read(b[:])
	var v uint64
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}

// newEndpoint makes an end that has sent and received nothing.
func newEndpoint(now codec.Time, role quic.Role, config *tls.Config) (*endpoint, error) {
	e := &endpoint{
		role: role, config: config, source: newID(), flight: map[uint64][]func(bool){}, limits: stream.Limits{}.Norm(),
		recv: map[quic.StreamID]*stream.RecvStream{}, send: map[quic.StreamID]*stream.SendStream{},
		payload: make([]byte, 0, 2048),
	}
	var err error
	e.control, err = congestion.New(congestion.CUBIC, congestion.Config{})
	err = errors.Join(err, e.pacer.Init(congestion.PacerConfig{}), e.receiver.Init(recovery.ReceiverConfig{AckDelayExponent: 3}),
		e.sender.Init(recovery.Config{Role: role, Rand: random64}))
	for i := range e.crypto {
		e.crypto[i].in.Init(&e.store, &e.limits)
		e.crypto[i].out.Init(&e.store, 1<<16, 256)
	}
	e.streams.Init(role, &e.limits)
	e.in.Init(true, uint64(e.limits.Window), uint64(e.limits.MaxWindow))
	e.local.Init(e.source)
	e.idle.Start(now, keepIdle, 0, 0)
	if role == quic.Client {
		e.limit.Validate() // it amplifies nothing
	}
	return e, err
}

// initialKeys makes the keys of Initial packets. original is the Destination Connection ID of the client's first packet.
func (e *endpoint) initialKeys(original quic.ConnectionID) error {
	e.original = original
	ours, theirs, err := protect.InitialSecrets(quic.Version1, original.Bytes())
	if err != nil {
		return err
	}
	if e.role == quic.Server {
		ours, theirs = theirs, ours
	}
	if e.write[initial], err = protect.New(quic.Version1, protect.AES128GCM, ours); err == nil {
		e.read[initial], err = protect.New(quic.Version1, protect.AES128GCM, theirs)
	}
	return err
}

// start begins the handshake: a client's at once, a server's with the first packet that is authentic.
func (e *endpoint) start(now codec.Time) error {
	p := quic.DefaultTransportParameters()
	p.MaxIdleTimeout = uint64(keepIdle / time.Millisecond)
	p.InitialSrcID, p.HasInitialSrcID = e.source, true
	p.MaxData, p.MaxStreamsBidi, p.MaxStreamsUni = e.in.Limit(), uint64(e.limits.Bidi), uint64(e.limits.Uni)
	p.MaxStreamDataBidiLocal, p.MaxStreamDataBidiRemote, p.MaxStreamDataUni =
		uint64(e.limits.StreamWindow), uint64(e.limits.StreamWindow), uint64(e.limits.StreamWindow)
	p.ActiveIDLimit = 4
	config := &tls.QUICConfig{TLSConfig: e.config}
	if e.role == quic.Client {
		e.peerID, e.tls = e.original, tls.QUICClient(config)
	} else {
		p.OriginalDstID, p.HasOriginalDstID = e.original, true
		e.tls = tls.QUICServer(config)
	}
	params, err := quic.AppendTransportParameters(nil, e.role, &p)
	if err != nil {
		return err
	}
	e.tls.SetTransportParameters(params)
	if err := e.tls.Start(context.Background()); err != nil {
		return err
	}
	return e.events(now)
}

func spaceOf(l tls.QUICEncryptionLevel) recovery.Space {
	switch l {
	case tls.QUICEncryptionLevelInitial:
		return recovery.Initial
	case tls.QUICEncryptionLevelHandshake:
		return recovery.Handshake
	}
	return recovery.Application
}

// events does what TLS asks for.
func (e *endpoint) events(now codec.Time) (err error) {
	for err == nil {
		ev := e.tls.NextEvent()
		space := spaceOf(ev.Level)
		switch ev.Kind {
		case tls.QUICNoEvent:
			return nil
		case tls.QUICSetReadSecret:
			e.read[space], err = protect.New(quic.Version1, protect.Suite(ev.Suite), ev.Data)
			if err == nil && space == app {
				e.nextRead, err = e.read[space].Update()
				err = errors.Join(err, e.startPhase(protect.Suite(ev.Suite)))
			}
		case tls.QUICSetWriteSecret:
			e.write[space], err = protect.New(quic.Version1, protect.Suite(ev.Suite), ev.Data)
			if err == nil && space == app {
				e.nextWrite, err = e.write[space].Update()
				err = errors.Join(err, e.startPhase(protect.Suite(ev.Suite)))
			}
			if space == recovery.Handshake {
				e.sender.HandshakeKeys(now)
			}
		case tls.QUICWriteData:
			_, err = e.crypto[space].out.Write(ev.Data)
		case tls.QUICTransportParameters:
			err = e.parameters(ev.Data)
		case tls.QUICHandshakeDone:
			e.mtu.Start(int(min(e.peer.MaxUDPPayload, 1472)))
			for i := range e.crypto {
				e.crypto[i].in.HandshakeDone()
			}
			if e.role == quic.Server { // for a server, complete is confirmed (RFC 9001 section 4.1.2)
				e.doneFrame = true
				err = e.confirm(now)
			}
		}
	}
	return err
}

func (e *endpoint) startPhase(s protect.Suite) error {
	if e.phaseReady {
		return nil
	}
	e.phaseReady = true
	confidentiality, integrity, _ := s.Limits()
	// UpdateAfter would be zero: this program is to show a key update.
	return e.phase.Init(keyphase.Config{Confidentiality: confidentiality, Integrity: integrity, UpdateAfter: 100})
}

var errParameters = errors.New("transport parameters with other connection IDs than the packets have")

// parameters takes the peer's transport parameters.
func (e *endpoint) parameters(b []byte) error {
	peer := quic.Client
	if e.role == quic.Client {
		peer = quic.Server
	}
	if err := quic.ParseTransportParameters(b, peer, &e.peer); err != nil {
		return err
	}
	// RFC 9000 section 7.3: nobody has changed the connection IDs on their way.
	if e.peer.InitialSrcID != e.peerID || e.role == quic.Client && e.peer.OriginalDstID != e.original {
		return errParameters
	}
	e.out.Grow(e.peer.MaxData)
	for kind, n := range []uint64{e.peer.MaxStreamsBidi, e.peer.MaxStreamsUni} {
		if _, err := e.streams.Local[kind].Grow(n); err != nil {
			return err
		}
	}
	if e.peer.HasResetToken {
		e.remote.SetToken(e.peer.ResetToken)
	}
	e.local.SetLimit(e.peer.ActiveIDLimit)
	e.idle.SetRemote(e.peer.IdleTimeout())
	return e.sender.SetPeer(e.peer.AckDelay(), uint8(e.peer.AckDelayExponent))
}

// confirm does what is to be done when the handshake is confirmed.
func (e *endpoint) confirm(now codec.Time) error {
	e.done = true
	e.sender.HandshakeConfirmed(now)
	e.phase.Confirm()
	return e.discard(now, recovery.Handshake)
}

// discard throws the keys of a space away, and all that depends on them.
func (e *endpoint) discard(now codec.Time, space recovery.Space) error {
	if e.write[space] == nil {
		return nil
	}
	e.write[space], e.read[space] = nil, nil
	e.crypto[space].in.Release()
	e.crypto[space].out.Release()
	e.receiver.Discard(space)
	err := e.sender.Discard(now, space, &e.batch)
	e.settle(now)
	return err
}

// rotate makes the next 1-RTT keys the present ones, in both directions.
func (e *endpoint) rotate() (err error) {
	e.previous, e.read[app], e.write[app] = e.read[app], e.nextRead, e.nextWrite
	if e.nextRead, err = e.read[app].Update(); err == nil {
		e.nextWrite, err = e.write[app].Update()
	}
	return err
}

// settle does what follows from what the sender has found out.
func (e *endpoint) settle(now codec.Time) {
	b := &e.batch
	if b.CE > 0 {
		e.control.OnCongestion(now, b.CESentAt, congestion.CE)
	}
	if b.LostOctets > 0 {
		e.control.OnLost(now, congestion.Loss{Octets: b.LostOctets, SentAt: b.LostSentAt, Persistent: b.Persistent})
	}
	rtt := congestion.RTT{Latest: b.Sample, Smoothed: e.sender.RTT().Smoothed(), Min: e.sender.RTT().Min()}
	for _, o := range b.Outcomes {
		switch o.Fate {
		case recovery.Acked:
			e.control.OnAcked(now, congestion.Ack{Octets: o.Octets, SentAt: o.SentAt, AppLimited: e.limited, RTT: rtt})
			rtt.Latest = 0 // a sample counts once
		case recovery.LateAcked:
			e.control.OnSpurious(now, o.SentAt, int(o.Octets))
		}
		if o.Fate == recovery.Acked || o.Fate == recovery.Lost || o.Fate == recovery.LateAcked {
			for _, f := range e.flight[o.Token] {
				f(o.Fate != recovery.Lost)
			}
		}
		if o.Fate != recovery.Lost { // a packet that was lost may be acknowledged late
			delete(e.flight, o.Token)
		}
	}
	e.control.OnDiscarded(now, b.DiscardedOctets)
	e.pacer.SetRate(now, e.control.Window(), e.sender.RTT().Smoothed(), e.control.SlowStart())
}

// deadline is when advance is to be called, if nothing arrives before.
func (e *endpoint) deadline(now codec.Time) codec.Time {
	if e.closer.State() != path.Open {
		return e.closer.Deadline()
	}
	t := codec.Earliest(e.sender.Deadline(), e.receiver.Deadline())
	t = codec.Earliest(t, codec.Earliest(e.phase.Deadline(), e.mtu.Deadline()))
	t = codec.Earliest(t, e.idle.Deadline(e.sender.ProbeTimeout()))
	if !e.limited && e.control.Available() >= int64(e.mtu.Size()) { // it is the pacer that holds something back
		t = codec.Earliest(t, e.pacer.Next(now, e.mtu.Size()))
	}
	return t
}

// advance tells the time.
func (e *endpoint) advance(now codec.Time) {
	e.closer.Advance(now)
	if e.idle.Expired(now, e.sender.ProbeTimeout()) {
		e.closer.Abort()
	}
	if e.phase.Advance(now) {
		e.previous = nil
	}
	e.sender.Advance(now, &e.batch)
	e.settle(now)
}

// close closes the connection.
func (e *endpoint) close(now codec.Time) { e.closer.Close(now, e.sender.ProbeTimeout()) }
