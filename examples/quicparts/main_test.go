package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

const want = `client: TLS 1.3, ALPN example
server: stream 0 asks for "half a megabyte, please"
client: stream 0 has 500000 octets, all of them right: true
`

// The program does what it is for, over links of every kind.
func TestRun(t *testing.T) {
	for seed := range uint64(16) {
		var out bytes.Buffer
		l := link{loss: float64(seed%4) / 10, jitter: seed >= 4, mtu: 1400, shrunk: 1400 - 50*int(seed%3), seed: seed}
		require.NoError(t, run(&out, l), "%+v", l)
		require.Contains(t, out.String(), want, "%+v", l)
		require.Regexp(t, `(?m)^datagrams of up to 1[2-4][0-9][0-9] octets, keys updated: true, something lost: true\nboth ends are closed$`, out.String())
	}
}
