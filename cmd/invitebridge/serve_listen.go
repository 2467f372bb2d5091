package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"invitebridge/bridge/httpapi"
	"invitebridge/config"
)

// listener is an open port or socket, with its certificate.
type listener struct {
	net.Listener
	name        string
	certificate *certificate // nil: plain HTTP
}

type listeners struct{ public, admin *listener }

// bind opens both listeners or none.
func (s *server) bind(ctx context.Context) (l listeners, err error) {
	public, admin := s.config.Serve.Public, s.config.Serve.Admin
	network, address := s.config.PublicAddr()
	if l.public, err = listen(ctx, "public", network, address, public.Socket, public.TLS); err != nil {
		return listeners{}, err
	}
	network, address = s.config.AdminAddr()
	if l.admin, err = listen(ctx, "admin", network, address, admin.Socket, admin.TLS); err != nil {
		return listeners{}, errors.Join(err, l.public.Close())
	}
	return l, nil
}

func listen(ctx context.Context, name, network, address string, socket config.Socket, encryption config.TLS) (*listener, error) {
	l := &listener{name: name}
	if encryption.Enabled() {
		l.certificate = &certificate{}
		install, err := l.loadCertificate(encryption)
		if err != nil {
			return nil, usageError{err}
		}
		install()
	}
	var err error
	if network == "unix" {
		l.Listener, err = listenUnix(ctx, address, socket)
	} else {
		l.Listener, err = new(net.ListenConfig).Listen(ctx, network, address)
	}
	if err != nil {
		return nil, fmt.Errorf("serve.%s: %w", name, err)
	}
	return l, nil
}

// serve accepts connections until the server is shut down.
func (l *listener) serve(server *http.Server) error {
	if l.certificate == nil {
		return server.Serve(l)
	}
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: l.certificate.get}
	return server.ServeTLS(l, "", "")
}

// serveListener serves handler until ctx ends, then waits up to maxResponseTime
// for requests in flight before it aborts them.
func (s *server) serveListener(ctx context.Context, group *errgroup.Group, l *listener, handler http.Handler) {
	server := httpapi.NewServer(handler, maxResponseTime(s.config), s.log)
	s.log.Info("listening", "listener", l.name, "address", l.Addr().String(), "tls", l.certificate != nil)
	group.Go(func() error {
		if err := l.serve(server); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve.%s: %w", l.name, err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxResponseTime(s.config))
		defer cancel()
		if err := server.Shutdown(stopping); err != nil {
			s.log.Warn("shutdown timed out: the remaining requests were aborted", "listener", l.name)
			return server.Close()
		}
		return nil
	})
}
