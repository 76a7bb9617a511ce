// Package path is what a QUIC connection needs to know where its peer is and whether it is there (RFC 9000 sections 5.1, 8, 9, 10 and 14.3):
// connection IDs, address validation, path validation, migration, the idle timeout, the end of a connection, stateless resets, and the search for the path's
// MTU. Each part is a small machine of its own: frames and times go in, frames come out; nothing is sent, and unpredictable bytes come from the caller.
//
//	part            does                                                                        RFC 9000
//	LocalIDs        connection IDs that we issue                                                5.1.1, 19.15, 19.16
//	RemoteIDs       connection IDs that the peer issues; its stateless resets                   5.1.2, 10.3.1
//	Amplification   three times what was received, until an address is validated                8, 8.1
//	Validation      PATH_CHALLENGE until PATH_RESPONSE or the time is over                      8.2
//	Responder       PATH_RESPONSE frames that are owed                                          8.2.2
//	Paths           up to four paths, the active one, migration and what follows from it        9
//	Idle            idle timeout and keepalive                                                  10.1
//	Closer          closing and draining                                                        10.2
//	Resetter        which stray packets are answered with a stateless reset                     10.3
//	Tokens          tokens of Retry and NEW_TOKEN                                               8.1
//	MTU             DPLPMTUD                                                                    14.3, RFC 8899
//
// # A datagram of a server's connection
//
//	p := paths.Datagram(tuple, size)                  // counted for the anti-amplification limit
//	... open its packets; if none is authentic, stop ...
//	if p == nil { p = paths.Open(tuple, size) }       // nil: drop
//	migrated, reset := paths.Packet(now, p, probing, largest, pto)
//	PATH_CHALLENGE: p.Responses.Challenged(data)
//	PATH_RESPONSE:  outcome := paths.Response(now, data, pto)
//	if reset || outcome.Reset { congestion control, round-trip time, ECN and MTU begin anew }
//
// Packet, Response (at another address of ours only: Outcome.Migrated) and Advance change which path is active.
//
// To send on a path: paths.Sequence gives the connection ID, p.Limit.Allows the size, p.Responses.Next and p.Validation.Due what is owed; p.Limit.Sent and
// p.Validation.Sent say that it is sent.
//
// # Errors
//
// Every error is a *quic.Error: ScopeConn with the code for CONNECTION_CLOSE; Scope zero for what is to be ignored; ScopeMisuse for the caller's
// mistakes, which no peer causes. They are returned without allocation.
//
// # Memory
//
// Everything is an array of fixed size, but the list of gaps in the peer's sequence numbers, which ends at 33 ranges of 16 bytes, and the scratch of Tokens. A connection's
// LocalIDs, RemoteIDs and Paths take less than 4 KiB together; a test asserts it.
//
//	bound                                        what happens there
//	8 active connection IDs in each direction    CONNECTION_ID_LIMIT_ERROR; we issue no more
//	3 times our limit RETIRE_CONNECTION_ID       CONNECTION_ID_LIMIT_ERROR
//	32 gaps in the peer's sequence numbers       CONNECTION_ID_LIMIT_ERROR
//	4 paths                                      the oldest one that is not needed is forgotten
//	1 migration of the peer in a PTO             later ones wait
//	4 PATH_RESPONSE frames on a path             the oldest one is forgotten
//	8 challenges of a validation                 answers to older ones are not recognized
//
// # Not here
//
// The table from connection IDs to connections, the making of IDs and stateless reset tokens (package protect has ResetToken), ECN, and
// a memory of tokens that were used belong to the endpoint.
package path
