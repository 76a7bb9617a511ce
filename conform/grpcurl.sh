#!/usr/bin/env bash
# Has protoc write the stubs of the gRPC example. Then starts its server on each driver, in plain text and over TLS, and holds its
# reflection, its service of all four kinds and its health to grpcurl, at the version that interop/grpcurl/go.mod pins:
# conform/grpcurl.sh [DRIVER...]. Without protoc and grpcurl nothing is shown, so that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
. conform/lib.sh
need openssl openssl
need protoc protobuf-compiler

work=$(mktemp -d)
pid=
finish() {
	if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; fi
	rm -rf "$work"
}
trap finish EXIT
"$GO" build -C interop/grpcurl -o "$work/grpcurl" github.com/fullstorydev/grpcurl/cmd/grpcurl || {
	echo "grpcurl cannot be built" >&2
	exit 1
}
"$GO" build -C grpcproto -o "$work/server" ./example/server
"$GO" build -C grpcproto -o "$work/client" ./example/client
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2 \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null

echo "== $(protoc --version)"
"$GO" build -C protoc-gen-purewire-grpc -buildvcs=false -o "$work/protoc-gen-purewire-grpc" .
protoc -Igrpcproto/example/greet --plugin="$work/protoc-gen-purewire-grpc" --purewire-grpc_out="$work" --purewire-grpc_opt=paths=source_relative greet.proto
same 'stubs by protoc' "$(sed '/^\/\/ - protoc  /d' grpcproto/example/greet/greet_purewire.pb.go)" "$(sed '/^\/\/ - protoc  /d' "$work/greet_purewire.pb.go")"

# start DRIVER ARG...: starts the server and sets pid and addr.
start() {
	: >"$work/log"
	"$work/server" -addr 127.0.0.1:0 -driver "$@" >"$work/log" 2>&1 &
	pid=$!
	addr=
	for _ in {1..100}; do
		addr=$(sed -n 's,^[a-z]*://\([^/]*\)/$,\1,p' "$work/log")
		if [ -n "$addr" ]; then return; fi
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	echo "the server did not start:"
	cat "$work/log"
	exit 1
}

# stop NAME: stops the server, which must end cleanly.
stop() {
	local code=0
	kill -TERM "$pid" 2>/dev/null || true
	wait "$pid" || code=$?
	pid=
	same "$1 clean shutdown" 0 "$code"
	if [ "$code" != 0 ]; then cat "$work/log"; fi
}

# ask ARG...: grpcurl with the flags of the wire, bounded, with both outputs; a failed call is part of the output.
ask() { "$work/grpcurl" -max-time 20 "${wire[@]}" "$@" 2>&1 || echo "exit $?"; }

# check NAME: all calls to the server at addr.
check() {
	local n=$1 all one
	all=$'greet.v1.Greeter\ngrpc.health.v1.Health\ngrpc.reflection.v1.ServerReflection\ngrpc.reflection.v1alpha.ServerReflection'
	same "$n list" "$all" "$(ask "$addr" list)"
	same "$n list methods" $'greet.v1.Greeter.Again\ngreet.v1.Greeter.Chat\ngreet.v1.Greeter.Everybody\ngreet.v1.Greeter.Hello' \
		"$(ask "$addr" list greet.v1.Greeter)"
	has "$n list nobody" 'Symbol not found: nobody.Here$' "$(ask "$addr" list nobody.Here)"
	one=$(ask "$addr" describe)
	for s in $all; do has "$n describe $s" "^$s is a service:\$" "$one"; done
	same "$n describe a message" $'greet.v1.HelloRequest is a message:\nmessage HelloRequest {\n  string name = 1;\n  .greet.v1.Mood mood = 2;\n}' \
		"$(ask "$addr" describe greet.v1.HelloRequest)"
	has "$n describe an enum" 'MOOD_LOUD = 1;' "$(ask "$addr" describe greet.v1.Mood)"
	has "$n describe a method" '^rpc Chat \( stream .greet.v1.HelloRequest \) returns \( stream .greet.v1.HelloReply \);$' \
		"$(ask "$addr" describe greet.v1.Greeter.Chat)"
	has "$n describe nobody" 'Symbol not found: nobody.Here' "$(ask "$addr" describe nobody.Here)"
	has "$n template" '"times": 0' "$(ask -msg-template "$addr" describe greet.v1.AgainRequest)"

	same "$n unary" $'{\n  "text": "HELLO, WORLD!"\n}' "$(ask -d '{"name":"World","mood":"MOOD_LOUD"}' "$addr" greet.v1.Greeter/Hello)"
	one=$(ask -d '{}' "$addr" greet.v1.Greeter/Hello)
	has "$n status" 'Code: InvalidArgument' "$one"
	has "$n message" 'Message: name is missing' "$one"
	has "$n details" '"@type": "type.googleapis.com/greet.v1.Problem"' "$one"
	has "$n exit code" '^exit 67$' "$one"
	same "$n client stream" $'{\n  "text": "Hello, a, b, c!"\n}' "$(ask -d '{"name":"a"}{"name":"b"}{"name":"c"}' "$addr" greet.v1.Greeter/Everybody)"
	same "$n server stream" 1000 "$(ask -d '{"who":{"name":"x"},"times":1000}' "$addr" greet.v1.Greeter/Again | grep -c '^  "text": "Hello, x!"$')"
	same "$n bidirectional" '"text": "Hello, a!" "text": "Hello, b!"' \
		"$(ask -d '{"name":"a"}{"name":"b"}' "$addr" greet.v1.Greeter/Chat | sed -n 's/^  \("text.*\)/\1/p' | paste -sd' ')"
	same "$n health" $'{\n  "status": "SERVING"\n}' "$(ask -d '{"service":"greet.v1.Greeter"}' "$addr" grpc.health.v1.Health/Check)"
	has "$n unknown method" 'does not include a method named "Nothing"' "$(ask -d '{}' "$addr" greet.v1.Greeter/Nothing)"
	one=$(ask -v -H 'x-name: value' -d '{"name":"a"}' "$addr" greet.v1.Greeter/Hello)
	has "$n header" '^content-type: application/grpc' "$one"
	has "$n sums" '^Sent 1 request and received 1 response$' "$one"
	has "$n deadline" 'Code: DeadlineExceeded' "$("$work/grpcurl" -max-time 0.5 "${wire[@]}" -d '{}' "$addr" grpc.health.v1.Health/Watch 2>&1 || true)"
}

drivers=("$@")
if [ ${#drivers[@]} = 0 ]; then drivers=(stdnet reactor); fi
for driver in "${drivers[@]}"; do
	echo "== $driver, plain text"
	start "$driver"
	wire=(-plaintext)
	check "$driver plain"
	out=$("$work/client" -base "http://$addr" 2>&1) || true
	same "$driver client" $'Hello: Hello, World!\nEverybody: Hello, Ada, Grace!\nAgain: 3 times\nChat: HELLO, ALAN!\nChat: HELLO, EDSGER!\nNobody: grpc: INVALID_ARGUMENT: name is missing\n  detail: name' "$out"
	stop "$driver plain"
	echo "== $driver, TLS"
	start "$driver" -cert "$work/cert.pem" -key "$work/key.pem"
	wire=(-cacert "$work/cert.pem")
	check "$driver TLS"
	stop "$driver TLS"
done
verdict grpcurl
