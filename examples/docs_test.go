package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every relative link in the project's pages leads somewhere, and every make target they name exists.
func TestPagesAreTrue(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	pages, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	pages = append(pages, more...)
	require.GreaterOrEqual(t, len(pages), 5)
	links, targets := 0, 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\]\(([^)#\s]+)`).FindAllSubmatch(text, -1) {
			to := string(m[1])
			if strings.Contains(to, "://") {
				continue
			}
			links++
			_, err := os.Stat(filepath.Join(filepath.Dir(page), to))
			require.NoError(t, err, "%s links to %s", page, to)
		}
		for _, m := range regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)").FindAllSubmatch(text, -1) {
			targets++
			require.Regexp(t, `(?m)^`+string(m[1])+`:`, string(makefile), "%s names make %s", page, m[1])
		}
	}
	require.Greater(t, links, 10)
	require.Greater(t, targets, 5)
}
