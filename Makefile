# make run and make test need nothing but Go. "make help" lists the rest.
GO      ?= go
# What a target is given: make run ARGS="--driver stdnet", make fuzz FUZZTIME=1m, make soak SOAKTIME=1m, make test TESTFLAGS=-v.
ARGS      ?=
TESTFLAGS ?=
# Go's limit for a package is 10 minutes. Under the race detector some need more than one minute of two cores, and a busy machine may be ten
# times slower.
TIMEOUT   ?= 30m
FUZZTIME  ?= 10s
SOAKTIME  ?= 10m

# The modules with dependencies of their own. They are checked where they exist.
NESTED := $(patsubst %/go.mod,%,$(wildcard bench/go.mod interop/go.mod interop/*/go.mod grpcproto/go.mod protoc-gen-purewire-grpc/go.mod))
# Those of them that users import or install: they are linted and built for every system, too.
SHIPPED := $(patsubst %/go.mod,%,$(wildcard grpcproto/go.mod protoc-gen-purewire-grpc/go.mod))

.PHONY: mutants run test check lint fmt vet staticcheck race layers sizes cross nested fuzz fuzz-gofuzz fuzz-libfuzzer fuzz-smoke bench conform conform-h2 conform-grpc conform-python soak build clean help

run: ## start the demo server on http://127.0.0.1:8080/ (ARGS="--driver stdnet --addr :9000")
	$(GO) run ./cmd/purewire serve $(ARGS)

test: ## run every test
	$(GO) test -timeout $(TIMEOUT) $(TESTFLAGS) ./...

check: test lint race cross nested ## everything that must pass before a change lands

lint: fmt vet staticcheck layers sizes ## formatting, vet, staticcheck, purity and layering, file sizes

fmt:
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')) || exit 1; \
	if [ -n "$$bad" ]; then echo "not formatted with gofmt:"; echo "$$bad"; exit 1; fi

vet:
	$(GO) vet ./...

staticcheck:
	$(GO) tool staticcheck ./...
	@set -e; tool=$$($(GO) tool -n staticcheck); for m in $(SHIPPED); do echo "== $$m"; (cd $$m && $$tool ./...); done

layers: ## the import arrows and the purity law (also part of test)
	$(GO) test -count=1 -run 'TestArrows|TestPure' .

sizes: # a source file that long holds more than one concept
	@long=$$(git ls-files -co --exclude-standard '*.go' | grep -v '_test\.go$$' | xargs wc -l | awk '$$2 != "total" && $$1 > 600'); \
	if [ -n "$$long" ]; then echo "over 600 lines:"; echo "$$long"; exit 1; fi

race: ## run every test under the race detector (needs a C compiler); -short holds long corpus inputs to fewer cuttings
	CGO_ENABLED=1 $(GO) test -race -short -timeout $(TIMEOUT) $(TESTFLAGS) ./...

cross: ## build and vet for every supported system
	GO="$(GO)" scripts/cross.sh $(SHIPPED)

nested: ## vet and test the modules below this one: bench, interop, grpcproto, protoc-gen-purewire-grpc
	@set -e; for m in $(NESTED); do echo "== $$m"; (cd $$m && $(GO) vet ./... && $(GO) test -timeout $(TIMEOUT) $(TESTFLAGS) ./...); done
	@if [ -d grpcproto ]; then cd grpcproto && $(GO) test -count=1 ./internal/generate; fi # it runs a program of another module, which its cache does not know

fuzz: ## run every native fuzz target for FUZZTIME each (ARGS="-match HTTP2"): a line for each, a table, findings as golden cases
	$(GO) run ./fuzz/cmd/fuzz -go "$(GO)" -time $(FUZZTIME) $(ARGS)

fuzz-gofuzz: ## run the targets of fuzz/ with go-fuzz for FUZZTIME each (ARGS="FuzzHTTP1Request ...": only these)
	GO="$(GO)" scripts/fuzz-gofuzz.sh $(FUZZTIME) $(ARGS)

fuzz-libfuzzer: ## run the targets of fuzz/ with libFuzzer for FUZZTIME each (needs clang; ARGS as above)
	GO="$(GO)" scripts/fuzz-libfuzzer.sh $(FUZZTIME) $(ARGS)

fuzz-smoke: ## build one target with go-fuzz and, where clang is, all with libFuzzer, and run them for seconds
	GO="$(GO)" scripts/fuzz-smoke.sh

mutants: ## plant bugs into the codecs, one at a time: corpus and laws must find each (ARGS="-only http2 -v")
	$(GO) run ./fuzz/cmd/mutants $(ARGS)

bench: ## run the benchmarks with their peers (module bench)
	cd bench && $(GO) run ./cmd/bench $(ARGS)

conform: ## hold the demo server to curl, ab, wrk and Chromium on every driver, then conform-h2 and conform-python (installs what is missing)
	GO="$(GO)" conform/run.sh $(ARGS)
	GO="$(GO)" conform/h2.sh $(filter-out nethttp,$(ARGS))
	GO="$(GO)" conform/python.sh

conform-h2: ## hold the demo server to h2spec, curl, nghttp, h2load, node and python3-h2 on both drivers, in plain text and over TLS; the client to nghttpd, nginx, node and Go
	GO="$(GO)" conform/h2.sh $(ARGS)

conform-python: ## hold the codecs to h11, h2 and wsproto on the corpus, message by message (docs/oracles.md)
	GO="$(GO)" conform/python.sh

conform-grpc: ## hold package rpc to connectrpc.com/conformance as a server on both drivers and as a client, the server to ghz, the gRPC example to grpcurl
	GO="$(GO)" conform/grpc.sh $(ARGS)
	GO="$(GO)" conform/grpcurl.sh $(ARGS)

soak: build ## attack the demo server for SOAKTIME on every driver, honest clients beside (Linux)
	nice -n 5 $(GO) run ./conform/soak -time $(SOAKTIME) $(ARGS)

build: ## build bin/purewire
	$(GO) build -trimpath -o bin/purewire ./cmd/purewire

clean:
	rm -rf bin fuzz/work

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r t d; do printf '  make %-12s %s\n' "$$t" "$$d"; done
