//go:build gofuzz

package fuzz

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// crash is a codectest.TB for engines that know only panics.
type crash struct{}

func (crash) Helper()                   {}
func (crash) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

func run(name string, data []byte) int { return Find(name).Run(crash{}, data) }

// named is the target that FuzzNamed runs: the environment or the name of the program says which.
var named = func() *Target {
	name := os.Getenv("FUZZ_TARGET")
	if name == "" && len(os.Args) > 0 {
		name = filepath.Base(os.Args[0])
	}
	return Find(strings.TrimPrefix(name, "Fuzz"))
}()

// FuzzNamed is all targets in one: libFuzzer takes one function for a program, and to build a program for each target would take half
// a minute each. The program runs the target whose name it has, FuzzHTTP1Request for instance, or that of FUZZ_TARGET.
func FuzzNamed(data []byte) int {
	if named == nil {
		panic("fuzz: the program, or FUZZ_TARGET, must have the name of a target: go run ./fuzz/cmd/seeds -list")
	}
	return named.Run(crash{}, data)
}

// One function for each Target, which has the documentation: go doc ./fuzz.

func FuzzHTTP1Request(data []byte) int   { return run("HTTP1Request", data) }
func FuzzHTTP1Response(data []byte) int  { return run("HTTP1Response", data) }
func FuzzHTTP1RoundTrip(data []byte) int { return run("HTTP1RoundTrip", data) }
func FuzzHTTP1Pair(data []byte) int      { return run("HTTP1Pair", data) }

func FuzzHPACK(data []byte) int          { return run("HPACK", data) }
func FuzzHPACKPair(data []byte) int      { return run("HPACKPair", data) }
func FuzzWSServer(data []byte) int       { return run("WSServer", data) }
func FuzzWSClient(data []byte) int       { return run("WSClient", data) }
func FuzzWSOps(data []byte) int          { return run("WSOps", data) }
func FuzzWSPair(data []byte) int         { return run("WSPair", data) }
func FuzzWSHandshake(data []byte) int    { return run("WSHandshake", data) }
func FuzzHTTP2Frames(data []byte) int    { return run("HTTP2Frames", data) }
func FuzzHTTP2Server(data []byte) int    { return run("HTTP2Server", data) }
func FuzzHTTP2Client(data []byte) int    { return run("HTTP2Client", data) }
func FuzzHTTP2Ops(data []byte) int       { return run("HTTP2Ops", data) }
func FuzzHTTP2Pair(data []byte) int      { return run("HTTP2Pair", data) }
func FuzzQPACK(data []byte) int          { return run("QPACK", data) }
func FuzzQPACKPair(data []byte) int      { return run("QPACKPair", data) }
func FuzzQPACKEncoder(data []byte) int   { return run("QPACKEncoder", data) }
func FuzzQUICFrames(data []byte) int     { return run("QUICFrames", data) }
func FuzzQUICPayload(data []byte) int    { return run("QUICPayload", data) }
func FuzzQUICHeader(data []byte) int     { return run("QUICHeader", data) }
func FuzzQUICParameters(data []byte) int { return run("QUICParameters", data) }
func FuzzQUICProtect(data []byte) int    { return run("QUICProtect", data) }
func FuzzQUICPair(data []byte) int       { return run("QUICPair", data) }
func FuzzGRPC(data []byte) int           { return run("GRPC", data) }
func FuzzGRPCPair(data []byte) int       { return run("GRPCPair", data) }
func FuzzGRPCText(data []byte) int       { return run("GRPCText", data) }
func FuzzGRPCInflate(data []byte) int    { return run("GRPCInflate", data) }
func FuzzH3Server(data []byte) int       { return run("H3Server", data) }
func FuzzH3Client(data []byte) int       { return run("H3Client", data) }
func FuzzH3Pair(data []byte) int         { return run("H3Pair", data) }
func FuzzH3Ops(data []byte) int          { return run("H3Ops", data) }
func FuzzQUICRanges(data []byte) int     { return run("QUICRanges", data) }
