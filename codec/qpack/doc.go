// Package qpack is QPACK (RFC 9204), the compression of field lists in HTTP/3, as a pure state machine: the static and the
// dynamic table, a Decoder and an Encoder with both instruction streams. It opens no socket, reads no clock, starts no
// goroutine, and knows nothing of QUIC but that streams have ids.
//
// # Decoding
//
// A Decoder is one direction of a connection; a Block is what one field section decodes to. The Block belongs to the worker and
// serves any number of sections and decoders in turn:
//
//	what comes on the peer's encoder stream:
//		err := d.ReadEncoderStream(src)          // cut anywhere
//		ids = d.AppendUnblocked(ids[:0])         // present the sections of these streams again
//	a HEADERS or PUSH_PROMISE frame of a stream:
//		n, err := d.Decode(id, fragment, last, &b)
//		...                                      // fragment[n:] must be presented again, see Decode
//	a stream that is reset or not read any more:
//		d.Cancel(id)
//	at the end of each turn:
//		out = d.AppendDecoderStream(out, max)    // to our decoder stream
//
// A section whose entries have not come is blocked: nothing of it is taken, the caller keeps its octets, best in the
// stream's flow-control window (RFC 9204 section 2.2.1-2), and the Block is free for others. A stream that stays blocked for too
// long is the caller's to reset: there is no clock here.
//
// The octets of b.Fields are in the Block's own memory, or in the constant static table. Eviction cannot reach them, and neither can
// the next fragment: they are valid until the Block's next section begins. They must not be written to.
//
// # Encoding
//
// An Encoder is the other direction. AppendSection appends a section, and apart from it what must go to our encoder stream.
// ReadDecoderStream takes what the peer's decoder says; it may come before the peer's SETTINGS. SetPeer tells those.
//
//	a field is                               what is said
//	in the static table                      its index
//	in the dynamic table, usable             its index; if it will be evicted soon, a Duplicate is inserted and named instead
//	worth it, and there is room              an insertion, and its index if that is usable already
//	any other                                a literal, with the index of its name where there is one
//
// An entry is usable when the peer has acknowledged it, or when the stream may block: at most as many streams as the peer allows, and
// EncoderOptions.BlockedStreams, may wait for entries at a time. An entry is evicted only when it is acknowledged and no
// outstanding section refers to it. Which fields are worth it is said by Indexing, as in package hpack. A Sensitive field is sent
// never-indexed, always, and is decoded with Sensitive set. Names are sent as they are: HTTP/3 wants them in lower case.
//
// # Errors
//
// Every failure is an *Error of scope conn with one of the three codes, the offset of the instruction or representation that fails, and a
// reason that begins with the paragraph it enforces; Reasons lists all of them. It is final. Both reason and offset depend on the
// octets only, not on how they were cut. (RFC 9204 section 7.4-3 would let a stream live that has an integer of more than 62 bits in a
// section. No encoder sends one, so it ends the connection too, as RFC 9114 section 8-4 allows.) Calls that make no sense return an error of scope
// misuse and change nothing. A Required Insert Count larger than needed is accepted: section 2.2.1-3 leaves that open.
//
// # Limits and memory
//
//	what                                     default     exceeded
//	the dynamic table                        4096        error
//	blocked streams                          16          error
//	a list: name, value and 32 per field     64 KiB      TooLarge
//	fields in a list                         100         TooLarge
//	a string of a section on the wire        16 KiB      TooLarge; it is skipped unread
//	a string to be inserted                  the table   error when its length is declared
//	an integer                               62 bits     error
//	changes of the capacity                  64          error, unless an insertion comes in between
//	our sections without acknowledgment      256         further ones use no dynamic table
//
// A list above a limit is decoded to its end, and what is beyond is dropped: a section of 16 KiB that names one large entry 16,000
// times costs the list limit, not 64 MiB. The encoded length of sections is for the owner of the framing to bound, those that are blocked
// included: at most BlockedStreams of them.
//
// Worst case, with the defaults: a Decoder holds 12 KiB of table (strings at most twice its capacity, and 24 octets for each of up to 128
// entries), an instruction in part of at most four times the capacity, and the entry it inserts; an Encoder 6 KiB more for its
// index and 10 KiB of outstanding sections. All of it is allocated when entries come and not before. Acknowledgments and
// cancellations that wait to be sent take 16 octets each: Owed counts them, for a peer that gives no credit. A Block
// holds the list limit, strings that are being decoded or are cut, and Limits.Fields entries of 56 octets, once per worker; Trim
// gives memory back.
//
// The work for sections and instructions is linear: Steps is below six for each octet. An insertion or duplicate costs the length of the
// entry beside, at most the capacity of the table; an acknowledgment a look at each outstanding section.
//
// # What it does not do
//
// It does not check names and values: that is HTTP/3's (RFC 9114 section 4.2). It does not open streams, nor write their types
// (RFC 9204 section 4.2), nor time anything out. The fields of different users must not share an Encoder with IndexAll (RFC 9204
// section 7.1).
package qpack
