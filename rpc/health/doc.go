// Package health is the service grpc.health.v1.Health, which balancers and orchestrators ask whether a server, or one of its
// services, can take calls.
//
//	var h health.Server
//	h.Register(srv)
//	h.Set("my.Service", health.Serving)
//	...
//	h.Shutdown() // before the server stops
//
// Its two messages have one field each and are coded here by hand: there is no dependency on protobuf. Watch holds one
// goroutine, the call's, per watcher; changes that follow one another faster than a watcher receives may be seen as one.
package health
