package verdict

import (
	"errors"
	"time"

	"github.com/purewire/purewire/codec/quic"
	core "github.com/purewire/purewire/corpus/verdict"
)

// over tells whether the other end has closed the connection.
func (s *speaker) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed != "" || s.fault != nil
}

// locked calls f with the speaker locked.
func (s *speaker) locked(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

// run has the conversation. alive is false if the other end has closed it, or does not answer any more.
func (s *speaker) run() (alive bool, err error) {
	settle()
	packet := func(t quic.PacketType) error {
		for i := range s.c.Packets {
			if p := &s.c.Packets[i]; p.Type == t && !s.over() {
				if err := s.locked(func() error { return s.send(p) }); err != nil {
					return err
				}
				settle()
			}
		}
		return nil
	}
	if err := packet(quic.Initial); err != nil || s.over() {
		return false, err
	}
	if s.role == quic.Server {
		if err := s.locked(func() error { return s.flush(quic.Initial) }); err != nil {
			return false, err
		}
		settle()
	}
	if err := packet(quic.Handshake); err != nil || s.over() {
		return false, err
	}
	if err := s.locked(func() error { return s.flush(quic.Handshake) }); err != nil {
		return false, err
	}
	settle()
	if s.over() {
		return false, nil
	}
	if err := s.locked(func() error {
		if !s.complete {
			return errors.New("the handshake does not end")
		}
		if s.role == quic.Server {
			return s.send(&core.Packet{Type: quic.OneRTT, Payload: []byte{0x1e}})
		}
		return nil
	}); err != nil {
		return false, err
	}
	if err := s.locked(func() error { return s.flush(quic.OneRTT) }); err != nil {
		return false, err
	}
	settle()
	s.quiet = s.c.NoAck
	if err := packet(quic.OneRTT); err != nil {
		return false, err
	}
	// A PING that is acknowledged shows that the other end is alive.
	time.Sleep(time.Second)
	settle()
	var ping int64
	if err := s.locked(func() error {
		ping = s.spaces[quic.OneRTT].next
		return s.send(&core.Packet{Type: quic.OneRTT, Payload: []byte{1}})
	}); err != nil {
		return false, err
	}
	settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed == "" && s.answered >= ping, s.fault
}
