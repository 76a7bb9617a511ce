#!/usr/bin/env bash
# Holds the client, as `purewire get`, to HTTP/2 servers of others: conform/client.sh WORKDIR (see h2.sh for what is in WORKDIR).
# nghttpd and node are asked in plain text with prior knowledge and over TLS, nginx and Go's server over TLS and, Go's, in plain text.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
work=$1
pids=()
finish() { for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; }
trap finish EXIT
sum=$(sha256sum "$work/files/large" | cut -d' ' -f1)
printf 'Hello, World!' >"$work/files/plaintext"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$work/peer.key" -out "$work/peer.pem" 2>/dev/null

free() { /usr/bin/python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
get() { "$work/purewire" get --http2 --insecure --timeout 20s "$@" 2>"$work/get.err" || echo "get failed: $(cat "$work/get.err")"; }
row() { # NAME: tells how the checks since the last row went
	if [ "$failures" = "${before:-0}" ]; then echo "PASS client against $1"; else echo "FAIL client against $1"; fi
	before=$failures
}
up() { # PORT: waits until somebody listens
	for _ in {1..100}; do
		if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
		sleep 0.1
	done
	echo "nobody listens at $1" >&2
}
# What every server has: URL of /plaintext, URL of a large file, its SHA-256.
common() {
	same "$1 plaintext" 'Hello, World!' "$(get "$2")"
	has "$1 speaks HTTP/2" '^HTTP/2(\.0)? 200' "$(get -i "$2")"
	same "$1 large" "$4" "$(get "$3" | sha256sum | cut -d' ' -f1)"
	has "$1 missing" '^HTTP/2(\.0)? 404' "$(get -i "$2/nowhere/at/all")"
	same "$1 HEAD" '' "$(get -X HEAD "$2")"
}

# nghttpd
port=$(free)
nghttpd -a 127.0.0.1 --no-tls -d "$work/files" --echo-upload "$port" >/dev/null 2>&1 & pids+=($!)
tport=$(free)
nghttpd -a 127.0.0.1 -d "$work/files" --echo-upload --trailer 'x-end: 1' "$tport" "$work/peer.key" "$work/peer.pem" >/dev/null 2>&1 & pids+=($!)
up "$port"; up "$tport"
for url in "http://127.0.0.1:$port" "https://127.0.0.1:$tport"; do
	common "nghttpd $url" "$url/plaintext" "$url/large" "$sum"
	same "nghttpd $url upload" "$sum" "$(get -d "@$work/files/large" "$url/plaintext" | sha256sum | cut -d' ' -f1)"
done
row nghttpd

# nginx
port=$(free)
mkdir -p "$work/nginx"
chmod 755 "$work" "$work/files"
chmod 644 "$work/files"/*
cat >"$work/nginx.conf" <<EOF
daemon off;
$(if [ "$(id -u)" = 0 ]; then echo 'user root;'; fi)
worker_processes 1;
pid $work/nginx/pid;
error_log $work/nginx/error.log crit;
events { worker_connections 100; }
http {
	access_log off;
	client_max_body_size 0;
	client_body_temp_path $work/nginx/t1; proxy_temp_path $work/nginx/t2; fastcgi_temp_path $work/nginx/t3;
	uwsgi_temp_path $work/nginx/t4; scgi_temp_path $work/nginx/t5;
	server {
		listen 127.0.0.1:$port ssl http2;
		ssl_certificate $work/peer.pem; ssl_certificate_key $work/peer.key;
		root $work/files;
		dav_methods PUT;
		gzip on; gzip_types *;
	}
}
EOF
nginx -p "$work/nginx" -e "$work/nginx/error.log" -c "$work/nginx.conf" & pids+=($!)
up "$port"
url=https://127.0.0.1:$port
common "nginx" "$url/plaintext" "$url/large" "$sum"
has "nginx PUT" '^HTTP/2(\.0)? 201' "$(get -i -X PUT -d "@$work/files/large" "$url/put")"
same "nginx what was put" "$sum" "$(get "$url/put" | sha256sum | cut -d' ' -f1)"
rm -f "$work/files/put"
row nginx

# node
node ./node_server.mjs "$work/peer.key" "$work/peer.pem" >"$work/node.ports" & pids+=($!)
for _ in {1..100}; do
	if [ -s "$work/node.ports" ]; then break; fi
	sleep 0.1
done
read -r port tport <"$work/node.ports" || true
x=$(head -c 3000000 /dev/zero | tr '\0' x | sha256sum | cut -d' ' -f1)
for url in "http://127.0.0.1:$port" "https://127.0.0.1:$tport"; do
	common "node $url" "$url/plaintext" "$url/large" "$x"
	same "node $url upload" "3000000 $sum" "$(get -d "@$work/files/large" "$url/upload")"
	same "node $url early hints" 'hinted' "$(get "$url/hint")"
done
row node

# Go
: >"$work/go.log"
"$work/purewire" serve --driver nethttp --http2-only --addr 127.0.0.1:0 --tls-addr 127.0.0.1:0 --dir "$work/files" >"$work/go.log" 2>&1 & pids+=($!)
for _ in {1..100}; do
	if grep -q ' http://' "$work/go.log"; then break; fi
	sleep 0.1
done
for url in $(sed -n 's,^ *\(https*://[^/]*\)/.*,\1,p' "$work/go.log"); do
	common "Go $url" "$url/plaintext" "$url/files/large" "$sum"
	has "Go $url upload" "$sum" "$(get -d "@$work/files/large" "$url/upload")"
done
row "Go"
verdict "client over HTTP/2 against nghttpd, nginx, node and Go"
