#!/usr/bin/env bash
# Holds package rpc to the conformance suite of connectrpc.com, as a server on each driver and as a client, and the server to the
# load generator ghz: conform/grpc.sh [DRIVER...]. grpc/conformance.yaml says what is claimed. No case is left out and none may
# fail: there is no list of known failures. Both tools are built by Go in the versions below.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
. conform/lib.sh
need jq jq
suite=connectrpc.com/conformance/cmd/connectconformance@v1.0.6
ghz=github.com/bojand/ghz/cmd/ghz@v0.120.0

work=$(mktemp -d)
pid=
finish() {
	if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; fi
	rm -rf "$work"
}
trap finish EXIT
for tool in "$suite" "$ghz"; do
	GOBIN="$work" GOFLAGS= "$GO" install "$tool" >"$work/log" 2>&1 || {
		cat "$work/log"
		echo "$tool is missing and cannot be built" >&2
		exit 1
	}
done
"$GO" build -C interop -o "$work/grpcconform" ./grpcconform

drivers=("$@")
if [ ${#drivers[@]} = 0 ]; then drivers=(stdnet reactor); fi
failed=()

# cases MODE AT_LEAST ARGUMENT...: runs the suite. It counts its cases; fewer than there were when this was written show that it
# did not run them all.
cases() {
	local mode=$1 least=$2
	shift 2
	echo "== conformance: $*"
	if ! timeout 600 "$work/connectconformance" --conf conform/grpc/conformance.yaml --mode "$mode" -- "$work/grpcconform" "$@" >"$work/log" 2>&1; then
		tail -n 40 "$work/log"
		failed+=("conformance/$*")
		return
	fi
	tail -n 1 "$work/log"
	local passed
	passed=$(sed -n 's/^\([0-9]*\) passed, 0 failed$/\1/p' "$work/log")
	if [ "${passed:-0}" -lt "$least" ]; then
		echo "only ${passed:-0} cases of at least $least"
		failed+=("conformance/$*")
	fi
}

# load DRIVER CALL COUNT ARGUMENT...: every call must end with OK.
load() {
	local driver=$1 call=$2 count=$3 data
	shift 3
	data=$(head -c 128 /dev/zero | base64 -w 0)
	timeout 120 "$work/ghz" --insecure --proto conform/grpc/load.proto --call "load.Echo/$call" -d "{\"payload\":\"$data\"}" \
		-n "$count" -c 100 --connections 8 --format json "$@" "$address" >"$work/ghz.json" || true
	same "$driver $call: calls" "$count" "$(jq -r .count "$work/ghz.json")"
	same "$driver $call: how they ended" "{\"OK\":$count}" "$(jq -c .statusCodeDistribution "$work/ghz.json")"
	same "$driver $call: errors" "{}" "$(jq -c .errorDistribution "$work/ghz.json")"
	echo "ghz $driver $call: $(jq -r '"\(.count) calls, \(.rps | floor) per second, slowest \(.slowest / 1000000 | floor) ms"' "$work/ghz.json")"
}

for driver in "${drivers[@]}"; do
	cases server 2843 server "$driver"
done
cases client 3829 client

echo "== ghz"
for driver in "${drivers[@]}"; do
	: >"$work/address"
	"$work/grpcconform" echo "$driver" >"$work/address" &
	pid=$!
	for _ in {1..100}; do
		if [ -s "$work/address" ]; then break; fi
		sleep 0.1
	done
	address=$(cat "$work/address")
	load "$driver" Once 20000
	load "$driver" Once 5000 --enable-compression
	load "$driver" Chat 1000 --stream-call-count 20
	same "$driver: the server lives" "$pid" "$(kill -0 "$pid" 2>/dev/null && echo "$pid")"
	kill "$pid"
	wait "$pid" 2>/dev/null || true
	pid=
done
if [ ${#failed[@]} -gt 0 ]; then
	echo "conform-grpc FAILED: ${failed[*]}"
	exit 1
fi
verdict conform-grpc
