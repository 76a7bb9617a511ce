#!/usr/bin/env bash
# Starts the demo server on each driver and holds it to h2spec and to real clients, in plain text with prior knowledge and over
# TLS: conform/h2.sh [DRIVER...]. All 146 cases of h2spec count, strict ones too; what may fail stands in h2spec.txt, with the
# paragraph. The clients are in http2.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
. conform/lib.sh
need curl curl
need nghttp nghttp2-client
need h2load nghttp2-client
need nghttpd nghttp2-server
need nginx nginx-light
need openssl openssl
need node nodejs
needpython h2 python3-h2

work=$(mktemp -d)
pid= only=
finish() {
	if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; fi
	if [ -n "$only" ]; then kill "$only" 2>/dev/null || true; fi
	rm -rf "$work"
}
trap finish EXIT
"$GO" build -o "$work/purewire" ./cmd/purewire
# h2spec is built from the version that interop/go.mod pins; without it nothing is shown, so that is a failure.
"$GO" build -C interop -o "$work/h2spec" ./h2spec || {
	echo "h2spec cannot be built" >&2
	exit 1
}

mkdir "$work/files"
for _ in {1..1000}; do printf '0123456789'; done >"$work/files/digits"
head -c 3000000 /dev/urandom >"$work/files/large"

drivers=("$@")
if [ ${#drivers[@]} = 0 ]; then drivers=(stdnet reactor); fi
failed=()
for driver in "${drivers[@]}"; do
	: >"$work/log"
	"$work/purewire" serve --driver "$driver" --addr 127.0.0.1:0 --tls-addr 127.0.0.1:0 --dir "$work/files" --h2c-upgrade >"$work/log" 2>&1 &
	pid=$!
	plain= secure=
	for _ in {1..100}; do
		plain=$(sed -n 's,^ *http://\([^/]*\)/.*,\1,p' "$work/log")
		secure=$(sed -n 's,^ *https://\([^/]*\)/.*,\1,p' "$work/log")
		if [ -n "$plain" ] && [ -n "$secure" ]; then break; fi
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	if [ -z "$plain" ] || [ -z "$secure" ]; then
		echo "the server did not start:"
		cat "$work/log"
		exit 1
	fi
	echo "== $driver, h2c"
	# h2spec's invalid prefaces are HTTP/1.1 with a fault where HTTP/1.1 is served too: it asks a server that does not.
	: >"$work/only.log"
	"$work/purewire" serve --driver "$driver" --addr 127.0.0.1:0 --http2-only >"$work/only.log" 2>&1 &
	only=$!
	prior=
	for _ in {1..100}; do
		prior=$(sed -n 's,^ *http://\([^/]*\)/.*,\1,p' "$work/only.log")
		if [ -n "$prior" ]; then break; fi
		sleep 0.1
	done
	"$work/h2spec" --addr "$prior" --allow conform/h2spec.txt --peer "$driver-h2c" || failed+=("$driver/h2c")
	kill -TERM "$only"
	wait "$only" || failed+=("$driver/h2c shutdown")
	only=
	echo "== $driver, TLS"
	"$work/h2spec" --addr "$secure" --tls --allow conform/h2spec.txt --peer "$driver-h2" || failed+=("$driver/h2")
	bash conform/http2.sh "$plain" "$secure" "$work" || failed+=("$driver/clients")
	if ! kill -0 "$pid" 2>/dev/null; then
		echo "the server is gone:"
		cat "$work/log"
		pid=
		failed+=("$driver/alive")
		continue
	fi
	kill -TERM "$pid"
	code=0
	wait "$pid" || code=$?
	pid=
	if [ "$code" != 0 ]; then
		echo "no clean shutdown (exit $code):"
		cat "$work/log"
		failed+=("$driver/shutdown")
	fi
done
echo "== the client"
bash conform/client.sh "$work" || failed+=(client)
if [ ${#failed[@]} -gt 0 ]; then
	echo "conform-h2 FAILED: ${failed[*]}"
	exit 1
fi
echo "conform-h2: h2spec and the clients passed on ${drivers[*]}, in plain text and over TLS"
