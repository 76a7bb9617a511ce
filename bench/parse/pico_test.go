//go:build pico && cgo

package parse

import (
	"errors"

	"github.com/purewire/purewire/bench/internal/pico"
)

var errPico = errors.New("picohttpparser refused the input")

func picoParser(name string, f func([]byte, int) bool) parser {
	return parser{name, func(in []byte) func(int) error {
		return func(times int) error {
			if !f(in, times) {
				return errPico
			}
			return nil
		}
	}}
}

func init() {
	requests = append(requests, picoParser("pico", pico.Requests))
	responses = append(responses, picoParser("pico", pico.Response))
	chunkeds = append(chunkeds, picoParser("pico", func(in []byte, times int) bool {
		return pico.Chunked(in[len(chunkedHead):], times)
	}))
}
