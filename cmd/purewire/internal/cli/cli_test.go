package cli

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary stand in for the command, so that tests can send it signals.
func TestMain(m *testing.M) {
	if os.Getenv("PUREWIRE_AS_COMMAND") != "" {
		os.Exit(Run(context.Background(), os.Args[1:], Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}))
	}
	os.Exit(m.Run())
}

// run executes one command line and returns what it said.
func run(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Run(context.Background(), args, Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

func TestHelpIsForReading(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {"-h"}, {"serve", "--help"}, {"serve", "-h"}, {"decode", "--help"}, {"version", "--help"}} {
		code, out, errs := run("", args...)
		require.Equal(t, ExitOK, code, args)
		require.Empty(t, errs)
		require.Contains(t, out, "Usage:", args)
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, len(line), 121, "%v: fits a terminal: %s", args, line)
			require.NotContains(t, line, "\t")
		}
	}
	code, out, errs := run("")
	require.Equal(t, ExitUsage, code)
	require.Empty(t, out)
	require.Equal(t, topHelp, errs)
}

// Every flag that exists is in the help, and the help names no other.
func TestServeHelpIsComplete(t *testing.T) {
	_, out, _ := run("", "serve", "--help")
	var named []string
	for _, m := range regexp.MustCompile(`(?m)^  --([-\w]+) `).FindAllStringSubmatch(out, -1) {
		named = append(named, m[1])
	}
	require.Equal(t, []string{"addr", "driver", "loops", "dir", "tls-addr", "cert", "key", "http2-only", "h2c-upgrade", "grace"}, named)
	for _, name := range backendNames() {
		require.Contains(t, out, "   "+name+" ")
	}
}

func TestUsageErrorsSayWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"dance"}, `there is no command "dance"`},
		{[]string{"serve", "--driver", "warp"}, `there is no driver "warp"; take one of `},
		{[]string{"serve", "--loops", "-1"}, "--loops cannot be negative"},
		{[]string{"serve", "--loops", "many"}, `invalid value "many" for flag --loops`},
		{[]string{"serve", "--driver", "nethttp", "--loops", "2"}, "--loops is for the reactor"},
		{[]string{"serve", "--grace", "-1s"}, "--grace cannot be negative"},
		{[]string{"serve", "--http2-only", "--h2c-upgrade"}, "--h2c-upgrade is for HTTP/1.1"},
		{[]string{"serve", "--driver", "nethttp", "--h2c-upgrade"}, "net/http has none"},
		{[]string{"serve", "--colour"}, "flag provided but not defined: --colour"},
		{[]string{"serve", "now"}, `what is "now"?`},
		{[]string{"version", "now"}, `what is "now"?`},
	} {
		code, out, errs := run("", tt.args...)
		require.Equal(t, ExitUsage, code, tt.args)
		require.Empty(t, out)
		require.Contains(t, errs, tt.want)
		require.Contains(t, errs, `--help"`)
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		code, out, _ := run("", args...)
		require.Equal(t, ExitOK, code)
		require.Regexp(t, `^purewire \S+ go\S+ \w+/\w+\n$`, out)
	}
}
