// Package netsim is a network that exists in virtual time only, for tests: links with a rate, a delay, a queue, loss, reordering, duplication
// and ECN marking, between nodes that have one timer each. Everything random comes from a seed, and what happens at the same time happens in the
// order in which it was asked for, so that a run can be repeated exactly, on every architecture.
//
//	s := netsim.New[packet](seed)
//	there := s.Link(server, netsim.Path{Rate: 1_250_000, Delay: 20 * time.Millisecond, Queue: 50_000})
//	there.Send(1200, false, p)
//	s.SetTimer(client, deadline)
//	s.Run(until, func(e netsim.Event[packet]) { ... })
//
// A day of network time costs what its packets cost: a few hundred nanoseconds each.
package netsim
