// Package hpack is HPACK (RFC 7541), the compression of header lists in HTTP/2, as a pure state machine: integers, the static
// Huffman code, the static and the dynamic table, a Decoder and an Encoder. It opens no socket, reads no clock, starts no
// goroutine.
//
// # Decoding
//
// A Decoder is one direction of a connection; a Block is what one header block decodes to. The Block belongs to the worker and
// serves any number of decoders in turn:
//
//	for each HEADERS, PUSH_PROMISE or CONTINUATION frame {
//		err := d.Decode(fragment, endHeaders, &b)
//		if err != nil {
//			... // the tables may differ: GOAWAY with COMPRESSION_ERROR, close
//		}
//		if endHeaders {
//			... // use b.Fields; b.TooLarge: refuse the message, the connection lives
//		}
//	}
//
// Fragments may be cut at any octet. All of a fragment is consumed and nothing of it is kept: what is left of a representation
// that is cut is copied to the Block, and nothing is decoded before its last octet is there, so octet by octet costs no more
// than whole. While a block is open, the Block is part of the connection's state and must stay with it.
//
// The octets of b.Fields are in the Block's own memory, or in the constant static table. Eviction cannot reach them, and neither can
// the next fragment: they are valid until the Block's next block begins. They must not be written to.
//
// Every block that the peer sends must be decoded, also those for streams that are refused or closed, since each moves the table.
//
// # Encoding
//
// An Encoder is the other direction. AppendBlock appends a whole block; AppendStart and AppendField do it in steps. Fields are
// matched against both tables, by name and value and by name, through an index that holds numbers only. What enters the dynamic table
// is said by Indexing: by default not the values that hardly ever come twice, nor those that are worth guessing. A Sensitive
// field is sent never-indexed, always, and is decoded with Sensitive set. Names are sent as they are: HTTP/2 wants them in lower case.
//
// # Sizes of the table
//
// SETTINGS_HEADER_TABLE_SIZE goes to four places in two connections:
//
//	we acknowledge the peer's setting       Encoder.SetMaxTableSize, at once; the next block begins with the update
//	the peer acknowledges ours              Decoder.SetTableSize
//	what we are ready to keep for sending   EncoderOptions.TableSize, whatever the peer offers
//	what both ends start from               4096; another protocol's in Limits.TableSize
//
// # Errors
//
// Every failure is an *Error of scope conn with COMPRESSION_ERROR, the offset in the block of the representation that fails, and a
// reason that begins with the paragraph it enforces; Reasons lists all of them. (If a name was oversize, the failing length behind
// it has its own offset.) It is final. Both reason and offset depend on the octets only, not on how they were cut. Calls that make
// no sense return an error of scope misuse and change nothing.
//
// # Limits and memory
//
//	what                                     default     exceeded
//	the dynamic table                        4096        the peer's update is refused; our encoder never asks for more
//	a list: name, value and 32 per field     64 KiB      TooLarge
//	fields in a list                         100         TooLarge
//	a string on the wire                     16 KiB      TooLarge; it is skipped unread
//	an integer                               32 bits, 6 octets  error
//	updates in a block                       2           error
//
// A list above a limit is decoded to its end, so that the tables stay in step, and what is beyond is dropped: a block of 16 KiB that
// names one large entry 16,000 times costs the list limit, not 64 MiB. A string is never limited below four times the table, since
// one that might fit there must be read. The encoded length of blocks is for the owner of the framing to bound.
//
// Worst case, with the defaults: a Decoder holds 10 KiB (strings at most twice the table's size, and 12 octets for each of up to
// 128 entries), allocated when entries come and not before; an Encoder 3 KiB more for its index. A Block holds the list limit, two
// strings that are being decoded, two that are cut, and Limits.Fields entries of 56 octets: 160 KiB, and what its arrays have grown
// beyond, once per worker. Trim gives memory back. An idle connection that has seen a few small headers holds about one kilobyte in each
// direction.
//
// The work is linear in what comes in and what comes out: Steps is below four for each octet. A literal that names an entry costs
// the length of that entry's name, at most the size of the table.
//
// # What it does not do
//
// It does not check names and values: that is HTTP/2's (RFC 9113 section 8.2). It does not join cookies. The fields of different
// users must not share an Encoder with IndexAll (RFC 7541 section 7.1).
package hpack
