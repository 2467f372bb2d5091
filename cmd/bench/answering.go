package main

import (
	"net"
	"net/http"
	"time"

	"invitebridge/kratos/kratostest"
)

// serveKratos answers as Kratos does, from memory and at once. Each answer counts,
// except those about its health.
func serveKratos(l net.Listener, c *counter) error {
	fake, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fake.ServeHTTP(w, r)
		if r.URL.Path != kratostest.RouteReady {
			c.add("")
		}
	})}
	return server.Serve(l)
}
