// Package codectest holds a codec to the ten laws of package codec. It is a public test kit: any sans-I/O codec with a
// Next(src, *Event) (n, err) can be adapted with a few lines, a user's own included.
//
//	type inst struct {
//		d  toy.Decoder
//		ev toy.Event
//	}
//
//	func (i *inst) Next(src []byte) (int, bool, error) { n, err := i.d.Next(src, &i.ev); return n, i.ev.Kind != toy.None, err }
//	func (i *inst) Event() any                          { return &i.ev }
//	func (i *inst) Reset()                              { i.d = toy.Decoder{} }
//	func (i *inst) Fault(err error) codectest.Fault     { ... }
//	func (i *inst) Render(log *codectest.Log)           { ... }
//
//	func TestLaws(t *testing.T) {
//		a := codectest.Adapter{New: func() codectest.Instance { return new(inst) }, MaxTail: 64}
//		codectest.Laws(t, a, []byte("PUT 5\nhello"))
//	}
//
// # Golden cases
//
// RunGolden reads literate cases from text files, each an input with the log of events that it must give, compares, and
// applies every law to each. The format is described in corpus/README.md of the repository. The same files seed fuzzing.
//
// # Vectors
//
// RunVectors reads calls with their results from text files: for functions without state, encoders and scripts of operations, which
// are no stream of events. The package under test gives its operations by name:
//
//	codectest.RunVectors(t, "../../corpus/toy/vectors", func() map[string]codectest.VectorOp {
//		return map[string]codectest.VectorOp{
//			"append": func(a *codectest.Args) string { return codectest.Quote(toy.Append(nil, a.Bytes())) },
//		}
//	})
//
// # Laws
//
// Each law is also a function of its own that reports to a TB, a small part of testing.TB. A law reports once and stops.
package codectest
