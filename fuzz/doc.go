// Package fuzz has the fuzz targets of the codecs: for each codec and role the laws of package codec on any bytes, round trips of what
// is encoded, sequences of operations on a connection, and conversations of two ends over a link that cuts what it carries anywhere,
// holds it back, and at last may break.
//
// Every Target is one function over one slice of bytes, so the same body and the same seeds serve three engines:
//
//	go test ./fuzz -run '^$' -fuzz '^FuzzHTTP1Request$'     the engine of the go command
//	go tool go-fuzz-build -func FuzzHTTP1Request ./fuzz     go-fuzz (build tag gofuzz: the functions of gofuzz.go)
//	go tool go-fuzz-build -libfuzzer ...                    libFuzzer, and with it OSS-Fuzz and ClusterFuzzLite
//
// "make fuzz" runs all of them with the first, with a line and a table on how they did; docs/fuzzing.md has the rest.
//
// # What the bytes mean
//
// A target of laws takes one byte that chooses a mode line (the configurations that the golden cases of corpus/ use, see Modes), one
// that is the seed of the cuttings, and the input of the codec behind them. All other targets read the bytes as a program: each byte
// is a choice, and a program that has ended goes on with the choice 0. See Program.
//
// # Seeds and regressions
//
// The golden cases of corpus/<codec> are the seeds of the laws; the programs have seeds of their own. The vectors of corpus/<codec>/vectors are
// seeds of both where they fit: what an encoder has made, what a function parses. What a fuzzer has found
// becomes a golden case there if it is an input of a codec, and a case in corpus/<codec>/regressions if it is a program. Seeds gives
// both to every engine, and "go test ./fuzz" replays them.
package fuzz
