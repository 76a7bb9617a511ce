#!/usr/bin/env bash
# Holds a running demo server to the cases of corpus/ws/suite: conform/websocket.sh URL DRIVER WORKDIR (see run.sh). Of the cases that
# send a thousand messages it sends twenty; WSSUITE="-messages 0 -bytes 0" sends all.
set -euo pipefail
cd "$(dirname "$0")/.."
url=$1 work=$3
if [ ! -x "$work/wssuite" ]; then "${GO:-go}" build -o "$work/wssuite" ./conform/wssuite; fi
"$work/wssuite" -url "${url/http:/ws:}/ws/echo" -messages 20 -bytes 4000000 -parallel 4 ${WSSUITE:-}
