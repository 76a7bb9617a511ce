#!/usr/bin/env bash
# Holds the codecs to h11, h2 and wsproto on the inputs of the corpus: interop/python, where the libraries have to be there and of the versions
# that the table of differences is about. Elsewhere its tests are skipped without them.
set -euo pipefail
cd "$(dirname "$0")/.."
. conform/lib.sh
needpython h11 python3-h11
needpython h2 python3-h2
needpython wsproto python3-wsproto
PUREWIRE_PYTHON=need "${GO:-go}" -C interop test -count=1 -v -run 'Differences|Table|Check|Compare|Page' ./python || {
	echo "conform-python FAILED"
	exit 1
}
echo "conform-python: h11, h2 and wsproto differ where docs/oracles.md says, and nowhere else"
