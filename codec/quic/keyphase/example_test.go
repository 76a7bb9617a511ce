package keyphase_test

import (
	"fmt"
	"time"

	"github.com/purewire/purewire/codec"
	"github.com/purewire/purewire/codec/quic/keyphase"
)

func ExampleState() {
	var s keyphase.State
	if err := s.Init(keyphase.Config{Confidentiality: 1 << 23, Integrity: 1 << 52}); err != nil { // AES-128-GCM
		fmt.Println(err)
		return
	}
	now, pto := codec.Time(time.Second), 100*time.Millisecond
	which := s.Choose(true, 40) // a packet with the other Key Phase bit
	fmt.Println("the next keys:", which == keyphase.Next)
	if err := s.Opened(now, pto, which, 40); err != nil {
		fmt.Println(err)
	}
	fmt.Println("sending with phase", s.Phase())
	fmt.Println("a late packet needs the previous keys:", s.Choose(false, 39) == keyphase.Previous)
	fmt.Println(s.Opened(now, pto, s.Choose(false, 41), 41)) // the keys are updated again at once
	// Output:
	// the next keys: true
	// sending with phase true
	// a late packet needs the previous keys: true
	// quic: 9001-6.2-3: keys were updated again before the last update was acknowledged
}
