// Package simdutf calls the C interface of simdutf (https://github.com/simdutf/simdutf), if it is installed: the build tag simdutf and
// cgo are needed, and CGO_LDFLAGS=-L/where/it/is if it is not in the usual place. simdutf chooses its kernel by the processor;
// SIMDUTF_FORCE_IMPLEMENTATION=haswell in the environment makes it take the one for AVX2.
package simdutf
