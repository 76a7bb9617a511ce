// Package ws holds codec/ws to gobwas/ws and coder/websocket, peers and judges: frame headers octet by octet, and whole
// conversations in both roles, with every way of compression that they know. It has no code but tests.
package ws
