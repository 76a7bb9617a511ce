#!/usr/bin/env bash
# Shows that the targets of fuzz/ build and run with the engines that are not the go command's: go-fuzz, and libFuzzer where there is a
# clang that can link it. A few seconds each.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
WORK=$work scripts/fuzz-gofuzz.sh 12s FuzzHTTP2Ops
cxx=${CXX:-clang}
if echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
	"$cxx" -x c++ -fsanitize=fuzzer - -o "$work/probe" 2>"$work/probe.log"; then
	WORK=$work CXX=$cxx scripts/fuzz-libfuzzer.sh 3s FuzzHTTP1Request FuzzQUICProtect
else
	echo "no libFuzzer: $(head -1 "$work/probe.log")"
fi
