#!/usr/bin/env bash
# Holds the WebSocket client to the cases of corpus/ws/suite, on both drivers: conform/wsclient.sh WORKDIR (see run.sh). Of the
# cases that send a thousand messages it sends twenty; WSSUITE="-messages 0 -bytes 0" sends all.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$1
for tool in wssuite wsclient; do
	if [ ! -x "$work/$tool" ]; then "${GO:-go}" build -o "$work/$tool" "./conform/$tool"; fi
done
for driver in stdnet reactor read; do
	echo "== client on $driver"
	"$work/wssuite" -listen 127.0.0.1:0 -run "$work/wsclient -driver $driver URL" -messages 20 -bytes 4000000 ${WSSUITE:-}
done
