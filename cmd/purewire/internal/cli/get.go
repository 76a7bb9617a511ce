package cli

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/purewire/purewire/client"
)

const getHelp = `Usage: purewire get [flags] URL

Fetches a URL and prints the content to standard output. https speaks HTTP/2 if the server offers it, http speaks HTTP/1.1.

Flags:
  -v                 show the connection on standard error: heads, or the frames of HTTP/2
  --http1            HTTP/1.1 only
  --http2            HTTP/2 only; with http by prior knowledge (h2c)
  --insecure         accept any certificate (a warning tells)
  -X METHOD          the method                                  (GET, or POST with -d)
  -d DATA            the content to send; @FILE sends a file, @- standard input
  -H 'Name: value'   another header field; may be repeated
  -o FILE            where the content goes                      (standard output)
  -i                 print status and header fields too
  -L                 follow redirects, at most 10
  --fail             exit with 1 if the status is 400 or above, without the content
  --timeout DURATION how long all of it may take                 (30s)
`

type getFlags struct {
	verbose, http1, http2, insecure, head, follow, fail bool
	method, data, out                                   string
	fields                                              fieldFlags
	timeout                                             time.Duration
}

// fieldFlags collects the values of -H.
type fieldFlags []string

func (f *fieldFlags) String() string     { return strings.Join(*f, ", ") }
func (f *fieldFlags) Set(s string) error { *f = append(*f, s); return nil }

func get(ctx context.Context, args []string, e Env) error {
	var f getFlags
	set := flag.NewFlagSet("get", flag.ContinueOnError)
	set.BoolVar(&f.verbose, "v", false, "")
	set.BoolVar(&f.http1, "http1", false, "")
	set.BoolVar(&f.http2, "http2", false, "")
	set.BoolVar(&f.insecure, "insecure", false, "")
	set.BoolVar(&f.head, "i", false, "")
	set.BoolVar(&f.follow, "L", false, "")
	set.BoolVar(&f.fail, "fail", false, "")
	set.StringVar(&f.method, "X", "", "")
	set.StringVar(&f.data, "d", "", "")
	set.StringVar(&f.out, "o", "", "")
	set.Var(&f.fields, "H", "")
	set.DurationVar(&f.timeout, "timeout", 30*time.Second, "")
	// As curl: flags may follow the URL.
	var urls []string
	for rest := args; ; {
		if done, err := parse(set, getHelp, rest, len(rest), e); err != nil || done {
			return err
		}
		if set.NArg() == 0 {
			break
		}
		urls = append(urls, set.Arg(0))
		rest = set.Args()[1:]
	}
	switch {
	case len(urls) != 1:
		return usagef("want one URL, not %d", len(urls))
	case f.http1 && f.http2:
		return usagef("--http1 and --http2 exclude each other")
	}
	req, err := f.request(ctx, urls[0], e)
	if err != nil {
		return err
	}
	return f.fetch(req, e)
}

// request makes the request of the command line.
func (f *getFlags) request(ctx context.Context, url string, e Env) (*http.Request, error) {
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	var body io.Reader
	switch {
	case f.data == "@-":
		body = e.Stdin
	case strings.HasPrefix(f.data, "@"):
		file, err := os.Open(f.data[1:])
		if err != nil {
			return nil, err
		}
		body = file
	case f.data != "":
		body = strings.NewReader(f.data)
	}
	method := f.method
	if method == "" {
		method = "GET"
		if body != nil {
			method = "POST"
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, usagef("%v", err)
	}
	for _, line := range f.fields {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, usagef("-H %q has no colon", line)
		}
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); strings.EqualFold(name, "Host") {
			req.Host = value
		} else {
			req.Header.Add(name, value)
		}
	}
	return req, nil
}

func (f *getFlags) fetch(req *http.Request, e Env) error {
	tr := &client.Transport{}
	defer tr.Close()
	switch {
	case f.http1:
		tr.Protocols = client.HTTP1
	case f.http2:
		tr.Protocols = client.HTTP2 | client.H2C
	}
	if f.insecure {
		fmt.Fprintln(e.Stderr, "purewire get: warning: --insecure: the server's certificate is not verified")
		tr.TLS = &tls.Config{InsecureSkipVerify: true} // asked for, and said
	}
	if f.verbose {
		log := &tapLog{w: e.Stderr}
		defer log.end()
		tr.Wrap = func(nc net.Conn, protocol string) net.Conn { return newTap(nc, protocol, log) }
	}
	c := &http.Client{Transport: tr, Timeout: f.timeout}
	if !f.follow {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if f.fail && resp.StatusCode >= 400 {
		return fmt.Errorf("%s answered %s", req.URL.Redacted(), resp.Status)
	}
	out := e.Stdout
	if f.out != "" {
		file, err := os.Create(f.out)
		if err != nil {
			return err
		}
		defer file.Close()
		out = file
	}
	if f.head {
		printHead(out, resp)
	}
	_, err = io.Copy(out, resp.Body)
	return err
}

func printHead(w io.Writer, resp *http.Response) {
	fmt.Fprintf(w, "%s %s\n", resp.Proto, resp.Status)
	names := make([]string, 0, len(resp.Header))
	for k := range resp.Header {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		for _, v := range resp.Header[k] {
			fmt.Fprintf(w, "%s: %s\n", k, v)
		}
	}
	fmt.Fprintln(w)
}
