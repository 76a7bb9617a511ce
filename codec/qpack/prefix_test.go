package qpack_test

import (
	"testing"

	"github.com/purewire/purewire/codec/qpack"
	"github.com/stretchr/testify/require"
)

// H3-04: every encoded Required Insert Count against a search for the one value that could have been meant: a decoder with so many
// insertions may see counts within MaxEntries of its own, above 0 (RFC 9204 section 4.5.1.1).
func TestRequiredInsertCount(t *testing.T) {
	checked := 0
	for maxEntries := uint64(0); maxEntries <= 8; maxEntries++ {
		for inserted := uint64(0); inserted <= 6*maxEntries+3; inserted++ {
			for encoded := uint64(0); encoded <= 2*maxEntries+2; encoded++ {
				got, reason := qpack.DecodeCount(encoded, maxEntries, inserted)
				want, found := uint64(0), encoded == 0
				if encoded > 0 && maxEntries > 0 {
					for r := inserted + maxEntries; r > 0 && r+maxEntries > inserted && !found; r-- {
						if r%(2*maxEntries)+1 == encoded {
							want, found = r, true
						}
					}
				}
				if found {
					require.Empty(t, reason, "%d of %d at %d", encoded, maxEntries, inserted)
					require.Equal(t, want, got, "%d of %d at %d", encoded, maxEntries, inserted)
					if maxEntries > 0 {
						require.Equal(t, encoded, qpack.EncodeCount(got, maxEntries))
					}
				} else {
					require.NotEmpty(t, reason, "%d of %d at %d: %d", encoded, maxEntries, inserted, got)
				}
				checked++
			}
		}
	}
	t.Log(checked, "checked")
	require.Greater(t, checked, 2000)
	v, _ := qpack.DecodeCount(4, 3, 10) // the example of section 4.5.1.1-11
	require.Equal(t, uint64(9), v)
}
