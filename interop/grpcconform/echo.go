package main

import (
	"context"
	"fmt"
	"io"

	"github.com/purewire/purewire/rpc"
	"github.com/purewire/purewire/server"
)

// echo serves load.Echo: what comes goes back. A message is bytes to package rpc, so there is nothing to decode.
func echo(driver string, w io.Writer) error {
	s := rpc.NewServer(rpc.ServerConfig{})
	s.Unary("/load.Echo/Once", func(_ context.Context, req []byte) ([]byte, error) { return req, nil })
	s.Bidi("/load.Echo/Chat", func(st *rpc.Stream) error {
		for {
			m, err := st.Recv()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := st.Send(m); err != nil {
				return err
			}
		}
	})
	svc, err := server.New(server.Config{Handler: s})
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	addr, err := start(driver, svc, failed)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w, addr); err != nil {
		return err
	}
	return <-failed
}
