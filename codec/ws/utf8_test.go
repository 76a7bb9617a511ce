package ws

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUTF8(t *testing.T) {
	var v UTF8
	require.True(t, v.Complete(), "the empty text")
	require.Equal(t, -1, v.Write([]byte("caf\xc3")))
	require.False(t, v.Complete())
	require.Equal(t, -1, v.Write(nil))
	require.Equal(t, -1, v.Write([]byte("\xa9 \xed")))
	require.Equal(t, 0, v.Write([]byte("\xa0\x80")), "a surrogate shows in its second byte")
	require.Equal(t, 0, v.Write([]byte("a")))
	require.False(t, v.Complete())
	v.Reset()
	require.Equal(t, -1, v.Write([]byte("\xf4\x8f\xbf\xbf")))
	require.True(t, v.Complete())
	require.Equal(t, 4, v.Write([]byte("abc\xf4\x90\x80\x80")), "which byte of the second piece is bad")
}

func ExampleUTF8() {
	var v UTF8
	fmt.Println(v.Write([]byte("gr\xc3")), v.Complete()) // cut inside of a character
	fmt.Println(v.Write([]byte("\xbc\xc3\x9fe")), v.Complete())
	fmt.Println(v.Write([]byte("ok \xc0\xaf")))
	// Output:
	// -1 false
	// -1 true
	// 3
}
