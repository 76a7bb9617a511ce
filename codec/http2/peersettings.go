package http2

import "encoding/base64"

// settingsFrame: SETTINGS.
func (c *Conn) settingsFrame(h *FrameHeader, p []byte, ev *Event) {
	if h.Flags.Has(FlagAck) {
		if c.owed.acked || c.owed.preface {
			c.spend(10, 0) // nothing was asked
			return
		}
		c.acknowledged()
		ev.Kind = SettingsAcked
		return
	}
	list := ParseSettings(p)
	// The first one is everybody's right.
	if c.phase == wantFrames && !c.spend(10+int64(list.Len()/16), 0) {
		return
	}
	if f := c.apply(list); f != ok {
		c.fail(f, 0)
		return
	}
	c.phase = wantFrames
	c.owed.acks++
	ev.Kind = SettingsReceived
}

// acknowledged puts our settings into force.
//
// RFC 9113 section 6.5.3: upon receiving a SETTINGS frame with the ACK flag set, the sender of the altered settings can rely on
// their having been applied.
func (c *Conn) acknowledged() {
	c.owed.acked = true
	c.owed.deadline = 0
	c.dec.SetTableSize(int(c.local().HeaderTableSize))
	delta := int64(c.p.window.Stream) - initialWindow
	for i := range c.tab.slots {
		if s := &c.tab.slots[i]; s.id != 0 {
			s.recv.shift(delta)
			// What was released under the larger window of before may be due in the smaller one, and nothing else would tell the peer.
			if s.state == open || s.state == halfLocal {
				c.queue(int32(i))
			}
		}
	}
}

// apply takes the peer's settings over: in order, and all together for the windows.
func (c *Conn) apply(list SettingList) Fault {
	before := c.peer.InitialWindowSize
	for i := range list.Len() {
		if f := c.peer.Apply(list.At(i), !c.again, c.role == Client); f != ok {
			return f
		}
	}
	c.again = true
	// RFC 9113 section 4.3.1, RFC 7541 section 4.2: the encoder may use any table size up to the setting.
	c.enc.SetMaxTableSize(int(min(c.peer.HeaderTableSize, 1<<30)))
	delta := int64(c.peer.InitialWindowSize) - int64(before)
	if delta == 0 {
		return ok
	}
	for i := range c.tab.slots {
		s := &c.tab.slots[i]
		if s.id == 0 || s.state != open && s.state != halfRemote {
			continue
		}
		// RFC 9113 section 6.9.2: a receiver of SETTINGS_INITIAL_WINDOW_SIZE MUST adjust the size of all stream flow-control windows
		// that it maintains by the difference between the new value and the old value; a change that causes any window to exceed
		// the maximum size MUST be treated as a connection error of type FLOW_CONTROL_ERROR.
		if !s.send.shift(delta) {
			return fSettingsOverflow
		}
		c.unstall(int32(i))
	}
	return ok
}

// InitUpgraded begins a connection that has come from HTTP/1.1 by Upgrade: h2c (RFC 7540 section 3.2, which RFC 9113 has
// dropped): the request is stream 1, and settings is the decoded value of its HTTP2-Settings field (see DecodeUpgradeSettings).
// A server answers with 101, calls InitUpgraded, sends AppendOwed and then the response on stream 1; the client's preface still follows. A client calls it
// after the 101; settings are its own and not looked at; the response comes on stream 1. The error is that of invalid settings.
func (c *Conn) InitUpgraded(role Role, p *Profile, settings []byte) error {
	c.Init(role, p)
	if role == Server {
		f := fUpgradeSize
		if len(settings)%settingLen == 0 {
			f = c.apply(ParseSettings(settings))
			c.again = false // the SETTINGS frame behind the preface is the first
		}
		if f != ok {
			c.fail(f, 0)
			return &c.err
		}
	}
	// RFC 7540 section 3.2: the HTTP/1.1 request is assigned a stream identifier of 1; it is half-closed from the client toward the
	// server. Section 3.2.1: acknowledgement of the settings is implied by the 101.
	c.mem.use(1)
	st, flags := halfRemote, sShown|sGot
	if role == Client {
		st, flags = halfLocal, sShown|sOwn|sSent
		c.owns++
	} else {
		c.lastID = 1
		c.peers++
	}
	slot := c.insert(1, st)
	c.tab.slots[slot].flags = flags
	return nil
}

// AppendUpgradeSettings appends the value of the HTTP2-Settings field of a request with Upgrade: h2c: what a client with
// this profile announces, in base64url.
func AppendUpgradeSettings(dst []byte, p *Profile) []byte {
	if p == nil {
		p = defaultProfile
	}
	known := DefaultSettings()
	frame := p.client.Append(nil, &known)
	return base64.RawURLEncoding.AppendEncode(dst, frame[FrameHeaderLen:])
}

// DecodeUpgradeSettings appends the decoded value of an HTTP2-Settings field: base64url without padding (RFC 7540 section 3.2.1).
func DecodeUpgradeSettings(dst, value []byte) ([]byte, error) {
	out, err := base64.RawURLEncoding.Strict().AppendDecode(dst, value)
	if err != nil {
		return dst, fUpgradeEncoding
	}
	return out, nil
}
