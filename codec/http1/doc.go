// Package http1 is HTTP/1.1 (RFC 9112, RFC 9110) as a pure state machine, for both roles.
package http1
