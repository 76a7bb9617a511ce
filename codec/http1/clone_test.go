package http1

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClone(t *testing.T) {
	var d Decoder
	var ev Event
	src := []byte("GET http://h/p?q HTTP/1.1\r\nHost: a\r\nEmpty:\r\n\r\n")
	_, err := d.Next(src, &ev)
	require.NoError(t, err)
	c := ev.Clone()
	require.Equal(t, &ev, c)
	for i := range src {
		src[i] = '#'
	}
	require.Equal(t, []string{"GET", "http://h/p?q", "/p", "q", "h"}, []string{string(c.Method), string(c.Target), string(c.Path), string(c.Query), string(c.Authority)})
	require.Equal(t, "Host", string(c.Fields[0].Name))
	require.Equal(t, "a", string(c.Fields[0].Value))
	require.Equal(t, cap(c.Path), len(c.Path)) // an append to one cannot run into another
}
