// Package layering reads the repository's source and reports what breaks its structure: an import that points the wrong
// way, a codec that is not pure (law 9), a file that has grown too long. Its test runs it on this repository.
//
//	codec/<protocol>   imports codec, codec/internal/*, and the codec it is built on (see builtOn); no I/O, clock,
//	                   lock, logger, randomness or goroutine; assigns to no package variable
//	drivers            imports codec
//	drivers/*          imports drivers and codec, never server, client or a protocol
//	server, client     imports codec/* and drivers, never a driver
//	cmd, examples      may import everything
//	any of them        of other modules only golang.org/x/sys, outside tests
package layering
