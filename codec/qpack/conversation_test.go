package qpack_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/qpack"
	"github.com/stretchr/testify/require"
)

var qpackStatic = qpack.StaticTable()

// sent is a section on its way.
type sent struct {
	wire   []byte
	fields []codec.Field
}

// talk is an Encoder and a Decoder with three kinds of streams between them, each with a delay of its own.
type talk struct {
	e        qpack.Encoder
	d        qpack.Decoder
	b        qpack.Block
	m        model
	ins      []byte // on the encoder stream
	answers  []byte // on the decoder stream
	streams  map[uint64][]sent
	order    []uint64
	seen     int // sections decoded
	blocked  int
	evicted  int
	fromHere uint64 // stream ids
}

// next returns a choice below n out of the fuzzer's octets.
func next(script *[]byte, n int) int {
	if len(*script) == 0 {
		return 0
	}
	c := (*script)[0]
	*script = (*script)[1:]
	return int(c) % n
}

func (k *talk) field(script *[]byte) codec.Field {
	c := next(script, 256)
	name := []string{":method", "user-agent", "x-a", "cookie", "x-longer-name", "accept", "x-b", ":path"}[c%8]
	value := fmt.Sprint("value", c/8%8)
	switch c / 64 {
	case 1:
		value = "GET"
	case 2:
		value = string(bytes.Repeat([]byte{byte('a' + c%5)}, 10+c%60))
	}
	return codec.Field{Name: []byte(name), Value: []byte(value), Sensitive: c == 77}
}

// converse runs a conversation as the script says.
func (k *talk) converse(script []byte) error {
	capacity := []uint64{0, 64, 100, 200, 1000, 4096}[next(&script, 6)]
	blocked := uint64(next(&script, 4))
	opt := qpack.EncoderOptions{Indexing: qpack.Indexing(next(&script, 3)), BlockedStreams: 100, NoHuffman: next(&script, 2) == 1, Sections: 1 + next(&script, 20)}
	k.e.Init(&opt)
	l := limitsFor(int(capacity), int(blocked))
	k.d.Init(&l)
	k.m = model{maxEntries: capacity / 32, blocked: blocked, open: map[uint64][]refs{}}
	k.streams = map[uint64][]sent{}
	if err := k.e.SetPeer(capacity, blocked); err != nil {
		return err
	}
	for len(script) > 0 {
		if err := k.step(&script); err != nil {
			return err
		}
	}
	return k.settle()
}

func (k *talk) step(script *[]byte) error {
	switch next(script, 8) {
	case 0, 1, 2:
		var fields []codec.Field
		for range next(script, 6) {
			fields = append(fields, k.field(script))
		}
		var stream uint64
		if next(script, 4) > 0 || len(k.order) == 0 {
			k.fromHere += 4
			stream = k.fromHere
		} else {
			stream = k.order[next(script, len(k.order))] // trailers
		}
		section, ins := k.e.AppendSection([]byte("dst"), []byte("ins"), stream, fields)
		section, ins = section[3:], ins[3:]
		if err := k.m.instructions(ins); err != nil {
			return err
		}
		got, err := k.m.section(stream, section)
		if err == nil {
			err = equal(fields, got)
		}
		if err != nil {
			return fmt.Errorf("model: %w", err)
		}
		k.ins = append(k.ins, ins...)
		if len(k.streams[stream]) == 0 {
			k.order = append(k.order, stream)
		}
		k.streams[stream] = append(k.streams[stream], sent{section, fields})
	case 3, 4:
		n := min(next(script, 64), len(k.ins))
		return k.instruct(n)
	case 5:
		if len(k.order) > 0 {
			return k.deliver(next(script, len(k.order)), next(script, 8))
		}
	case 6:
		if len(k.answers) == 0 {
			k.answers = k.d.AppendDecoderStream(nil, 1+next(script, 8))
		}
		n := min(1+next(script, 4), len(k.answers))
		return k.answer(n)
	case 7:
		if c := next(script, 8); c == 0 {
			k.e.SetCapacity(next(script, 256) * 8)
		} else if c < 3 && len(k.order) > 0 { // the stream is reset
			at := next(script, len(k.order))
			stream := k.order[at]
			k.order = append(k.order[:at], k.order[at+1:]...)
			delete(k.streams, stream)
			k.d.Cancel(stream)
		}
	}
	return nil
}

func (k *talk) instruct(n int) error {
	before, size := k.d.InsertCount(), k.d.TableLen()
	if err := k.d.ReadEncoderStream(k.ins[:n]); err != nil {
		return err
	}
	k.evicted += int(k.d.InsertCount()-before) + size - k.d.TableLen()
	k.ins = k.ins[n:]
	return nil
}

// deliver presents the next section of a stream, in two fragments.
func (k *talk) deliver(at, cut int) error {
	stream := k.order[at]
	s := k.streams[stream][0]
	cut = min(cut, len(s.wire))
	n, err := k.d.Decode(stream, s.wire[:cut], false, &k.b)
	if err == nil {
		_, err = k.d.Decode(stream, s.wire[n:], true, &k.b)
	}
	if err != nil {
		return err
	}
	if k.b.Blocked {
		k.blocked++
		return nil
	}
	if err := equal(s.fields, k.b.Fields); err != nil {
		return err
	}
	k.seen++
	if k.streams[stream] = k.streams[stream][1:]; len(k.streams[stream]) == 0 {
		k.order = append(k.order[:at], k.order[at+1:]...)
	}
	return nil
}

func (k *talk) answer(n int) error {
	if err := k.e.ReadDecoderStream(k.answers[:n]); err != nil {
		return err
	}
	k.m.answers(k.answers[:n])
	k.answers = k.answers[n:]
	if k.e.KnownReceived() != k.m.known {
		return fmt.Errorf("known received count %d, model %d", k.e.KnownReceived(), k.m.known)
	}
	return nil
}

// settle delivers everything: nothing may stay blocked or unacknowledged.
func (k *talk) settle() error {
	if err := k.instruct(len(k.ins)); err != nil {
		return err
	}
	for len(k.order) > 0 {
		if err := k.deliver(0, 0); err != nil {
			return err
		}
		if k.b.Blocked {
			return fmt.Errorf("a section stays blocked")
		}
	}
	for range 2 {
		if err := k.answer(len(k.answers)); err != nil {
			return err
		}
		k.answers = k.d.AppendDecoderStream(nil, -1)
	}
	if k.d.TableLen() != k.e.TableLen() || k.d.TableSize() != k.e.TableSize() || k.d.InsertCount() != k.e.InsertCount() || k.d.Capacity() != k.e.Capacity() {
		return fmt.Errorf("the tables differ")
	}
	if k.e.KnownReceived() != k.e.InsertCount() {
		return fmt.Errorf("%d of %d known", k.e.KnownReceived(), k.e.InsertCount())
	}
	if k.e.Outstanding() != 0 || k.d.Blocked() != 0 || k.d.Owed() != 0 {
		return fmt.Errorf("%d outstanding, %d blocked, %d owed", k.e.Outstanding(), k.d.Blocked(), k.d.Owed())
	}
	return nil
}

func equal(want, got []codec.Field) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d fields, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(want[i].Name, got[i].Name) || !bytes.Equal(want[i].Value, got[i].Value) || want[i].Sensitive != got[i].Sensitive {
			return fmt.Errorf("field %d: %s: %q %v, want %s: %q %v", i, got[i].Name, got[i].Value, got[i].Sensitive, want[i].Name, want[i].Value, want[i].Sensitive)
		}
	}
	return nil
}

// TestConversations: random conversations keep to the model, and they do reach what they are for.
func TestConversations(t *testing.T) {
	seen, blocked, evicted := 0, 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 9204))
		script := make([]byte, 600)
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		var k talk
		require.NoError(t, k.converse(script), "seed %d", seed)
		seen, blocked, evicted = seen+k.seen, blocked+k.blocked, evicted+k.evicted
	}
	t.Log(seen, "sections decoded,", blocked, "times blocked,", evicted, "entries evicted")
	require.Greater(t, seen, 1000)
	require.Greater(t, blocked, 100)
	require.Greater(t, evicted, 500)
}

// FuzzConversation: an Encoder and a Decoder with delays, cuts, cancellations and evictions as the octets say.
func FuzzConversation(f *testing.F) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 200)
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 1<<14 {
			return
		}
		var k talk
		if err := k.converse(script); err != nil {
			t.Fatal(err)
		}
	})
}
