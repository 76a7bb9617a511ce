package parse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/valyala/fasthttp"
)

var errShort = errors.New("wrong length of content")

// reader is a buffered reader over in that can start again.
type reader struct {
	in  []byte
	src *bytes.Reader
	br  *bufio.Reader
}

func newReader(in []byte) *reader {
	src := bytes.NewReader(in)
	return &reader{in, src, bufio.NewReaderSize(src, 8192)}
}

func (r *reader) again() *bufio.Reader {
	r.src.Reset(r.in)
	r.br.Reset(r.src)
	return r.br
}

func (r *reader) done() bool { return r.src.Len() == 0 && r.br.Buffered() == 0 }

func init() {
	requests = append(requests,
		parser{"nethttp", func(in []byte) func(int) error {
			r := newReader(in)
			return func(times int) error {
				for range times {
					for br := r.again(); ; {
						if _, err := http.ReadRequest(br); err != nil {
							return err
						}
						if r.done() {
							break
						}
					}
				}
				return nil
			}
		}},
		parser{"fasthttp", func(in []byte) func(int) error {
			r := newReader(in)
			var h fasthttp.RequestHeader
			return func(times int) error {
				for range times {
					for br := r.again(); ; {
						if err := h.Read(br); err != nil {
							return err
						}
						if r.done() {
							break
						}
					}
				}
				return nil
			}
		}})
	responses = append(responses,
		parser{"nethttp", func(in []byte) func(int) error {
			r := newReader(in)
			return func(times int) error {
				for range times {
					if _, err := http.ReadResponse(r.again(), nil); err != nil {
						return err
					}
				}
				return nil
			}
		}},
		parser{"fasthttp", func(in []byte) func(int) error {
			r := newReader(in)
			var h fasthttp.ResponseHeader
			return func(times int) error {
				for range times {
					if err := h.Read(r.again()); err != nil {
						return err
					}
				}
				return nil
			}
		}})
	chunkeds = append(chunkeds,
		parser{"nethttp", func(in []byte) func(int) error {
			r := newReader(in)
			buf := make([]byte, 32<<10)
			return func(times int) error {
				for range times {
					req, err := http.ReadRequest(r.again())
					if err != nil {
						return err
					}
					n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, req.Body, buf)
					if err != nil {
						return err
					}
					if n != 64<<10 {
						return errShort
					}
				}
				return nil
			}
		}},
		parser{"fasthttp", func(in []byte) func(int) error {
			r := newReader(in)
			var req fasthttp.Request
			return func(times int) error {
				for range times {
					if err := req.Read(r.again()); err != nil {
						return err
					}
					if len(req.Body()) != 64<<10 {
						return errShort
					}
				}
				return nil
			}
		}})
}
