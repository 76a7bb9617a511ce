// Package reactor drives connections with a few event loops instead of a goroutine each: raw epoll on Linux, kqueue on Darwin
// and FreeBSD. On other systems New returns an error that unwraps to errors.ErrUnsupported.
//
// A loop reads into one buffer and collects output in another, so an idle connection owns neither; it costs about 200 bytes
// plus its machine. Unread tails and unsent output live in pooled buffers while they exist. See docs/reactor.md for what one turn of
// a loop does, what is bounded by what, and which attacks that answers.
//
//	r, err := reactor.New(service, reactor.Config{})
//	err = r.Listen("tcp", "127.0.0.1:8080", listen.Config{})
//	err = r.Run() // until Shutdown or Close
package reactor
