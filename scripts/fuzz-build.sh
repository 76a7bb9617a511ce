#!/usr/bin/env bash
# Builds what OSS-Fuzz and ClusterFuzzLite want into $OUT: for each target of fuzz/ a libFuzzer program FuzzX, FuzzX_seed_corpus.zip and
# FuzzX.dict. Their variables: CXX, CXXFLAGS, LIB_FUZZING_ENGINE. All programs are one: it does what its name says (fuzz/gofuzz.go).
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
: "${OUT:?where to put the programs}"
CXX=${CXX:-clang++}
LIB_FUZZING_ENGINE=${LIB_FUZZING_ENGINE:--fsanitize=fuzzer}
mkdir -p "$OUT"
archive=$(mktemp -d)
trap 'rm -rf "$archive"' EXIT
"$GO" tool go-fuzz-build -libfuzzer -preserve crypto/internal/fips140/bigmod -func FuzzNamed -o "$archive/fuzz.a" ./fuzz
# shellcheck disable=SC2086 # the variables hold several words
$CXX ${CXXFLAGS:-} $LIB_FUZZING_ENGINE "$archive/fuzz.a" -o "$archive/fuzz"
"$GO" run ./fuzz/cmd/seeds -list | while read -r name _; do cp "$archive/fuzz" "$OUT/$name"; done
"$GO" run ./fuzz/cmd/seeds -zip -out "$OUT"
