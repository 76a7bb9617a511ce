#!/usr/bin/env bash
# Holds a running demo server to ab and wrk: every request answered, none wrong. conform/load.sh URL DRIVER WORKDIR
# These are checks of correctness under load; for figures see "make bench".
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
url=$1 work=$3

# abrun NAME REQUESTS ARGS...: all requests complete, none failed, none but 2xx.
abrun() {
	local name=$1 n=$2 out
	shift 2
	out=$(ab -q -s 20 -n "$n" "$@" 2>&1) || out="ab failed: $out"
	has "ab $name: complete" "^Complete requests: +$n\$" "$out"
	has "ab $name: none failed" '^Failed requests: +0$' "$out"
	checks=$((checks + 1))
	if grep -q '^Non-2xx' <<<"$out"; then
		failures=$((failures + 1))
		grep '^Non-2xx' <<<"$out"
	fi
	about=$out
}
printf 'some content' >"$work/post"
# ab speaks HTTP/1.0; -k asks for keep-alive.
abrun 'plaintext -k' 20000 -k -c 32 "$url/plaintext"
has 'ab keeps all connections' '^Keep-Alive requests: +20000$' "$about"
has 'ab counts the bytes' '^HTML transferred: +260000 bytes$' "$about"
abrun 'native -k' 20000 -k -c 32 "$url/native/plaintext"
has 'ab keeps all native connections' '^Keep-Alive requests: +20000$' "$about"
abrun 'a connection each' 2000 -c 16 "$url/plaintext"
abrun 'POST' 2000 -k -c 16 -p "$work/post" -T text/plain "$url/upload"
abrun '64 KiB' 1000 -k -c 16 "$url/bytes/65536"
has 'ab counts 64 KiB bodies' '^HTML transferred: +65536000 bytes$' "$about"

# wrk: no socket error, no status but 200, and at least a few requests a second.
wrkrun() {
	local name=$1 out
	shift
	out=$(wrk -t2 -d2s "$@" 2>&1) || out="wrk failed: $out"
	has "wrk $name: runs" '^ +[0-9]{3,} requests in ' "$out"
	checks=$((checks + 1))
	if grep -qE 'Socket errors|Non-2xx' <<<"$out"; then
		failures=$((failures + 1))
		printf 'FAIL wrk %s\n%s\n' "$name" "$(grep -E 'Socket errors|Non-2xx' <<<"$out")"
	fi
}
wrkrun plaintext -c64 "$url/plaintext"
wrkrun native -c64 "$url/native/plaintext"
wrkrun json -c16 "$url/json"
wrkrun 'chunked 8 KiB' -c16 "$url/bytes/8192?chunked"
wrkrun '1 MB' -c8 "$url/bytes/1000000"
cat >"$work/pipeline.lua" <<'LUA'
init = function(args)
  local r = {}
  for i = 1, 16 do r[i] = wrk.format("GET", "/plaintext") end
  req = table.concat(r)
end
request = function() return req end
LUA
wrkrun 'pipelined x16' -c16 -s "$work/pipeline.lua" "$url"
same 'still serving' 'Hello, World!' "$(curl -sS --max-time 5 "$url/plaintext")"
verdict "ab and wrk on $2"
