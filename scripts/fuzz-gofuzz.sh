#!/usr/bin/env bash
# Runs targets of fuzz/ with go-fuzz, each for a bounded time: scripts/fuzz-gofuzz.sh 60s [FuzzX ...]
# Without names all of them. WORK is where the build and the corpora go (fuzz/work by default, which is not part of the repository).
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
time=${1:-60s}
shift || true
work=${WORK:-fuzz/work}/gofuzz
mkdir -p "$work"
targets=$*
if [ -z "$targets" ]; then targets=$("$GO" run ./fuzz/cmd/seeds -list | cut -d' ' -f1); fi

echo "building with go-fuzz-build"
# bigmod has assembly stubs that do not survive instrumentation; it is reached through crypto/tls and crypto/rsa.
"$GO" tool go-fuzz-build -preserve crypto/internal/fips140/bigmod -o "$work/fuzz.zip" ./fuzz
gofuzz=$("$GO" tool -n go-fuzz)
bad=0
for t in $targets; do
	dir=$work/$t
	mkdir -p "$dir/corpus"
	"$GO" run ./fuzz/cmd/seeds -target "$t" -out "$dir/seeds" >/dev/null
	cp "$dir/seeds/$t"/* "$dir/corpus/"
	rm -rf "$dir/crashers" "$dir/suppressions"
	timeout -s INT "$time" "$gofuzz" -bin "$work/fuzz.zip" -func "$t" -workdir "$dir" -procs "${PROCS:-1}" >"$dir/log" 2>&1 || true
	line=$(grep 'workers:' "$dir/log" | tail -1 || true)
	echo "$t: ${line:-nothing: $(tail -1 "$dir/log")}"
	# Either may come late: what the seeds have covered, or the count of execs.
	if ! grep -Eq 'execs: [1-9]|cover: [1-9]' <<<"$line"; then
		echo "$t: it did not run" >&2
		bad=1
	fi
	for c in "$dir"/crashers/*.output; do
		[ -e "$c" ] || continue
		echo "$t: crash: ${c%.output}" >&2
		head -3 "$c" >&2
		cat "${c%.output}.quoted" >&2
		bad=1
	done
done
exit $bad
