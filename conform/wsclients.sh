#!/usr/bin/env bash
# WebSocket clients of other people against a running demo server, and our client against the cases of corpus/ws/suite:
# conform/wsclients.sh URL DRIVER WORKDIR (see run.sh). Chromium is browser.sh's.
set -euo pipefail
cd "$(dirname "$0")/.."
. conform/lib.sh
url=${1/http:/ws:} driver=$2 work=$3
need node nodejs
flag=
if ! node -e 'process.exit(typeof WebSocket === "function" ? 0 : 1)'; then flag=--experimental-websocket; fi
bad=0
timeout 120 node $flag conform/ws_node.mjs "$url" 2>"$work/node.log" || { bad=1; tail -n 5 "$work/node.log"; }

python=python3
if ! $python -c 'import websockets' 2>/dev/null; then python=/usr/bin/python3; fi # where the system's packages are
if ! $python -c 'import websockets' 2>/dev/null; then
	root=
	if [ "$(id -u)" != 0 ]; then root="sudo -n"; fi
	$root apt-get update -qq </dev/null >/dev/null 2>&1 || true
	DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends python3-websockets </dev/null >/dev/null
fi
timeout 240 $python conform/ws_python.py "$url" || bad=1

# Our client, on the driver that is at turn; nethttp has none.
if [ "$driver" != nethttp ]; then
	if [ ! -x "$work/wssuite" ]; then "${GO:-go}" build -o "$work/wssuite" ./conform/wssuite; fi
	if [ ! -x "$work/wsclient" ]; then "${GO:-go}" build -o "$work/wsclient" ./conform/wsclient; fi
	judge() { timeout 240 "$work/wssuite" -listen 127.0.0.1:0 -messages 20 -bytes 4000000 "$@" ${WSSUITE:-} || bad=1; }
	judge -run "$work/wsclient -url URL -driver $driver"
	judge -cases '*,-12.*,-13.*' -run "$work/wsclient -url URL -driver $driver -deflate=false"
fi
exit $bad
