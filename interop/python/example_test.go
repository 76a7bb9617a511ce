package python_test

import (
	"fmt"

	"github.com/purewire/purewire/interop/python"
)

// What is known to differ: who is wrong by which paragraph.
func ExampleDifferences() {
	entries, err := python.Differences()
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if e.Library == "wsproto" && e.Wrong == "wsproto" {
			fmt.Println(e.RFC[0], e.Title)
		}
	}
	// Output:
	// 6455-7.4.2-2 the close code 1014
	// 7692-7.2.2-2 compressed messages that end too early
	// 7692-6.1-4 a ping between the fragments of a compressed message
	// 7692-7.2.3.4-1 two final blocks in a message
}
