package python

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"

	core "github.com/purewire/purewire/corpus/verdict"
)

//go:embed oracle.py
var program string

// Interpreter is the python that has the libraries of the system's packages.
const Interpreter = "/usr/bin/python3"

// Process is a python that answers. Its methods may be called from any goroutine.
type Process struct {
	mu  sync.Mutex
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err strings.Builder
	// Versions are those of the libraries, by name, and of python itself.
	Versions map[string]string
}

// Start starts python. The error says what is missing, if it is a library: python's own words.
func Start() (*Process, error) {
	p := &Process{cmd: exec.Command(Interpreter, "-I", "-c", program)}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out, p.cmd.Stderr = in, bufio.NewReader(out), &p.err
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.ask(nil, &p.Versions); err != nil {
		err = errors.Join(err, p.Close())
		said := strings.Split(strings.TrimSpace(p.err.String()), "\n")
		return nil, fmt.Errorf("%s: %w: %s", Interpreter, err, said[len(said)-1])
	}
	return p, nil
}

// Close ends the process and waits for it.
func (p *Process) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

// ask sends a case and decodes the answer.
func (p *Process) ask(octets []byte, answer any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(octets))), octets...)); err != nil {
		return err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, answer)
}

// answer is a line of the program.
type answer struct {
	Outcome, Code, Reason string
	Left                  int64
	Messages              []struct {
		Head, Authority  string
		Fields, Trailers [][2]string
		Body             string
	}
}

var outcomes = map[string]core.Outcome{"accept": core.Accept, "more": core.More, "reject": core.Reject}

// Judge asks the library for the wire of an input.
func (p *Process) Judge(in *core.Input) Verdict {
	deflate := "-"
	if in.Deflate {
		deflate = "deflate"
	}
	var a answer
	if err := p.ask(append(fmt.Appendf(nil, "%s %s %s %s\n", in.Wire, in.Role, in.Method, deflate), in.Bytes...), &a); err != nil {
		return Verdict{Verdict: core.Verdict{Reason: "no answer: " + err.Error(), Left: -1}}
	}
	v := Verdict{Verdict: core.Verdict{Outcome: outcomes[a.Outcome], Left: a.Left}, Code: a.Code}
	switch v.Outcome {
	case core.Reject:
		v.Reason = strings.TrimSpace(a.Code + " " + a.Reason)
	case core.None:
		v.Reason = a.Code + ": " + a.Reason
	}
	v.Connection = v.Outcome == core.Reject && strings.HasPrefix(a.Reason, "connection ")
	for _, m := range a.Messages {
		out := core.Message{Head: octets(m.Head), Authority: octets(m.Authority), Fields: fields(m.Fields), Trailers: fields(m.Trailers)}
		body, err := hex.DecodeString(m.Body)
		if err != nil {
			return Verdict{Verdict: core.Verdict{Reason: err.Error(), Left: -1}}
		}
		out.Content(body)
		v.Messages = append(v.Messages, out)
	}
	return v
}

// octets undoes the program's ISO 8859-1.
func octets(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

func fields(list [][2]string) []core.Field {
	out := make([]core.Field, len(list))
	for i, f := range list {
		out[i] = core.Field{Name: octets(f[0]), Value: octets(f[1])}
	}
	return core.Canonical(out)
}

// Library is the name of the library that judges a wire.
func Library(w core.Wire) string {
	return map[core.Wire]string{core.HTTP1: "h11", core.HTTP2: "h2", core.WS: "wsproto"}[w]
}
