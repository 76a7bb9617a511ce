package codec_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/stretchr/testify/require"
)

func TestTimeArithmetic(t *testing.T) {
	require.Equal(t, codec.Never, codec.Never.Add(time.Hour), "Never stays Never")
	require.Equal(t, codec.Time(15), codec.Time(5).Add(10))
	require.Equal(t, codec.Time(math.MaxInt64), codec.Time(math.MaxInt64-1).Add(time.Hour), "saturates")
	require.Equal(t, time.Duration(7), codec.Time(10).Sub(3))
	require.False(t, codec.Never.Reached(100), "Never is never due")
	require.True(t, codec.Time(100).Reached(100))
	require.False(t, codec.Time(101).Reached(100))
	for _, c := range []struct{ a, b, want codec.Time }{
		{0, 0, 0}, {0, 5, 5}, {5, 0, 5}, {5, 6, 5}, {6, 5, 5},
	} {
		require.Equal(t, c.want, codec.Earliest(c.a, c.b), "%v", c)
	}
}

func TestScopeString(t *testing.T) {
	require.Equal(t, "conn", codec.ScopeConn.String())
	require.Equal(t, "stream", codec.ScopeStream.String())
	require.Equal(t, "misuse", codec.ScopeMisuse.String())
	require.Equal(t, "none", codec.Scope(0).String())
}

func ExampleTime() {
	now := codec.Time(1_000)
	deadline := now.Add(10 * time.Second)
	fmt.Println(deadline.Reached(now), deadline.Reached(now.Add(11*time.Second)), codec.Never.Reached(now))
	// Output: false true false
}
