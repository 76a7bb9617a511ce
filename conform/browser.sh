#!/usr/bin/env bash
# Loads the page at / in headless Chromium; its script tries every part and writes the outcome into the page.
# conform/browser.sh URL DRIVER WORKDIR [SCREENSHOT.png]
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
url=$1 work=$3 shot=${4:-}
profile=$(mktemp -d "$work/profile.XXXXXX")
trap 'rm -rf "$profile"' EXIT
flags=(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
	--disable-component-update --disable-sync --disable-dev-shm-usage --user-data-dir="$profile" --window-size=1100,1250
	--ignore-certificate-errors)
# The page holds its load event back until it is done; if it never is, a timeout ends the load. What the page's script says is
# not what the page says.
dom=$(timeout 90 chromium "${flags[@]}" --timeout=60000 --dump-dom "$url/#check" 2>"$work/chromium.log" | sed '/^<script>$/,/^<\/script>$/d') || true
has 'every part of the page works' 'page check: all parts work' "$dom"
has 'WebSocket echoes, up to 16 MB, deflate on' '10 of 10 WebSocket echoes' "$dom"
has 'the chat shows what was said' 'guest [0-9]+: line 0' "$dom"
has 'it names the driver' "<b id=\"driver\">$2</b>" "$dom"
has 'the clock ticks' 'id="clock"[^>]*data-id="[0-9]+"[^>]*>[0-9:]+ UTC<' "$dom"
has 'the upload arrived whole' 'arrived whole' "$dom"
has 'no request failed' '>0 failed<' "$dom"
version=HTTP/1.1
if [[ $url == https:* ]]; then version=HTTP/2.0; fi
has 'the wire it came on' "GET /echo $version" "$dom"
if [ "$failures" -gt 0 ]; then tail -n 5 "$work/chromium.log"; fi
if [ -n "$shot" ]; then
	timeout 90 chromium "${flags[@]}" --timeout=8000 --screenshot="$shot" "$url/" >/dev/null 2>&1
fi
verdict "Chromium on $2, ${url%%:*}"
