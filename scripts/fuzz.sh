#!/usr/bin/env bash
# Runs every native fuzz target for a bounded time each: scripts/fuzz.sh 10s
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
time=${1:-10s}

# "go test -list" prints the names of a package's targets, then one line with the package.
list=$("$GO" test -list '^Fuzz' ./...)
targets=$(awk '/^Fuzz/ {n[++k] = $1} /^ok/ {for (i = 1; i <= k; i++) print $2, n[i]; k = 0}' <<<"$list")
if [ -z "$targets" ]; then
	echo "there is no fuzz target" >&2
	exit 1
fi
count=0
while read -r pkg name; do
	echo "== $name ($pkg) for $time"
	"$GO" test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$pkg" </dev/null
	count=$((count + 1))
done <<<"$targets"
echo "$count fuzz targets ran for $time each and found nothing"
