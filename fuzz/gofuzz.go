//go:build gofuzz

package fuzz

import "fmt"

// crash is a codectest.TB for engines that know only panics.
type crash struct{}

func (crash) Helper()                   {}
func (crash) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

func run(name string, data []byte) int { return Find(name).Run(crash{}, data) }

func FuzzHTTP1Request(data []byte) int   { return run("HTTP1Request", data) }
func FuzzHTTP1Response(data []byte) int  { return run("HTTP1Response", data) }
func FuzzHTTP1RoundTrip(data []byte) int { return run("HTTP1RoundTrip", data) }
func FuzzHTTP1Pair(data []byte) int      { return run("HTTP1Pair", data) }

func FuzzHPACK(data []byte) int       { return run("HPACK", data) }
func FuzzHPACKPair(data []byte) int   { return run("HPACKPair", data) }
func FuzzWSServer(data []byte) int    { return run("WSServer", data) }
func FuzzWSClient(data []byte) int    { return run("WSClient", data) }
func FuzzWSOps(data []byte) int       { return run("WSOps", data) }
func FuzzWSPair(data []byte) int      { return run("WSPair", data) }
func FuzzWSHandshake(data []byte) int { return run("WSHandshake", data) }
func FuzzHTTP2Frames(data []byte) int { return run("HTTP2Frames", data) }
func FuzzHTTP2Server(data []byte) int { return run("HTTP2Server", data) }
func FuzzHTTP2Client(data []byte) int { return run("HTTP2Client", data) }
func FuzzHTTP2Ops(data []byte) int    { return run("HTTP2Ops", data) }
func FuzzHTTP2Pair(data []byte) int   { return run("HTTP2Pair", data) }
