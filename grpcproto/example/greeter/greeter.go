// Package greeter is an implementation of greet.v1.Greeter, for the example programs and for tests.
package greeter

import (
	"context"
	"io"
	"strings"

	"github.com/purewire/purewire/codec/grpc"
	"github.com/purewire/purewire/grpcproto"
	"github.com/purewire/purewire/grpcproto/example/greet"
)

// MaxTimes is how often Again greets at most.
const MaxTimes = 1000

// Server implements greet.GreeterServer. The zero value is ready.
type Server struct {
	greet.UnimplementedGreeterServer
}

func hello(who *greet.HelloRequest) (*greet.HelloReply, error) {
	if who.GetName() == "" {
		return nil, grpcproto.ErrorWith(grpc.InvalidArgument, "name is missing", &greet.Problem{Field: "name"})
	}
	text := "Hello, " + who.Name + "!"
	if who.Mood == greet.Mood_MOOD_LOUD {
		text = strings.ToUpper(text)
	}
	return &greet.HelloReply{Text: text}, nil
}

// Hello greets one person.
func (Server) Hello(_ context.Context, req *greet.HelloRequest) (*greet.HelloReply, error) {
	return hello(req)
}

// Everybody greets all persons at once.
func (Server) Everybody(stream grpcproto.ClientStreamingServer[greet.HelloRequest]) (*greet.HelloReply, error) {
	var names []string
	for {
		req, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		names = append(names, req.Name)
	}
	return hello(&greet.HelloRequest{Name: strings.Join(names, ", ")})
}

// Again greets a person several times.
func (Server) Again(req *greet.AgainRequest, stream grpcproto.ServerStreamingServer[greet.HelloReply]) error {
	if req.Times < 0 || req.Times > MaxTimes {
		return grpcproto.ErrorWith(grpc.OutOfRange, "times must be 0 to 1000", &greet.Problem{Field: "times"})
	}
	reply, err := hello(req.GetWho())
	if err != nil {
		return err
	}
	for range req.Times {
		if err := stream.Send(reply); err != nil {
			return err
		}
	}
	return nil
}

// Chat greets each person as it comes.
func (Server) Chat(stream grpcproto.BidiStreamingServer[greet.HelloRequest, greet.HelloReply]) error {
	for {
		req, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		reply, err := hello(req)
		if err != nil {
			return err
		}
		if err := stream.Send(reply); err != nil {
			return err
		}
	}
}
