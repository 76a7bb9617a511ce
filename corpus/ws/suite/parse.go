package suite

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/purewire/purewire/codec/codectest"
)

//go:embed *.txt
var files embed.FS

// Case is one case of the suite.
type Case struct {
	// ID is its number, such as "6.4.1"; Title says what happens.
	ID, Title string
	// Offer and Accept are the Sec-WebSocket-Extensions values of the client and of the server, empty for cases without.
	Offer, Accept string
	// Informational cases cannot fail.
	Informational bool
	steps         []step
}

// step is one line of a case.
type step struct {
	verb  string
	lax   bool // "?"
	op    byte
	more  bool
	rsv   byte
	p     []byte
	codes []uint16
	n     int // N of begin, chop (0: all, -1: frame) and echo
	size  int
	frame int
	data  string
}

var opcodes = map[string]byte{"cont": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}

// Load returns all cases in their order.
var Load = sync.OnceValues(func() (all []Case, err error) {
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		cases, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, cases...)
	}
	return all, nil
})

// parse reads a file.
func parse(text string) (all []Case, err error) {
	var rows [][]string
	var body []string
	head := ""
	tables := map[string][][]string{}
	end := func() error {
		if head == "" {
			return nil
		}
		cases, err := expand(head, rows, body)
		all = append(all, cases...)
		rows, body = nil, nil
		return err
	}
	table := ""
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "=== "):
			if err := end(); err != nil {
				return nil, err
			}
			head, table = line[4:], ""
		case head == "" && strings.HasPrefix(line, "table "):
			table = line[6:]
		case strings.HasPrefix(line, "|"):
			row := strings.Split(strings.Trim(line, "|"), "|")
			for i := range row {
				row[i] = strings.TrimSpace(row[i])
			}
			if head == "" {
				tables[table] = append(tables[table], row)
			} else {
				rows = append(rows, row)
			}
		case head == "" || line == "" || line[0] == '#':
		case strings.HasPrefix(line, "rows "):
			if rows = tables[line[5:]]; rows == nil {
				return nil, fmt.Errorf("%s: no table %s", head, line[5:])
			}
		default:
			body = append(body, line)
		}
	}
	return all, end()
}

// expand makes the cases of one entry.
func expand(head string, rows [][]string, body []string) (all []Case, err error) {
	if rows == nil {
		rows = [][]string{nil, nil}
	}
	for _, row := range rows[1:] {
		if len(row) != len(rows[0]) {
			return nil, fmt.Errorf("%s: a row of %d columns, not %d: %q", head, len(row), len(rows[0]), row)
		}
		var words []string
		for i, name := range rows[0] {
			words = append(words, "$"+name, row[i])
		}
		replace := strings.NewReplacer(words...)
		id, title, found := strings.Cut(replace.Replace(head), ": ")
		if !found {
			return nil, fmt.Errorf("%s: no title", head)
		}
		c := Case{ID: id, Title: title}
		for _, line := range body {
			if err := c.add(replace.Replace(line)); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", id, line, err)
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// add parses one line.
func (c *Case) add(line string) (err error) {
	rest, text, quoted := strings.Cut(line, `"`)
	words := strings.Fields(rest)
	s := step{}
	s.verb, s.lax = strings.CutSuffix(words[0], "?")
	words = words[1:]
	if quoted {
		end := strings.LastIndex(text, `"`)
		if end < 0 {
			return fmt.Errorf("string without an end")
		}
		if s.p, err = codectest.Unescape(text[:end]); err != nil {
			return err
		}
		if times, ok := strings.CutPrefix(strings.TrimSpace(text[end+1:]), "x "); ok {
			n, err := strconv.Atoi(times)
			if err != nil {
				return err
			}
			s.p = []byte(strings.Repeat(string(s.p), n))
		}
	}
	op := func() error {
		if len(words) == 0 {
			return fmt.Errorf("no opcode")
		}
		code, known := opcodes[words[0]]
		if number, ok := strings.CutPrefix(words[0], "op"); ok {
			n, err := strconv.ParseUint(number, 10, 4)
			if err != nil {
				return err
			}
			code, known = byte(n), true
		}
		if !known {
			return fmt.Errorf("opcode %q", words[0])
		}
		s.op, words = code, words[1:]
		return nil
	}
	number := func(into *int) {
		if len(words) > 0 && err == nil {
			*into, err = strconv.Atoi(words[0])
			words = words[1:]
		}
	}
	switch s.verb {
	case "send", "want":
		if err = op(); err != nil {
			return err
		}
		for ; len(words) > 0; words = words[1:] {
			switch w := words[0]; {
			case w == "more":
				s.more = true
			case strings.HasPrefix(w, "rsv") && len(w) == 4:
				s.rsv = w[3] - '0'
			default:
				return fmt.Errorf("word %q", w)
			}
		}
	case "begin":
		if err = op(); err != nil {
			return err
		}
		number(&s.n)
	case "data", "quiet":
	case "chop":
		switch strings.Join(words, " ") {
		case "all":
		case "frame":
			s.n = -1
		default:
			number(&s.n)
		}
		words = nil
	case "fail", "close", "closed":
		for len(words) > 0 && err == nil {
			n := 0
			number(&n)
			s.codes = append(s.codes, uint16(n))
		}
	case "echo":
		number(&s.n)
		if err = op(); err != nil {
			return err
		}
		if len(words) == 0 || data[words[0]] == nil {
			return fmt.Errorf("no data %q", words)
		}
		s.data, words = words[0], words[1:]
		number(&s.size)
		number(&s.frame)
	case "offer":
		c.Offer = string(s.p)
		return nil
	case "accept":
		c.Accept = string(s.p)
		return nil
	case "informational":
		c.Informational = true
		return nil
	default:
		return fmt.Errorf("verb %q", s.verb)
	}
	if err == nil && len(words) > 0 {
		err = fmt.Errorf("words %q", words)
	}
	c.steps = append(c.steps, s)
	return err
}
