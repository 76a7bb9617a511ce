package h3

import (
	"fmt"
	"strings"
	"time"

	"github.com/purewire/purewire/codec/codectest"
)

// seconds takes a duration, in seconds; -1 is none.
func seconds(a *codectest.Args, name string) time.Duration {
	return time.Duration(a.NamedInt(name)) * time.Second
}

// capsuleVectors has the content of a stream that is made of capsules.
func capsuleVectors(ops map[string]codectest.VectorOp) {
	var in capsuleInstance
	in.Reset()
	ops["capsules"] = func(a *codectest.Args) string {
		in.limits = &CapsuleLimits{Value: int(a.NamedInt("value")), Unknown: int(a.NamedInt("unknown"))}
		for a.Has("type") {
			in.limits.Types = append(in.limits.Types, CapsuleType(a.NamedUint("type")))
		}
		in.Reset()
		return ""
	}
	ops["content"] = func(a *codectest.Args) string {
		src := a.Bytes()
		var log codectest.Log
		for {
			n, got, err := in.Next(src)
			src = src[n:]
			if err != nil {
				log.Event("%s", failure(err))
			}
			if !got {
				break
			}
			in.Render(&log)
		}
		if len(src) > 0 {
			log.Event("left %d", len(src))
		}
		return strings.Join(log.Lines(), "\n")
	}
	ops["content-end"] = func(*codectest.Args) string {
		if err := in.c.Finish(); err != nil {
			return failure(err)
		}
		return fmt.Sprintf("whole, in %d steps", in.Steps())
	}
	ops["capsule"] = func(a *codectest.Args) string {
		return codectest.Quote(AppendCapsule(nil, CapsuleType(a.Uint()), a.Bytes()))
	}
	ops["capsule-header"] = func(a *codectest.Args) string {
		return codectest.Quote(AppendCapsuleHeader(nil, CapsuleHeader{CapsuleType(a.Uint()), a.Uint()}))
	}
	ops["capsule-protocol"] = func(a *codectest.Args) string { return fmt.Sprint(CapsuleProtocol(vectorFields(a))) }
}

// frameVectors has frames and their parts: what is appended, and what is read from it.
func frameVectors(ops map[string]codectest.VectorOp) {
	ops["frame-header"] = func(a *codectest.Args) string {
		return codectest.Quote(AppendFrameHeader(nil, FrameHeader{FrameType(a.Uint()), a.Uint()}))
	}
	ops["stream-type"] = func(a *codectest.Args) string {
		return codectest.Quote(AppendStreamType(nil, StreamType(a.Uint())))
	}
	ops["cancel-push"] = func(a *codectest.Args) string { return codectest.Quote(AppendCancelPush(nil, a.Uint())) }
	ops["max-push-id"] = func(a *codectest.Args) string { return codectest.Quote(AppendMaxPushID(nil, a.Uint())) }
	ops["push-promise"] = func(a *codectest.Args) string {
		return codectest.Quote(AppendPushPromise(nil, a.Uint(), int(a.Int())))
	}
	ops["priority-update"] = func(a *codectest.Args) string {
		push := a.Flag("push")
		return codectest.Quote(AppendPriorityUpdate(nil, push, a.Uint(), a.Bytes()))
	}
	ops["goaway-frame"] = func(a *codectest.Args) string { return codectest.Quote(AppendGoAway(nil, a.Uint())) }
	ops["setting"] = func(a *codectest.Args) string {
		return codectest.Quote(AppendSetting(nil, SettingID(a.Uint()), a.Uint()))
	}
	ops["settings-frame"] = func(a *codectest.Args) string {
		s := vectorSettings(a)
		return codectest.Quote(s.Append(nil))
	}
	ops["datagram-header"] = func(a *codectest.Args) string { return codectest.Quote(AppendDatagramHeader(nil, a.Uint())) }
	fault := func(f Fault, text string, args ...any) string {
		if f != ok {
			if code, is := f.Unwrap().(ErrorCode); !is || code != f.Code() {
				return "the code does not unwrap"
			}
			return fmt.Sprintf("%v %s", f.Code(), strings.TrimPrefix(f.Error(), "h3: "))
		}
		return fmt.Sprintf(text, args...)
	}
	ops["parse-push-promise"] = func(a *codectest.Args) string {
		push, rest, f := ParsePushPromise(a.Bytes())
		return fault(f, "push %d %s", push, codectest.Quote(rest))
	}
	ops["parse-setting"] = func(a *codectest.Args) string {
		id, value, n := ParseSetting(a.Bytes())
		return fmt.Sprintf("%d is %d, %d octets", id, value, n)
	}
	ops["parse-datagram"] = func(a *codectest.Args) string {
		id, rest, f := ParseDatagram(a.Bytes())
		return fault(f, "stream %d %s", id, codectest.Quote(rest))
	}
	ops["check"] = func(a *codectest.Args) string {
		where, receiver := OnControl, Server
		if a.Flag("request") {
			where = OnRequest
		}
		if a.Flag("client") {
			receiver = Client
		}
		return fault(FrameHeader{FrameType(a.Uint()), a.Uint()}.Check(receiver, where), "fine")
	}
}

// nameVectors has the names of numbers.
func nameVectors(ops map[string]codectest.VectorOp) {
	ops["code"] = func(a *codectest.Args) string {
		c := ErrorCode(a.Uint())
		return fmt.Sprintf("%s reserved %v", c.Error(), c.Reserved())
	}
	ops["frame-name"] = func(a *codectest.Args) string {
		t := FrameType(a.Uint())
		return fmt.Sprintf("%v known %v reserved %v http2 %v", t, t.Known(), t.Reserved(), t.HTTP2())
	}
	ops["stream-name"] = func(a *codectest.Args) string {
		t := StreamType(a.Uint())
		return fmt.Sprintf("%v reserved %v", t, t.Reserved())
	}
	ops["setting-name"] = func(a *codectest.Args) string {
		id := SettingID(a.Uint())
		return fmt.Sprintf("reserved %v http2 %v", id.Reserved(), id.HTTP2())
	}
	ops["capsule-name"] = func(a *codectest.Args) string {
		return fmt.Sprintf("reserved %v", CapsuleType(a.Uint()).Reserved())
	}
	// Kinds, blocks and waits: all of them, and one that is none.
	ops["names"] = func(*codectest.Args) string {
		var all [3][]string
		for k := range numKinds + 1 {
			all[0] = append(all[0], k.String())
		}
		for b := range numBlocks + 1 {
			all[1] = append(all[1], b.String())
		}
		for w := range numWaits + 1 {
			all[2] = append(all[2], w.String())
		}
		return strings.Join(all[0], " ") + "\n" + strings.Join(all[1], " ") + "\n" + strings.Join(all[2], " ")
	}
	ops["fault"] = func(a *codectest.Args) string {
		f := Fault(a.Uint())
		if f != ok && f < numConnFaults {
			return "a fault"
		}
		return fmt.Sprintf("scope %d code %d %q", f.Scope(), f.Code(), f.Reason())
	}
	// How many reasons there are, each of them once and no misuse without words.
	ops["reasons"] = func(*codectest.Args) string {
		seen := map[string]bool{}
		for _, r := range Reasons() {
			seen[r] = r != ""
		}
		if len(seen) != int(numConnFaults)-1 || len(seen) != len(Reasons()) {
			return "some are missing, or twice there"
		}
		return "one for each"
	}
}
