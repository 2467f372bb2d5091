package main

import (
	"io"
	"net"
	"net/http"
	"time"
)

// serveWebhooks accepts and counts signed webhooks.
func serveWebhooks(l net.Listener, c *counter) error {
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		switch {
		case c.refuses():
			w.WriteHeader(http.StatusGone)
		case r.Header.Get("Webhook-Signature") == "":
			w.WriteHeader(http.StatusBadRequest)
		default:
			c.add("")
			w.WriteHeader(http.StatusNoContent)
		}
	})}
	return server.Serve(l)
}
