#!/usr/bin/env bash
# Starts the demo server on each driver and holds it to real clients: conform/run.sh [DRIVER...]
# websocket plays the cases of corpus/ws/suite against /ws/echo, wsclients lets other WebSocket clients in.
# nethttp is among the drivers: what Go's own server fails is a fault of the script.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
. conform/lib.sh
need curl curl
need openssl openssl
need ab apache2-utils
need wrk wrk
need chromium chromium

work=$(mktemp -d)
pid=
finish() {
	if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; fi
	rm -rf "$work"
}
trap finish EXIT
"$GO" build -o "$work/purewire" ./cmd/purewire
mkdir "$work/files"
for _ in {1..1000}; do printf '0123456789'; done >"$work/files/digits"
echo '<p>page</p>' >"$work/files/page.html"
head -c 3000000 /dev/urandom >"$work/files/large"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null

drivers=("$@")
if [ ${#drivers[@]} = 0 ]; then drivers=(nethttp stdnet reactor); fi
failed=()
for driver in "${drivers[@]}"; do
	echo "== $driver"
	"$work/purewire" serve --driver "$driver" --addr 127.0.0.1:0 --dir "$work/files" \
		--tls-addr 127.0.0.1:0 --cert "$work/cert.pem" --key "$work/key.pem" >"$work/log" 2>&1 &
	pid=$!
	url=
	: >"$work/log"
	for _ in {1..100}; do
		url=$(sed -n 's,^ *\(http://[^/]*\)/$,\1,p' "$work/log")
		if [ -n "$url" ]; then break; fi
		sleep 0.1
	done
	if [ -z "$url" ]; then
		echo "the server did not start:"
		cat "$work/log"
		exit 1
	fi
	for suite in http1 websocket wsclients load browser; do
		bash "conform/$suite.sh" "$url" "$driver" "$work" || failed+=("$driver/$suite")
	done
	secure=$(sed -n 's,^ *\(https://[^/]*\)/.*$,\1,p' "$work/log")
	for suite in tls browser; do
		bash "conform/$suite.sh" "$secure" "$driver" "$work" || failed+=("$driver/$suite over TLS")
	done
	if ! kill -0 "$pid" 2>/dev/null; then
		failed+=("$driver/alive")
		cat "$work/log"
	fi
	kill -TERM "$pid"
	code=0
	wait "$pid" || code=$?
	pid=
	if [ "$code" != 0 ] || ! grep -q '^drained ' "$work/log"; then
		echo "no clean shutdown (exit $code):"
		cat "$work/log"
		failed+=("$driver/shutdown")
	else
		tail -n 1 "$work/log"
	fi
done
if [ ${#failed[@]} -gt 0 ]; then
	echo "conform FAILED: ${failed[*]}"
	exit 1
fi
echo "conform: all suites passed on ${drivers[*]}"
