#!/usr/bin/env bash
# Holds a running demo server to curl and openssl over TLS: conform/tls.sh HTTPS-URL DRIVER WORKDIR (see run.sh for what is in WORKDIR;
# cert.pem is the server's certificate).
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
url=$1 work=$3
hostport=${url#https://}
get() { curl -sS --max-time 20 --cacert "$work/cert.pem" "$@"; }
client() { timeout 20 openssl s_client -connect "$hostport" -CAfile "$work/cert.pem" "$@"; }
sum=$(sha256sum "$work/files/large" | cut -d' ' -f1)
want="{\"bytes\":3000000,\"sha256\":\"$sum\"}"

for tls in 1.2 1.3; do
	for http in 1.1 2; do
		v=(--tlsv$tls --tls-max $tls --http$http)
		same "TLS $tls HTTP/$http, certificate verified" "200 $http 0" "$(get "${v[@]}" -o /dev/null -w '%{http_code} %{http_version} %{ssl_verify_result}' "$url/plaintext")"
		same "TLS $tls HTTP/$http native" 'Hello, World!' "$(get "${v[@]}" "$url/native/plaintext")"
		same "TLS $tls HTTP/$http two requests, one connection" 10 "$(get "${v[@]}" -o /dev/null -w '%{num_connects}' "$url/plaintext" -o /dev/null "$url/json")"
		for n in 0 1 16383 16384 16385 20000000; do
			same "TLS $tls HTTP/$http /bytes/$n" "$n" "$(get "${v[@]}" "$url/bytes/$n" | wc -c)"
		done
		same "TLS $tls HTTP/$http file" "$sum" "$(get "${v[@]}" "$url/files/large" | sha256sum | cut -d' ' -f1)"
		same "TLS $tls HTTP/$http upload" "$want" "$(get "${v[@]}" -T "$work/files/large" "$url/upload")"
		same "TLS $tls HTTP/$http upload on a slow line" 30000 "$(head -c 30000 "$work/files/large" | get "${v[@]}" --limit-rate 20k -T - "$url/upload" | sed 's/.*"bytes":\([0-9]*\).*/\1/')"
		same "TLS $tls HTTP/$http a slow reader gets all" 300000 "$(get "${v[@]}" --limit-rate 200k "$url/bytes/300000" | wc -c)"
	done
	# Without a length the body ends with the connection: OpenSSL fails here unless close_notify says that it is the end.
	same "TLS $tls body up to the close" 70000 "$(get --tlsv$tls --tls-max $tls --no-alpn --http1.0 "$url/bytes/70000?chunked" | wc -c)"
	client -tls${tls/./_} -sess_out "$work/session" -ign_eof <<<$'GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r' >"$work/first" 2>&1 || true
	has "TLS $tls answer" 'Hello, World!' "$(cat "$work/first")"
	lacks "TLS $tls ends with close_notify" 'unexpected eof' "$(cat "$work/first")"
	has "TLS $tls session is resumed" '^Reused, TLSv1' "$(client -tls${tls/./_} -sess_in "$work/session" <<<Q 2>&1)"
done
code=0
get --tlsv1.0 --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 -o /dev/null "$url/" 2>/dev/null || code=$?
same 'TLS 1.1 is refused' 35 "$code"
code=0
curl -sS --max-time 20 -o /dev/null "$url/" 2>/dev/null || code=$?
same 'the certificate is not trusted by default' 60 "$code"
has 'ALPN mismatch' 'alert number 120' "$(client -alpn foo <<<Q 2>&1)"
same 'ALPN prefers h2' 'ALPN protocol: h2' "$(client -alpn http/1.1,h2 <<<Q 2>/dev/null | grep -a '^ALPN')"
same 'no ALPN is HTTP/1.1' 'No ALPN negotiated' "$(client <<<Q 2>/dev/null | grep -a ALPN)"
# A line with R alone asks OpenSSL to renegotiate, one with K to update its keys and ask for ours.
lacks 'renegotiation is refused' 'HTTP/1.1 200' "$({ echo R; sleep 0.5; printf 'GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n'; sleep 0.5; } | client -tls1_2 2>&1)"
has 'keys are updated' 'Hello, World!' "$({ echo K; sleep 0.3; echo K; sleep 0.3; printf 'GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n'; sleep 0.5; } | client -tls1_3 2>&1)"
same 'plain HTTP here is told so' 400 "$(curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "http://$hostport/")"
same 'many at once' '20 200' "$(seq 20 | xargs -P 20 -I{} curl -sS --max-time 20 --cacert "$work/cert.pem" -o /dev/null -w '%{http_code}\n' "$url/bytes/100000" | sort | uniq -c | xargs)"
verdict "TLS on $2"
