package parse

import (
	"errors"

	"github.com/purewire/purewire/codec/http1"
)

var errMore = errors.New("purewire wants more input")

// drain decodes one message and returns its length and that of its content.
func drain(d *http1.Decoder, in []byte, ev *http1.Event) (n, content int, err error) {
	for {
		k, err := d.Next(in[n:], ev)
		n += k
		switch {
		case err != nil:
			return n, content, err
		case ev.Kind == http1.Body:
			content += len(ev.Data)
		case ev.Kind == http1.End:
			return n, content, nil
		case ev.Kind == http1.None:
			return n, content, errMore
		}
	}
}

func decodeRequests(body int, o http1.Options) func(in []byte) func(int) error {
	return func(in []byte) func(int) error {
		profile := o.Profile()
		var d http1.Decoder
		var ev http1.Event
		d.InitRequest(profile)
		return func(times int) error {
			for range times {
				for b := in; len(b) > 0; {
					n, content, err := drain(&d, b, &ev)
					if err != nil {
						return err
					}
					if content != body {
						return errShort
					}
					d.Resume()
					b = b[n:]
				}
			}
			return nil
		}
	}
}

func init() {
	requests = append(requests,
		parser{"purewire", decodeRequests(0, http1.Options{})},
		parser{"purewire-framing", decodeRequests(0, http1.Options{FramingOnly: true})},
		parser{"purewire-head", func(in []byte) func(int) error {
			profile := http1.Options{}.Profile()
			var h http1.Head
			return func(times int) error {
				for range times {
					for b := in; len(b) > 0; {
						n, err := http1.ParseRequestHead(b, &h, profile)
						if err != nil {
							return err
						}
						if n == 0 {
							return errMore
						}
						b = b[n:]
					}
				}
				return nil
			}
		}})
	responses = append(responses,
		parser{"purewire", func(in []byte) func(int) error {
			profile := http1.Options{}.Profile()
			var ev http1.Event
			var d http1.Decoder
			return func(times int) error {
				for range times {
					d.InitResponse(profile)
					d.Expect(http1.MethodGet, false)
					if n, err := d.Next(in, &ev); err != nil || n != len(in) || ev.Kind != http1.Response {
						return errors.Join(errMore, err)
					}
				}
				return nil
			}
		}},
		parser{"purewire-head", func(in []byte) func(int) error {
			profile := http1.Options{}.Profile()
			var h http1.Head
			return func(times int) error {
				for range times {
					if n, err := http1.ParseResponseHead(in, &h, profile); err != nil || n != len(in) {
						return errors.Join(errMore, err)
					}
				}
				return nil
			}
		}})
	chunkeds = append(chunkeds, parser{"purewire", decodeRequests(64<<10, http1.Options{})})
}
