package listen_test

import (
	"errors"
	"fmt"
	"net"

	"github.com/purewire/purewire/drivers/listen"
)

func ExampleNet() {
	l, err := listen.Net("tcp", "127.0.0.1:0", listen.Config{Backlog: 512})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	_, err = listen.Net("unix", "", listen.Config{})
	var e *listen.Error
	fmt.Println(l.Addr().(*net.TCPAddr).Port > 0, errors.As(err, &e), e.Op)
	// Output: true true parse
}
