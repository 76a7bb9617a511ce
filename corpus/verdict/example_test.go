package verdict_test

import (
	"fmt"
	"os"

	"github.com/purewire/purewire/corpus/verdict"
)

// What our HTTP/1 codec makes of a length with a sign.
func ExampleJudge() {
	in := verdict.Input{Wire: verdict.HTTP1, Bytes: []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc")}
	if err := in.Check(); err != nil {
		fmt.Println(err)
	}
	verdict.Report(os.Stdout, &in, verdict.Judge(&in, verdict.Ours()))
	// Output:
	// http1 server, 51 bytes
	//   ours  reject 400 9112-6.3-2.5: Content-Length is not all digits, 51 bytes left
}

// Two verdicts that cut the same bytes differently.
func ExampleCompare() {
	one, two := verdict.Message{Head: "POST /a"}, verdict.Message{Head: "POST /a"}
	two.Content([]byte("GET /b HTTP/1.1"))
	a := verdict.Verdict{Outcome: verdict.Accept, Messages: []verdict.Message{one, {Head: "GET /b"}}}
	b := verdict.Verdict{Outcome: verdict.Accept, Messages: []verdict.Message{two}}
	fmt.Println(verdict.Compare(&a, &b))
	// Output: boundary
}
