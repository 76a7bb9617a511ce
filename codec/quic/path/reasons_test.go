package path

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic"
)

var clause = regexp.MustCompile(`^9000-[0-9]+(\.[0-9]+)*-[0-9]+(\.[0-9]+)?: [A-Za-z]`)

// Every reason is unique, begins with its clause, and has a test: its name stands in one of the test files beside this one.
func TestReasons(t *testing.T) {
	source, err := os.ReadFile("errors.go")
	require.NoError(t, err)
	names := regexp.MustCompile(`(?m)^\t(r[A-Z][A-Za-z]+)$`).FindAllStringSubmatch(string(source), -1)
	require.Len(t, names, int(numReasons)-1)
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	var tests strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "_test.go") && f.Name() != "reasons_test.go" {
			b, err := os.ReadFile(f.Name())
			require.NoError(t, err)
			tests.Write(b)
		}
	}
	seen := map[string]bool{}
	for r := ok + 1; r < numReasons; r++ {
		var e *quic.Error
		require.ErrorAs(t, failure(r), &e)
		require.Regexp(t, clause, e.Reason)
		require.False(t, seen[e.Reason], e.Reason)
		seen[e.Reason] = true
		if e.Scope == codec.ScopeConn {
			require.NotEqual(t, quic.NoError, e.Code)
		} else {
			require.Equal(t, quic.NoError, e.Code)
		}
		require.Regexp(t, `\b`+names[r-1][1]+`\b`, tests.String(), "no test reaches it")
	}
	require.NoError(t, failure(ok))
}
