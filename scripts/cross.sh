#!/usr/bin/env bash
# Builds and vets for every system that is promised: everything on linux, darwin and freebsd, the codecs, stdnet and the
# server on windows, the codecs on wasip1. Vet type-checks the tests too. The arguments are modules below this one that users import
# or install: cross.sh grpcproto...
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}

# present prints those of the given patterns that match a package.
present() {
	local p
	for p in "$@"; do
		if [ -d "${p%/...}" ]; then printf '%s\n' "$p"; fi
	done
}

try() {
	local os=$1 arch=$2
	shift 2
	echo "== $os/$arch $*"
	GOOS=$os GOARCH=$arch CGO_ENABLED=0 "$GO" build "$@"
	GOOS=$os GOARCH=$arch CGO_ENABLED=0 "$GO" vet "$@"
}

for os in linux darwin freebsd; do
	for arch in amd64 arm64; do
		try $os $arch ./...
	done
done
mapfile -t windows < <(present ./codec/... ./drivers/stdnet/... ./server/...)
try windows amd64 ./drivers "${windows[@]}"
mapfile -t wasi < <(present ./codec/...)
try wasip1 wasm "${wasi[@]}"
for module in "$@"; do
	for os in linux darwin freebsd windows; do
		(cd "$module" && echo "in $module:" && try $os amd64 ./...)
	done
done
echo "== pure Go twins of the assembly"
"$GO" vet -tags purego ./codec/...
"$GO" test -tags purego ./codec/...
