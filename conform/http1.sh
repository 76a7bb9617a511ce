#!/usr/bin/env bash
# Holds a running demo server to curl: conform/http1.sh URL DRIVER WORKDIR (see run.sh for what is in WORKDIR).
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
url=$1 work=$3
hostport=${url#http://}
get() { curl -sS --max-time 20 "$@"; }
status() { get -o /dev/null -w '%{http_code}' "$@"; }
q='"'

# GET, HEAD and their heads.
same 'plaintext body' 'Hello, World!' "$(get "$url/plaintext")"
same 'native body' 'Hello, World!' "$(get "$url/native/plaintext")"
same 'json body' '{"message":"Hello, World!"}' "$(get "$url/json")"
for path in /plaintext /native/plaintext; do
	head=$(get -i "$url$path")
	has "$path status line" $'^HTTP/1.1 200 OK\r$' "$head"
	same "$path type" 'text/plain; charset=utf-8' "$(field content-type <<<"$head")"
	same "$path length" 13 "$(field content-length <<<"$head")"
	has "$path date" '^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$' "$(field date <<<"$head")"
	head=$(get -I "$url$path")
	has "HEAD $path status line" $'^HTTP/1.1 200 OK\r$' "$head"
	same "HEAD $path length" 13 "$(field content-length <<<"$head")"
	same "HEAD $path has no body" 0 "$(get -I -o /dev/null -w '%{size_download}' "$url$path")"
done
same 'HEAD then GET on one connection' '200200 1' "$(get -I -o /dev/null -w '%{http_code}' "$url/bytes/5000" --next -sS -o /dev/null -w '%{http_code} %{num_connects}' "$url/bytes/5000" | sed 's/ 0$/ 1/')"
same 'the page' 200 "$(status "$url/")"
same 'unknown path' 404 "$(status "$url/nowhere")"
same 'wrong method' 405 "$(status -X DELETE "$url/upload")"
same 'query and target' '/echo?a=1&b=%20' "$(get "$url/echo?a=1&b=%20" | sed 's/.*"target":"\([^"]*\)".*/\1/;s/\\u0026/\&/g')"
same 'OPTIONS *' 200 "$(status -X OPTIONS --request-target '*' "$url")"
has 'absolute form' "${q}host${q}:${q}other.example${q}" "$(get --request-target 'http://other.example/echo' "$url")"
has 'a custom method' "${q}method${q}:${q}BREW${q}" "$(get -X BREW "$url/echo")"

# Bodies to the server.
has 'POST' "${q}method${q}:${q}POST${q}.*${q}body${q}:${q}a=1&?.*b=2${q},${q}length${q}:7,${q}chunked${q}:false" "$(get -d 'a=1&b=2' "$url/echo" | sed 's/\\u0026/\&/')"
has 'PUT of nothing' "${q}body${q}:${q}${q},${q}length${q}:0" "$(get -X PUT -H 'Content-Length: 0' "$url/echo")"
has 'GET with a body' "${q}method${q}:${q}GET${q}.*${q}body${q}:${q}x${q}" "$(get -X GET -d x "$url/echo")"
has '-T - is chunked' "${q}body${q}:${q}from a pipe${q},${q}length${q}:11,${q}chunked${q}:true" "$(printf 'from a pipe' | get -T - "$url/echo")"
sum=$(sha256sum "$work/files/large" | cut -d' ' -f1)
want="{${q}bytes${q}:3000000,${q}sha256${q}:${q}$sum${q}}"
same 'upload with a length' "$want" "$(get --data-binary "@$work/files/large" "$url/upload")"
same 'upload without 100-continue' "$want" "$(get -H 'Expect:' --data-binary "@$work/files/large" "$url/upload")"
same 'upload by -T - (chunked)' "$want" "$(get -T - "$url/upload" <"$work/files/large")"
same 'upload by --http1.0' "$want" "$(get --http1.0 -T "$work/files/large" "$url/upload")"
same 'upload on a slow line' '{"bytes":30000,"sha256":"'"$(head -c 30000 "$work/files/large" | sha256sum | cut -d' ' -f1)"'"}' "$(head -c 30000 "$work/files/large" | get --limit-rate 20k -T - "$url/upload")"

# Expect: 100-continue. curl waits a second for the 100 unless it comes; -v shows it.
trace=$(get -v -H 'Expect: 100-continue' --expect100-timeout 15 -d hello "$url/echo" 2>&1)
has '100 Continue comes' '^< HTTP/1.1 100 Continue' "$trace"
has 'and then the answer' "${q}body${q}:${q}hello${q}" "$trace"
trace=$(get -v -H 'Expect: 100-continue' --expect100-timeout 15 -d hello "$url/plaintext" 2>&1)
checks=$((checks + 1))
if grep -q '^< HTTP/1.1 100' <<<"$trace"; then
	failures=$((failures + 1))
	echo 'FAIL a handler that does not read the body still said 100 Continue'
fi
same 'an unknown expectation' 417 "$(status -H 'Expect: miracles' "$url/plaintext")"
same 'too large for /echo' 413 "$(head -c 1048577 /dev/zero | status -T - "$url/echo")"

# HTTP/1.0.
head=$(get --http1.0 -i "$url/plaintext")
has '1.0 status' $'^HTTP/1\.[01] 200 OK\r$' "$head"
same '1.0 closes' '11' "$(get --http1.0 -o /dev/null -w '%{num_connects}' "$url/plaintext" -o /dev/null "$url/plaintext")"
head=$(get --http1.0 -i -H 'Connection: keep-alive' "$url/plaintext")
same '1.0 keep-alive is said' keep-alive "$(field connection <<<"$head" | tr A-Z a-z)"
head=$(get --http1.0 -i "$url/bytes/70000?chunked")
same '1.0 never sees chunked' '' "$(field transfer-encoding <<<"$head")"
same '1.0 body up to the close' 70000 "$(get --http1.0 "$url/bytes/70000?chunked" | wc -c)"

# Bodies from the server.
for n in 0 1 1023 65536 1000000 20000000; do
	same "/bytes/$n" "$n" "$(get "$url/bytes/$n" | wc -c)"
	same "/bytes/$n chunked" "$n" "$(get "$url/bytes/$n?chunked" | wc -c)"
done
head=$(get -D - -o /dev/null "$url/bytes/9?chunked")
same 'chunked is said' chunked "$(field transfer-encoding <<<"$head")"
same 'a slow reader gets all' 300000 "$(get --limit-rate 200k "$url/bytes/300000" | wc -c)"

# Files: whole, ranges, conditions.
cmp -s <(get "$url/files/large") "$work/files/large" && large=same || large=different
same 'a large file' same "$large"
same 'range' '23456' "$(get -r 2-6 "$url/files/digits")"
same 'range status' 206 "$(status -r 2-6 "$url/files/digits")"
same 'range field' 'bytes 2-6/10000' "$(get -r 2-6 -D - -o /dev/null "$url/files/digits" | field content-range)"
same 'suffix range' '6789' "$(get -r -4 "$url/files/digits")"
same 'open range' '789' "$(get -r 9997- "$url/files/digits")"
same 'range behind the end' 416 "$(status -r 20000- "$url/files/digits")"
has 'two ranges' 'multipart/byteranges' "$(get -r 0-1,5-6 -D - -o /dev/null "$url/files/digits" | field content-type)"
same 'resume' same "$(head -c 1000000 "$work/files/large" >"$work/part" && get -C - -o "$work/part" "$url/files/large" && cmp -s "$work/part" "$work/files/large" && echo same)"
same 'if-modified-since' 304 "$(status -z "$work/files/digits" "$url/files/digits")"
same 'after a 304 the connection lives' '304200 0' "$(get -z "$work/files/digits" -o /dev/null -w '%{http_code}' "$url/files/digits" --next -sS -o /dev/null -w '%{http_code} %{num_connects}' "$url/plaintext")"
same 'html type' 'text/html; charset=utf-8' "$(get -D - -o /dev/null "$url/files/page.html" | field content-type)"
same 'no way out of the directory' 404 "$(status --path-as-is "$url/files/%2e%2e/log")"

# Connections.
same 'keep-alive reuse' '1000' "$(get -o /dev/null -w '%{num_connects}' "$url/plaintext" -o /dev/null "$url/json" -o /dev/null "$url/bytes/100000?chunked" -o /dev/null "$url/native/plaintext")"
same 'reuse after POST' '100' "$(get -o /dev/null -w '%{num_connects}' -d x "$url/echo" -o /dev/null "$url/echo" -o /dev/null "$url/plaintext")"
same 'connection: close is honoured' close "$(get -H 'Connection: close' -D - -o /dev/null "$url/plaintext" | field connection)"
same 'and the next connects anew' '11' "$(get -H 'Connection: close' -o /dev/null -w '%{num_connects}' "$url/plaintext" -o /dev/null "$url/plaintext")"
same '50 at once' '50' "$(get -Z --parallel-max 50 -w '%{http_code}\n' -o /dev/null "$url/bytes/[1000-1049]" 2>/dev/null | grep -c 200)"

# raw BYTES: sends them over one connection that half-closes behind them, prints what comes back.
raw() {
	local host=${hostport%:*} port=${hostport##*:}
	exec 3<>"/dev/tcp/$host/$port"
	printf "$1" >&3
	timeout 10 cat <&3 || true
	exec 3>&-
}
answers=$(raw 'GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\nGET /json HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /native/plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
same 'four pipelined requests' 4 "$(grep -o 'HTTP/1.1 200 OK' <<<"$answers" | wc -l)"
same 'in order' 'Hello, World!|{"message":"Hello, World!"}|abc|Hello, World!' \
	"$(tr -d '\r' <<<"$answers" | grep -oE '"body":"[^"]*"|^\{"message".*\}|^Hello, World!' | sed 's/"body":"\(.*\)"/\1/' | paste -sd'|')"
bad() { raw "$1" | head -n 1 | tr -d '\r' | cut -d' ' -f2; }
same 'no Host' 400 "$(bad 'GET /plaintext HTTP/1.1\r\n\r\n')"
same 'two Hosts' 400 "$(bad 'GET /plaintext HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')"
same 'garbage' 400 "$(bad '\x16\x03\x01garbage\r\n\r\n')"
same 'HTTP/3.7' 505 "$(bad 'GET /plaintext HTTP/3.7\r\nHost: a\r\n\r\n')"
same 'differing lengths' 400 "$(bad 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx')"
same 'length with no number' 400 "$(bad 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx')"
same 'unknown coding' 501 "$(bad 'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zip\r\n\r\n')"
same 'bad chunk size' 400 "$(bad 'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nxyz\r\n')"
if [ "$2" != nethttp ]; then
	# net/http reads these two.
	same 'length beside chunked' 400 "$(bad 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')"
	same 'bare LF' 400 "$(bad 'GET /plaintext HTTP/1.1\nHost: a\n\n')"
fi
same 'a head too long' 431 "$(bad "GET /plaintext HTTP/1.1\r\nHost: a\r\nX: $(head -c 2000000 /dev/zero | tr '\0' x)\r\n\r\n")"
same 'still serving' 'Hello, World!' "$(get "$url/plaintext")"

# Server-sent events come one by one, not at the end.
same 'three ticks' 3 "$(get -N "$url/sse?every=20ms&count=3" | grep -c '^event: tick')"
first=$(timeout 5 curl -sSN "$url/sse?every=1h" 2>/dev/null | head -n 1 || true)
same 'the first tick comes at once' 'id: 1' "$first"
verdict "curl on $2"
