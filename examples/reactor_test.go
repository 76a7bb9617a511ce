//go:build linux || darwin || freebsd

package examples

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOwnProtocol(t *testing.T) {
	addr := program(t, "ownprotocol", "-addr", "127.0.0.1:0")
	require.Equal(t, "OK\nVALUE one two\nNONE\nOK\nNONE\nERROR\n",
		talk(t, addr, "SET a one two\nGET a\nGET b\nDEL a\r\nGET a\nDANCE\n"))
	// Keys are shared between connections, and a line may come in pieces.
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	br := bufio.NewReader(c)
	for _, b := range []byte("SET k v\n") {
		_, err = c.Write([]byte{b})
		require.NoError(t, err)
	}
	line, err := br.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "OK\n", line)
	require.Equal(t, "VALUE v\n", talk(t, addr, "GET k\n"))
	require.Equal(t, "ERROR\n", talk(t, addr, strings.Repeat("x", 5000)), "a line without an end")
}

// A client that asks a lot before it reads gets every answer: the driver stops reading it, the machine goes on later.
func TestOwnProtocolUnderPressure(t *testing.T) {
	addr := program(t, "ownprotocol", "-addr", "127.0.0.1:0")
	const n = 20000
	value := strings.Repeat("v", 100)
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, "SET k "+value+"\n"+strings.Repeat("GET k\n", n))
		if err == nil {
			err = c.(*net.TCPConn).CloseWrite()
		}
		sent <- err
	}()
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	require.NoError(t, <-sent)
	require.Equal(t, "OK\n"+strings.Repeat("VALUE "+value+"\n", n), string(b))
}
