package protect_test

import (
	"fmt"

	"github.com/purewire/purewire/codec/quic"
	"github.com/purewire/purewire/codec/quic/protect"
)

// A client's first packet, protected and opened again.
func Example() {
	dstID := []byte{0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08}
	client, _, _ := protect.InitialSecrets(quic.Version1, dstID)
	keys, err := protect.New(quic.Version1, protect.AES128GCM, client)
	if err != nil {
		fmt.Println(err)
		return
	}
	payload := append([]byte{0x01}, make([]byte, 1161)...) // PING and PADDING
	packet, _ := quic.AppendLongHeader(nil, &quic.LongHeader{
		Type: quic.Initial, Version: quic.Version1, DstID: dstID, NumberLen: 2, Payload: len(payload) + protect.Overhead,
	})
	header := len(packet)
	packet, _ = quic.Protect(append(packet, payload...), 0, header, 0, keys)

	var h quic.Header
	it := quic.HeaderOptions{}.Packets(packet)
	packet, _ = it.Next(&h)
	o, _ := quic.Unmask(packet, h.NumberAt, quic.NoPacket, keys)
	got, err := o.Open(packet, keys)
	fmt.Println(h.Type, o.Number, len(got), err)
	// Output: Initial 0 1162 <nil>
}
