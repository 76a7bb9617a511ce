#!/usr/bin/env bash
# Runs targets of fuzz/ with libFuzzer, each for a bounded time: scripts/fuzz-libfuzzer.sh 60s [FuzzX ...]
# Without names all of them. Needs clang with its fuzzer runtime (Debian: clang and libclang-rt-dev). WORK as in fuzz-gofuzz.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
time=${1:-60s}
shift || true
case $time in
*h) seconds=$((${time%h} * 3600)) ;;
*m) seconds=$((${time%m} * 60)) ;;
*) seconds=${time%s} ;;
esac
work=${WORK:-fuzz/work}/libfuzzer
mkdir -p "$work"
targets=$*
if [ -z "$targets" ]; then targets=$("$GO" run ./fuzz/cmd/seeds -list | cut -d' ' -f1); fi

echo "building with go-fuzz-build -libfuzzer"
OUT=$work CXX=${CXX:-clang} CXXFLAGS=${CXXFLAGS:-} LIB_FUZZING_ENGINE=${LIB_FUZZING_ENGINE:--fsanitize=fuzzer} GO=$GO scripts/fuzz-build.sh >/dev/null
bad=0
for t in $targets; do
	mkdir -p "$work/corpus/$t" "$work/crashes"
	"$GO" run ./fuzz/cmd/seeds -target "$t" -out "$work/seeds" >/dev/null
	rc=0
	"$work/$t" -max_total_time="$seconds" -max_len=8192 -dict="$work/$t.dict" -artifact_prefix="$work/crashes/$t-" -print_final_stats=1 \
		"$work/corpus/$t" "$work/seeds/$t" >"$work/$t.log" 2>&1 || rc=$?
	execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$t.log")
	new=$(sed -n 's/^stat::new_units_added: *//p' "$work/$t.log")
	echo "$t: ${execs:-0} execs, ${new:-0} new inputs, $(find "$work/corpus/$t" -type f | wc -l) kept"
	if [ $rc != 0 ] || [ "${execs:-0}" = 0 ]; then
		grep -E '^(panic|==[0-9]+==|artifact_prefix)' "$work/$t.log" >&2 || tail -5 "$work/$t.log" >&2
		bad=1
	fi
done
exit $bad
