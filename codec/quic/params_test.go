package quic

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
)

func full() TransportParameters {
	p := DefaultTransportParameters()
	p.OriginalDstID, p.HasOriginalDstID = ConnectionID{n: 2, b: [20]byte{1, 2}}, true
	p.RetrySrcID, p.HasRetrySrcID = ConnectionID{}, true
	p.InitialSrcID, p.HasInitialSrcID = ConnectionID{n: 20}, true
	p.ResetToken, p.HasResetToken = token, true
	p.PreferredAddress = PreferredAddress{[4]byte{1, 2, 3, 4}, 443, [16]byte{15: 1}, 8443, ConnectionID{n: 1, b: [20]byte{9}}, token}
	p.HasPreferredAddress = true
	p.MaxIdleTimeout, p.MaxUDPPayload, p.MaxData = 30000, 1200, 1<<20
	p.MaxStreamDataBidiLocal, p.MaxStreamDataBidiRemote, p.MaxStreamDataUni = 1, 2, MaxVarint
	p.MaxStreamsBidi, p.MaxStreamsUni = MaxStreamCount, 3
	p.AckDelayExponent, p.MaxAckDelay, p.ActiveIDLimit, p.MaxDatagram = 20, 1<<14-1, 2, 65535
	p.DisableMigration, p.GreaseQUICBit = true, true
	p.ChosenVersion, p.AvailableVersions = Version1, []byte{0x6b, 0x33, 0x43, 0xcf, 0, 0, 0, 1}
	return p
}

func TestParametersRoundTrip(t *testing.T) {
	p := full()
	wire, err := AppendTransportParameters([]byte("x"), Server, &p)
	if err != nil || wire[0] != 'x' {
		t.Fatal(err)
	}
	// 9000-7.4.2-1: unknown and reserved parameters are ignored.
	wire = AppendTransportParameter(wire[1:], ReservedParameter(7), []byte("grease"))
	var got TransportParameters
	if err := ParseTransportParameters(wire, Server, &got); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, p)
	}
	for cut := range wire {
		if err := ParseTransportParameters(wire[:cut], Server, &got); err == nil {
			again, err := AppendTransportParameters(nil, Server, &got) // cut between two parameters
			if err != nil || len(again) > cut {
				t.Errorf("cut at %d: %x, %v", cut, again, err)
			}
		} else if !isReason(err, rParamCut) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	defaults := DefaultTransportParameters()
	if wire, err := AppendTransportParameters(nil, Client, &defaults); err != nil || len(wire) != 0 {
		t.Errorf("%x, %v", wire, err)
	}
	if err := ParseTransportParameters(nil, Client, &got); err != nil || !reflect.DeepEqual(got, defaults) || got.MaxUDPPayload != 65527 {
		t.Errorf("%+v, %v", got, err)
	}
}

// The parameters in the ClientHello of RFC 9001 appendix A.2.
func TestParametersVector(t *testing.T) {
	var p TransportParameters
	err := ParseTransportParameters(unhex(t, "0408ffffffffffffffff 05048000ffff 07048000ffff 080110 01048000 7530 0901 10 0f088394c8f03e515708 06048000ffff"), Client, &p)
	if err != nil || p.MaxData != MaxVarint || p.MaxStreamDataUni != 65535 || p.MaxStreamsBidi != 16 || p.MaxIdleTimeout != 30000 || p.InitialSrcID.String() != "8394c8f03e515708" || p.ActiveIDLimit != 2 {
		t.Errorf("%+v, %v", p, err)
	}
}

// Every rule, at its limit and one beyond.
func TestParameterErrors(t *testing.T) {
	zeros := func(n int) string { return fmt.Sprintf("%0*x", 2*n, 0) }
	for _, c := range []struct {
		r         reason
		sender    Role
		bad, good string
	}{
		{rParamCut, Client, "01", "0100"[:0]},
		{rParamCut, Client, "0102 05", "0101 05"},
		{rParamTwice, Client, "010105 010105", "010105"},
		{rParamTwice, Client, "6ab200 6ab200", "6ab200"},
		{rParamTwice, Client, "3f00 3f00", "3f00 3e00"},
		{rParamTwice, Client, "404000 404000", "404000 404100"},
		{rParamInteger, Client, "0100", "010100"},
		{rParamInteger, Client, "01020505", "01024005"},
		{rParamServerOnly, Client, "0000", "0f00"},
		{rParamServerOnly, Client, "0210" + zeros(16), ""},
		{rParamServerOnly, Client, "0d2a" + zeros(24) + "01" + zeros(17), ""},
		{rParamServerOnly, Client, "1000", ""},
		{rParamID, Server, "0015" + zeros(21), "0014" + zeros(20)},
		{rParamToken, Server, "020f" + zeros(15), "0210" + zeros(16)},
		{rParamUDP, Client, "030244af", "030244b0"},
		{rParamExponent, Client, "0a0115", "0a0114"},
		{rParamDelay, Client, "0b0480004000", "0b027fff"},
		{rParamFlag, Client, "0c0100", "0c00"},
		{rParamFlag, Client, "6ab20100", "6ab200"},
		{rParamAddress, Server, "0d29" + zeros(24) + "01" + zeros(16), "0d2a" + zeros(24) + "01" + zeros(17)},
		{rParamAddress, Server, "0d10" + zeros(16), "0d3d" + zeros(24) + "14" + zeros(36)},
		{rParamAddressID, Server, "0d29" + zeros(24) + "00" + zeros(16), "0d2a" + zeros(24) + "01" + zeros(17)},
		{rParamAddressID, Server, "0d3e" + zeros(24) + "15" + zeros(37), "0d3d" + zeros(24) + "14" + zeros(36)},
		{rParamIDLimit, Client, "0e0101", "0e0102"},
		{rParamStreams, Client, "0808d000000000000001", "0808d000000000000000"},
		{rParamStreams, Client, "0908d000000000000001", "0908d000000000000000"},
		{rParamVersions, Client, "1103000001", "11080000000100000001"},
		{rParamVersions, Client, "11060000000100ff", "11080000000100000001"},
		{rParamVersionZero, Client, "11080000000100000000", "11080000000100000001"},
		{rParamChosenZero, Client, "110400000000", "11080000000100000001"},
		{rParamChosenAbsent, Client, "11080000000100000002", "110c000000010000000200000001"},
		{rParamChosenAbsent, Client, "110400000001", "11080000000100000001"},
	} {
		var p TransportParameters
		err := ParseTransportParameters(unhex(t, c.bad), c.sender, &p)
		if !isReason(err, c.r) || !errors.Is(err, TransportParameterError) {
			t.Errorf("%s: %v", c.bad, err)
		}
		if err := ParseTransportParameters(unhex(t, c.good), c.sender, &p); err != nil {
			t.Errorf("%s: %v", c.good, err)
		}
		if c.r == rParamServerOnly {
			if err := ParseTransportParameters(unhex(t, c.bad), Server, &p); err != nil {
				t.Errorf("%s from a server: %v", c.bad, err)
			}
		}
	}
	// An honest peer may send many unknown parameters.
	var many []byte
	for i := range uint32(1000) {
		many = AppendTransportParameter(many, ReservedParameter(i), nil)
	}
	var p TransportParameters
	if err := ParseTransportParameters(many, Client, &p); err != nil {
		t.Error(err)
	}
}

func TestAppendParametersRefuses(t *testing.T) {
	for i, change := range []func(*TransportParameters){
		func(p *TransportParameters) { p.MaxUDPPayload = 1199 },
		func(p *TransportParameters) { p.ActiveIDLimit = 1 },
		func(p *TransportParameters) { p.MaxData = 1 << 62 },
		func(p *TransportParameters) { p.MaxStreamsUni = MaxStreamCount + 1 },
		func(p *TransportParameters) { p.AckDelayExponent = 21 },
		func(p *TransportParameters) { p.MaxAckDelay = 1 << 14 },
		func(p *TransportParameters) { p.PreferredAddress.ID = ConnectionID{} },
		func(p *TransportParameters) { p.AvailableVersions = []byte{1} },
		func(p *TransportParameters) { p.AvailableVersions = make([]byte, 4) },
	} {
		p := full()
		change(&p)
		out, err := AppendTransportParameters([]byte("x"), Server, &p)
		var e *Error
		if !isReason(err, rPutParam) || !errors.As(err, &e) || e.Scope != codec.ScopeMisuse || string(out) != "x" {
			t.Errorf("%d: %q, %v", i, out, err)
		}
	}
	mine := DefaultTransportParameters()
	mine.ChosenVersion, mine.AvailableVersions = Version1, []byte{0, 0, 0, 2}
	if out, err := AppendTransportParameters(nil, Client, &mine); !isReason(err, rPutParam) || len(out) != 0 {
		t.Error("a client's chosen version is not among the available ones")
	}
	p := full()
	if out, err := AppendTransportParameters(nil, Client, &p); !isReason(err, rPutParamRole) || len(out) != 0 {
		t.Error(err)
	}
	if out := AppendTransportParameter([]byte("x"), 1<<62, nil); !bytes.Equal(out, []byte("x")) {
		t.Errorf("%q", out)
	}
}

// A parameter of 2^62-1 ms does not become a short timeout.
func TestParameterDurations(t *testing.T) {
	for ms, want := range map[uint64]time.Duration{
		0: 0, 1: time.Millisecond, 30000: 30 * time.Second, 9223372036854: 9223372036854 * time.Millisecond, 9223372036855: 1<<63 - 1, MaxVarint: 1<<63 - 1,
	} {
		if p := (TransportParameters{MaxIdleTimeout: ms}); p.IdleTimeout() != want {
			t.Errorf("%d: %v, want %v", ms, p.IdleTimeout(), want)
		}
	}
	if p := (TransportParameters{MaxAckDelay: 1<<14 - 1}); p.AckDelay() != 16383*time.Millisecond {
		t.Error(p.AckDelay())
	}
}
