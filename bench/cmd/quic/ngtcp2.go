//go:build ngtcp2

package main

func init() { tags += ",ngtcp2" }
