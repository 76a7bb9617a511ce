#!/usr/bin/env bash
# Holds a running demo server to curl, nghttp, h2load, node and python3-h2 over HTTP/2: conform/http2.sh HOST:PORT TLS-HOST:PORT WORKDIR
# (see h2.sh for what is in WORKDIR). The first port is asked with prior knowledge, the second by ALPN.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
plain=$1 secure=$2 work=$3
q='"'
sum=$(sha256sum "$work/files/large" | cut -d' ' -f1)
uploaded="{${q}bytes${q}:3000000,${q}sha256${q}:${q}$sum${q}}"

# curl, on both wires.
for wire in h2c h2; do
	if [ $wire = h2c ]; then
		url=http://$plain
		get() { curl -sS --max-time 20 --http2-prior-knowledge "$@"; }
	else
		url=https://$secure
		get() { curl -sSk --max-time 20 --http2 "$@"; }
	fi
	for path in /plaintext /native/plaintext; do
		head=$(get -i "$url$path")
		has "$wire $path status" $'^HTTP/2 200 \r$' "$head"
		has "$wire $path body" '^Hello, World!$' "$head"
		same "$wire $path length" 13 "$(field content-length <<<"$head")"
		same "$wire $path type" 'text/plain; charset=utf-8' "$(field content-type <<<"$head")"
		same "$wire HEAD $path" '200 2 0' "$(get -I -o /dev/null -w '%{http_code} %{http_version} %{size_download}' "$url$path")"
	done
	has "$wire no connection fields" '^0$' "$(get -i "$url/json" | grep -ciE '^(connection|keep-alive|transfer-encoding):' || true)"
	has "$wire echo" "${q}version${q}:${q}HTTP/2.0${q}.*${q}body${q}:${q}a=1${q}" "$(get -d 'a=1' "$url/echo")"
	has "$wire cookies are one field" "${q}Cookie${q}:\[${q}a=b; c=d${q}\]" "$(get -H 'Cookie: a=b; c=d' "$url/echo")"
	has "$wire a large field" "y{20000}" "$(get -H "X-Big: $(printf 'y%.0s' {1..20000})" "$url/echo")"
	same "$wire unknown path" 404 "$(get -o /dev/null -w '%{http_code}' "$url/nowhere")"
	for n in 0 1 65535 65536 1000000 20000000; do
		same "$wire /bytes/$n" "$n" "$(get "$url/bytes/$n" | wc -c)"
		same "$wire /bytes/$n without a length" "$n" "$(get "$url/bytes/$n?chunked" | wc -c)"
	done
	same "$wire upload" "$uploaded" "$(get --data-binary "@$work/files/large" "$url/upload")"
	same "$wire upload of unknown length" "$uploaded" "$(get -T - "$url/upload" <"$work/files/large")"
	cmp -s <(get "$url/files/large") "$work/files/large" && file=same || file=different
	same "$wire a large file" same "$file"
	same "$wire range" '2345' "$(get -r 2-5 "$url/files/digits")"
	same "$wire a slow reader gets all" 300000 "$(get --limit-rate 300k "$url/bytes/300000" | wc -c)"
	# Several on one connection. Not with prior knowledge: curl 7.88 fails at its second request then (also with nghttpd).
	if [ $wire = h2 ]; then
		same "$wire one connection" '200 1 200 0 ' "$(get -o /dev/null -w '%{http_code} %{num_connects} ' "$url/json" -o /dev/null "$url/plaintext")"
		same "$wire in parallel" '10 5000000' "$(get -Z --no-progress-meter --parallel-max 10 "$url/bytes/500000?[1-10]" -o "$work/part#1" && ls "$work"/part* | wc -l | tr '\n' ' ' && cat "$work"/part* | wc -c)"
	fi
	# A download that is abandoned in the middle.
	rm -f "$work"/part*
	timeout 1 curl -sk --http2 --http2-prior-knowledge --limit-rate 10k "$url/bytes/20000000" >/dev/null 2>&1 || true
	same "$wire after an abandoned download" 13 "$(get "$url/plaintext" | wc -c)"
done
same 'ALPN may choose HTTP/1.1' '200 1.1' "$(curl -sSk --http1.1 -o /dev/null -w '%{http_code} %{http_version}' "https://$secure/plaintext")"
same 'HTTP/1.1 beside prior knowledge' '200 1.1' "$(curl -sS --http1.1 -o /dev/null -w '%{http_code} %{http_version}' "http://$plain/plaintext")"
same 'Upgrade: h2c' '200 2' "$(curl -sS --http2 -o /dev/null -w '%{http_code} %{http_version}' "http://$plain/plaintext")"

# nghttp: RFC 7540 priorities, padding, trailers, small windows, many streams.
for url in "http://$plain" "https://$secure"; do
	out=$(nghttp --no-verify-peer -nv --timeout=20 "$url/plaintext" 2>&1)
	has "nghttp $url" ':status: 200' "$out"
	has "nghttp $url is never refused" '^0$' "$(grep -c 'recv RST_STREAM\|recv GOAWAY.*error_code=[^N]' <<<"$out" || true)"
	same "nghttp upload, $url" "$uploaded" "$(nghttp --no-verify-peer --timeout=20 -d "$work/files/large" "$url/upload")"
	same "nghttp upload, padded, $url" "$uploaded" "$(nghttp --no-verify-peer --timeout=20 -b 200 -d "$work/files/large" "$url/upload")"
	same "nghttp upload with trailers, $url" "$uploaded" "$(nghttp --no-verify-peer --timeout=20 --trailer 'x-sum: 1' -d "$work/files/large" "$url/upload")"
	same "nghttp small windows, $url" 1000000 "$(nghttp --no-verify-peer --timeout=20 -w 10 -W 10 "$url/bytes/1000000" | wc -c)"
	same "nghttp many, $url" 500 "$(nghttp --no-verify-peer -v -n --timeout=20 -m 500 "$url/plaintext" 2>/dev/null | grep -c ':status: 200')"
	same "nghttp without Huffman and tables, $url" 13 "$(nghttp --no-verify-peer --timeout=20 -c 0 "$url/plaintext" | wc -c)"
done

has 'nghttp Upgrade: h2c' ':status: 200' "$(nghttp -u -nv --timeout=20 "http://$plain/plaintext" 2>&1)"

# h2load: also uploads above the window of a stream.
load() { # NAME N ARGS
	local name=$1 n=$2
	shift 2
	has "h2load $name" "requests: $n total, $n started, $n done, $n succeeded, 0 failed, 0 errored, 0 timeout" "$(h2load -n "$n" "$@" 2>&1)"
}
head -c 200000 "$work/files/large" >"$work/post"
for url in "http://$plain" "https://$secure"; do
	load "plaintext, $url" 20000 -c 8 -m 32 "$url/plaintext"
	load "native, $url" 20000 -c 8 -m 100 "$url/native/plaintext"
	load "large, $url" 200 -c 4 -m 20 "$url/bytes/300000"
	load "uploads, $url" 200 -c 4 -m 20 -d "$work/post" "$url/upload"
	load "one connection each, $url" 300 -c 300 -m 1 "$url/plaintext"
done

# node and python3-h2 talk for themselves: the last line is the number of checks.
for url in "http://$plain" "https://$secure"; do
	out=$(timeout 60 node ./http2_node.mjs "$url" "$work/files/large" 2>&1) || true
	has "node, $url" '^node: [0-9]+ checks passed$' "$out"
	out=$(timeout 60 /usr/bin/python3 ./http2_h2.py "$url" "$work/files/large" 2>&1) || true
	has "python3-h2, $url" '^python3-h2: [0-9]+ checks passed$' "$out"
done
verdict "http2 of curl, nghttp, h2load, node, python3-h2"
