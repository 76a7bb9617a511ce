package ranges_test

import (
	"fmt"

	"github.com/purewire/purewire/codec/quic/ranges"
)

func ExampleSet() {
	var received ranges.Set
	received.SetLimit(3)
	for _, pn := range []uint64{1, 2, 5, 6, 9, 4} {
		received.Add(pn)
	}
	for r := range received.Descending() {
		fmt.Println(r.Start, "to", r.End-1)
	}
	_, evicted := received.Add(20)
	fmt.Println("forgotten:", evicted)
	// Output:
	// 9 to 9
	// 4 to 6
	// 1 to 2
	// forgotten: {1 3}
}

func ExampleSet_TryAddRange() {
	var arrived ranges.Set
	arrived.SetLimit(2)
	fmt.Println(arrived.TryAddRange(0, 100))
	fmt.Println(arrived.TryAddRange(200, 300))
	fmt.Println(arrived.TryAddRange(400, 500)) // a third gap-separated part: nothing changes
	fmt.Println(arrived.NextGap(0, 1000))
	// Output:
	// 100 true
	// 100 true
	// 0 false
	// {100 200}
}
