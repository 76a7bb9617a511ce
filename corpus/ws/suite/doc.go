// Package suite plays conformance cases against a WebSocket endpoint that echoes messages, in either role. The cases stand in
// the tables beside this file. Their numbers are those of the Autobahn test suite, which asked these questions first; the
// words, the data and the program are our own, and nothing here uses the codec that it judges: frames are read and
// written by a few plain lines, and deflate is the standard library's.
//
// # The tables
//
// Text in front of the first case is prose. A case begins with "=== ID: title" and goes on with rows and steps. "#" begins
// a comment.
//
//	=== 1.1.$n: a text of $size bytes
//	| n | size | chop |
//	| 1 | 0    | all  |
//	| 2 | 125  | all  |
//	chop $chop
//	send text "\($size*x)"
//	want text "\($size*x)"
//
// Rows make one case each: the words of the first row, with "$", are replaced by what stands below them. "table NAME" in front of a case
// begins rows that several cases take with "rows NAME". Strings have the escapes of the golden files (corpus/README.md).
//
//	send OP [more] [rsvN] "..."  a frame: text, binary, cont, close, ping, pong, or opN for any opcode; more clears FIN;
//	                             rsvN sets reserved bits, 4 is RSV1. A string may be repeated: "a" x 10.
//	begin OP N                   the header of a frame of N bytes whose payload comes by data
//	data "..."                   some bytes of that payload
//	chop N | frame | all         how the octets are written from here on: N at a time, by frames, or in one go
//	want OP "..."                that event comes next: text or binary (a whole message), pong
//	quiet                        nothing comes for a while
//	fail CODE...                 the peer fails the connection: a Close with one of these codes, or without any it drops it
//	close [CODE] ["reason"]      a Close frame; without a code an empty one
//	closed [CODE...]             the peer answers with a Close, with one of these codes or none at all, and drops the connection
//	echo N OP DATA SIZE [FRAME]  N messages of SIZE characters of a text, or bytes, from a stream of data, in frames of at most
//	                             FRAME bytes; each has to come back before the next one is sent
//	offer "..."                  the extension that a client offers; the case needs it
//	accept "..."                 the extension that a server answers with, if the client's offer allows it
//	informational                whatever happens, it is no fault
//
// want, quiet and fail may end in "?": then it is only not strict if it does not come, and the case goes on. A case that
// neither fails nor closes ends with close 1000 and closed 1000.
package suite
