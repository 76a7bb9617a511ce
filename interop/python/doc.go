// Package python holds our codecs against h11, h2 and wsproto: the protocol libraries of Python that, as ours, do no I/O, so that they
// can be asked for every event of an input. h11 reads HTTP/1.1, h2 HTTP/2 with all of its streams, wsproto WebSocket, each in both
// roles.
//
// The inputs are those of corpus/verdict and the golden cases of corpus/http1, corpus/http2/conn and corpus/ws whose configuration the
// others have, too. What is compared: the outcome (accepted, refused, waiting for more); with which status, error code or close code;
// and each message that came out whole: method, target and host, or status or type, all fields, trailers, and every octet of content. In HTTP what
// has come of a message that the end of input cuts off, and interim responses; in HTTP/2 the PINGs that are answered, resets and GOAWAY of the
// peer; in WebSocket pings and pongs.
//
// Where they differ the RFC is the judge. differences.txt has every difference by name, below the paragraph that decides and who is
// wrong by it: a difference that is not there fails the tests, and so does one that is there and is none any more. docs/oracles.md is
// made of it.
//
// The libraries are the packages python3-h11, python3-h2 and python3-wsproto of Debian 12, for /usr/bin/python3. Without them the tests
// are skipped, and say so; conform/python.sh installs them, and sets PUREWIRE_PYTHON=need, with which their absence is a failure.
package python
