// Package servertest runs an http.Handler or a server.NativeHandler for a test, without a socket and without a port: an httptest.Server whose network
// is package memlink. Nothing of HTTP is imitated. Requests go through package client, its codec, a connection in memory, package
// stdnet, package server and its codec, and back.
//
//	s := servertest.New(handler, servertest.Options{})
//	defer s.Close()
//	resp, err := s.Client().Get(s.URL + "/path")
//
// Client is an ordinary *http.Client. Options choose HTTP/1.1 or HTTP/2, in plain text or over TLS, with a configuration of the server, and
// faults of the network. HTTP/3 is missing: package server does not speak it.
//
// # What it is good for
//
//   - Tests with virtual time. In a bubble of testing/synctest everything waits durably: a handler that sleeps an hour takes no time, and
//     synctest.Wait returns once all octets are where they belong. Make the Server inside of the bubble.
//   - Tests of broken networks. Options.Link.Faults gives every connection a memlink.Plan: short reads, delays, a reset at a certain octet.
//   - Tests of raw bytes. Raw sends octets as they are and returns the octets of all answers: for request smuggling, pipelining and what
//     no client would send. Dial gives the connection itself.
//   - Tests of both sides against others: NetHTTP is net/http's client on the same server, DialContext fits any dialer hook.
//
// # What differs from httptest.Server
//
// The server has its Deadlines (30 s for a handler, for example), which matter in virtual time: see server.Config. Close ends requests in flight instead
// of waiting for them; Shutdown waits. The clients of a Server reach it under every host name, and nothing else.
package servertest
