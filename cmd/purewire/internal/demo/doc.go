// Package demo is the set of handlers behind "purewire serve": one ordinary net/http Handler that knows nothing of the
// server it runs on. Tests run it on net/http and on both drivers and compare the answers.
//
//	/                   a page that tells what this server is and measures its own round-trips
//	/plaintext          the 13 bytes "Hello, World!"
//	/json               {"message":"Hello, World!"}
//	/echo               the request, back as JSON: method, target, version, fields, trailers, body
//	/bytes/{n}          n bytes; with ?chunked without a Content-Length
//	/upload             counts and hashes the body while it arrives
//	/files/             a directory, with ranges and conditional requests
//	/sse                a clock as server-sent events; ?every=200ms&count=5 to shape it
//	/native/plaintext   as /plaintext; servers with a native handler answer it there
package demo
