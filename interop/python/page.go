package python

import (
	"fmt"
	"slices"
	"strings"

	core "github.com/purewire/purewire/corpus/verdict"
)

// PageFile is what Page writes, seen from the folder of this package.
const PageFile = "../../docs/oracles.md"

// Page writes docs/oracles.md: on how many inputs there are differences, and each of them with what decides it. It is made of differences.txt and the
// corpus, not of what a library says today: that is what the tests are for.
func Page(inputs []Input, entries []*Entry) string {
	var b strings.Builder
	say := func(format string, a ...any) { fmt.Fprintf(&b, format, a...) }
	say("# Oracles\n\n<!-- Written by: go -C interop test ./python -run Page -python.update. A test fails when it is stale. -->\n\n")
	say("h11 0.14.0, h2 4.1.0 and wsproto 1.2.0 are protocol libraries of Python that do no I/O, as ours do not: they can be asked for every event of an\n")
	say("input. The tests of [interop/python](../interop/python/doc.go) ask them about the inputs of [corpus/verdict](../corpus/verdict/README.md) and of the golden cases\n")
	say("of HTTP/1.1, HTTP/2 and WebSocket whose configuration they have, too, and compare what comes: accepted, refused or waiting for more, with which\n")
	say("status or error code, and of each message method, target, host, status, fields, trailers and every octet of content;\ninterim responses, and what has come of a message of HTTP that the end of input cuts off; PINGs, resets, GOAWAY; pings and pongs of WebSocket.\n\n")
	say("    make conform-python      installs what is missing, and runs the tests\n\n")
	say("Of some 1,400 inputs three in four agree in all of that. What remains is below, by what it is about.\n\n")
	say("| library | role | it differs on so many inputs | and is wrong | nobody is |\n|---|---|---|---|---|\n")
	wires := []core.Wire{core.HTTP1, core.HTTP2, core.WS}
	for _, w := range wires {
		for _, r := range core.Roles(w) {
			asked := map[string]bool{}
			for i := range inputs {
				if inputs[i].Wire == w && inputs[i].Role == r {
					asked[inputs[i].ID] = true
				}
			}
			wrong, nobody := 0, 0
			for _, e := range entries {
				for _, id := range e.IDs {
					switch {
					case e.Library != Library(w) || !asked[id]:
					case e.Wrong == "nobody":
						nobody++
					default:
						wrong++
					}
				}
			}
			say("| %s | %s | %d | %d | %d |\n", Library(w), r, wrong+nobody, wrong, nobody)
		}
	}
	say("\n\"Nobody\": the RFC leaves the choice, often between refusing and repairing. Refusals are compared by their codes: a status for servers of HTTP/1, the\n")
	say("error code of HTTP/2, the close code of WebSocket. Where h2 ends the connection for what is an error of one stream, the two are held to agree: it MAY (RFC 9113\n")
	say("section 5.4.1-4), and almost always does. What follows from h11 having no server around it (a Host that is no host, targets in no form at all) stands here as\n")
	say("an error of h11, for who uses it has to know.\n")
	for _, w := range wires {
		say("\n## %s\n", Library(w))
		for _, e := range entries {
			if e.Library != Library(w) {
				continue
			}
			who := "Nobody is wrong."
			if e.Wrong != "nobody" {
				who = strings.ToUpper(e.Wrong[:1]) + e.Wrong[1:] + " is wrong."
				if e.Wrong == e.Library {
					who = e.Library + " is wrong."
				}
			}
			say("\n### %s\n\nRFC %s. %s %s\n\n", strings.ToUpper(e.Title[:1])+e.Title[1:], strings.Join(e.RFC, ", "), who, e.Why)
			say("| %d of the inputs | ours | %s |\n|---|---|---|\n", len(e.IDs), e.Library)
			for _, line := range examples(e) {
				say("%s\n", line)
			}
		}
	}
	return b.String()
}

// examples are the first input of each pair of verdicts, with how many more there are.
func examples(e *Entry) (lines []string) {
	var order []string
	byPair := map[string][]string{}
	for _, id := range e.IDs {
		pair, _, _ := cutLast(e.Seen[id], " (")
		if byPair[pair] == nil {
			order = append(order, pair)
		}
		byPair[pair] = append(byPair[pair], id)
	}
	slices.SortStableFunc(order, func(a, b string) int { return len(byPair[b]) - len(byPair[a]) })
	for _, pair := range order {
		ids := byPair[pair]
		name := ids[0]
		if len(ids) > 1 {
			name += fmt.Sprintf(", and %d more", len(ids)-1)
		}
		lines = append(lines, fmt.Sprintf("| %s | %s |", strings.ReplaceAll(name, "|", `\|`), pair))
	}
	return lines
}
