package grpc_test

import (
	"fmt"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/grpc"
)

// DATA arrives in pieces of any size; messages come out.
func Example() {
	wire, _ := grpc.AppendMessage(nil, []byte("first"))
	wire, _ = grpc.AppendMessage(wire, []byte("second"))

	var d grpc.Decoder // one per stream: 24 bytes
	var ev grpc.Event  // one per worker
	for _, data := range [][]byte{wire[:3], wire[3:17], wire[17:]} {
		for len(data) > 0 {
			n, err := d.Next(data, &ev)
			data = data[n:]
			if err != nil {
				fmt.Println(err)
				return
			}
			if ev.Kind == grpc.Message {
				fmt.Printf("%q first=%v last=%v\n", ev.Data, ev.First, ev.Last)
			}
		}
	}
	fmt.Println("whole:", d.Finish(&ev) == nil)
	// Output:
	// "first" first=true last=true
	// "se" first=true last=false
	// "cond" first=false last=true
	// whole: true
}

func ExampleAppendStatus() {
	trailers, _ := grpc.AppendStatus(nil, nil, grpc.NotFound, "no user \"ü\"", nil)
	for _, f := range trailers {
		fmt.Printf("%s: %s\n", f.Name, f.Value)
	}
	// Output:
	// grpc-status: 5
	// grpc-message: no user "%C3%BC"
}

func ExampleParseRequest() {
	var r grpc.Request
	err := grpc.ParseRequest([]byte("POST"), []byte("/helloworld.Greeter/SayHello"), []codec.Field{
		{Name: []byte("content-type"), Value: []byte("application/grpc+proto")},
		{Name: []byte("te"), Value: []byte("trailers")},
		{Name: []byte("grpc-timeout"), Value: []byte("1500m")},
	}, &r)
	fmt.Printf("%s %s %v %v\n", r.Service, r.Method, r.Timeout, err)
	// Output: helloworld.Greeter SayHello 1.5s <nil>
}
