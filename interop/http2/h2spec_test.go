package http2_test

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/summerwind/h2spec/client"
	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	ours "github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// allowed lists the cases of h2spec that may fail, because RFC 9113 says otherwise than RFC 7540, for which h2spec was written.
// See conform/h2spec.txt for the server as a whole.
var allowed = map[string]string{}

// TestH2spec runs all cases of h2spec, strict ones too, against our server machine.
func TestH2spec(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of waiting for what must not come")
	}
	addr, _ := echoServer(t, nil)
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n, _ := strconv.Atoi(port)
	c := &config.Config{Host: host, Port: n, Path: "/big/20000", Timeout: 2 * time.Second, MaxHeaderLen: 4000, Strict: true}
	total := 0
	for _, g := range []*spec.TestGroup{generic.Spec(), ours.Spec(), hpack.Spec()} {
		g.Test(c)
		total += judge(t, g)
	}
	if total != 146 {
		t.Errorf("h2spec has %d cases, not 146", total)
	}
}

func judge(t *testing.T, g *spec.TestGroup) (n int) {
	for _, tc := range append(g.Tests, g.StrictTests...) {
		n++
		name := fmt.Sprintf("%s/%d: %s", g.ID(), tc.Result.Sequence, tc.Desc)
		switch {
		case tc.Result.Skipped:
			t.Errorf("skipped: %s", name)
		case tc.Result.Failed && allowed[name] == "":
			t.Errorf("failed: %s\n%v", name, tc.Result.Error)
		case !tc.Result.Failed && allowed[name] != "":
			t.Errorf("passes now, take it off the list: %s", name)
		}
	}
	for _, sub := range g.Groups {
		n += judge(t, sub)
	}
	return n
}

// TestH2specClient runs the cases of h2spec for clients against our client machine.
func TestH2specClient(t *testing.T) {
	c := &config.Config{Timeout: 2 * time.Second, MaxHeaderLen: 4000, Strict: true}
	if n := clientCases(t, c, client.Spec()); n < 50 {
		t.Errorf("only %d cases", n)
	}
}

func clientCases(t *testing.T, c *config.Config, g *spec.ClientTestGroup) (n int) {
	for _, tc := range g.Tests {
		n++
		t.Run(fmt.Sprintf("%s/%d", g.ID(), tc.Seq), func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer ln.Close()
			peer := dial(t, ln.Addr().String(), nil)
			nc, err := ln.Accept()
			require.NoError(t, err)
			conn, err := spec.Accept(c, nc)
			require.NoError(t, err)
			defer conn.Close()
			peer.send("GET", "/", nil, nil, nil)
			if err := tc.Run(c, conn); err != nil {
				t.Errorf("%s\n%s\n%v\nour side: %s", tc.Desc, tc.Requirement, err, failed(peer.l.err))
			}
		})
	}
	for _, sub := range g.Groups {
		n += clientCases(t, c, sub)
	}
	return n
}
