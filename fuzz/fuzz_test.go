package fuzz_test

import (
	"strings"
	"testing"

	"github.com/purewire/purewire/codec/codectest"
	"github.com/purewire/purewire/fuzz"
)

const corpusDir = "../corpus"

// engine makes a native fuzz target of a Target.
func engine(f *testing.F, name string) {
	f.Helper()
	target := fuzz.Find(name)
	seeds, err := target.Seeds(corpusDir)
	if err != nil {
		f.Fatal(err)
	}
	for i, s := range seeds {
		// Under -short, where the race detector makes all slow, each eighth golden case: their own packages run all of them.
		if testing.Short() && target.Laws() && i%8 != 0 && !strings.HasPrefix(s.Name, "regression-") {
			continue
		}
		f.Add(s.Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		target.Run(t, data)
		if t.Failed() {
			t.Logf("%s\n%s", codectest.CaseMark, target.Case("found by "+f.Name(), target.About, data))
		}
	})
}

func FuzzHTTP1Request(f *testing.F)   { engine(f, "HTTP1Request") }
func FuzzHTTP1Response(f *testing.F)  { engine(f, "HTTP1Response") }
func FuzzHTTP1RoundTrip(f *testing.F) { engine(f, "HTTP1RoundTrip") }
func FuzzHTTP1Pair(f *testing.F)      { engine(f, "HTTP1Pair") }

func FuzzHPACK(f *testing.F)          { engine(f, "HPACK") }
func FuzzHPACKPair(f *testing.F)      { engine(f, "HPACKPair") }
func FuzzWSServer(f *testing.F)       { engine(f, "WSServer") }
func FuzzWSClient(f *testing.F)       { engine(f, "WSClient") }
func FuzzWSOps(f *testing.F)          { engine(f, "WSOps") }
func FuzzWSPair(f *testing.F)         { engine(f, "WSPair") }
func FuzzWSHandshake(f *testing.F)    { engine(f, "WSHandshake") }
func FuzzHTTP2Frames(f *testing.F)    { engine(f, "HTTP2Frames") }
func FuzzHTTP2Server(f *testing.F)    { engine(f, "HTTP2Server") }
func FuzzHTTP2Client(f *testing.F)    { engine(f, "HTTP2Client") }
func FuzzHTTP2Ops(f *testing.F)       { engine(f, "HTTP2Ops") }
func FuzzHTTP2Pair(f *testing.F)      { engine(f, "HTTP2Pair") }
func FuzzQPACK(f *testing.F)          { engine(f, "QPACK") }
func FuzzQPACKPair(f *testing.F)      { engine(f, "QPACKPair") }
func FuzzQPACKEncoder(f *testing.F)   { engine(f, "QPACKEncoder") }
func FuzzQUICFrames(f *testing.F)     { engine(f, "QUICFrames") }
func FuzzQUICPayload(f *testing.F)    { engine(f, "QUICPayload") }
func FuzzQUICHeader(f *testing.F)     { engine(f, "QUICHeader") }
func FuzzQUICParameters(f *testing.F) { engine(f, "QUICParameters") }
func FuzzQUICProtect(f *testing.F)    { engine(f, "QUICProtect") }
func FuzzQUICPair(f *testing.F)       { engine(f, "QUICPair") }
func FuzzGRPC(f *testing.F)           { engine(f, "GRPC") }
func FuzzGRPCPair(f *testing.F)       { engine(f, "GRPCPair") }
func FuzzGRPCText(f *testing.F)       { engine(f, "GRPCText") }
func FuzzGRPCInflate(f *testing.F)    { engine(f, "GRPCInflate") }
func FuzzH3Server(f *testing.F)       { engine(f, "H3Server") }
func FuzzH3Client(f *testing.F)       { engine(f, "H3Client") }
func FuzzH3Pair(f *testing.F)         { engine(f, "H3Pair") }
func FuzzH3Ops(f *testing.F)          { engine(f, "H3Ops") }
func FuzzQUICRanges(f *testing.F)     { engine(f, "QUICRanges") }
