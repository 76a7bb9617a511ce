// Package hpack measures codec/hpack beside its peers: see the tests and ../README.md.
package hpack
