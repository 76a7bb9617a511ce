//go:build linux || darwin || freebsd

// Command https serves an ordinary http.Handler over TLS on the reactor: HTTP/2 or HTTP/1.1 by ALPN, no goroutine per connection, a
// certificate that may change while it runs, and clients that show one if they have one. It takes the files from
//
//	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
//	  -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem
//
// Start it, then: curl --cacert cert.pem https://127.0.0.1:8085/
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/purewire/purewire/drivers/listen"
	"github.com/purewire/purewire/drivers/reactor"
	"github.com/purewire/purewire/drivers/tlswrap"
	"github.com/purewire/purewire/server"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8085", "where to listen")
	cert := flag.String("cert", "cert.pem", "certificate chain")
	key := flag.String("key", "key.pem", "its key")
	ca := flag.String("ca", "", "authorities of client certificates; none: nobody is asked for one")
	flag.Parse()

	base := &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	if *ca != "" {
		base.ClientAuth = tls.VerifyClientCertIfGiven
	}
	files, err := tlswrap.NewReloader(tlswrap.Files{Cert: *cert, Key: *key, ClientCAs: *ca}, base)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	go files.Watch(ctx, time.Second, func(err error) { log.Printf("certificate changed: %v", err) })

	srv, err := server.New(server.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "stranger"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprintf(w, "Hello, %s, over %s and %s!\n", who, r.Proto, tls.VersionName(r.TLS.Version))
	})})
	if err != nil {
		log.Fatal(err)
	}
	secure, err := tlswrap.New(srv, files.Config(), tlswrap.Options{NotTLS: server.NotTLS})
	if err != nil {
		log.Fatal(err)
	}
	r, err := reactor.New(secure, reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Listen("tcp", *addr, listen.Config{}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("https://%s/\n", r.Addrs()[0])
	go func() {
		<-ctx.Done()
		stop()
		r.Shutdown(context.Background())
	}()
	if err := r.Run(); err != nil {
		log.Fatal(err)
	}
}
