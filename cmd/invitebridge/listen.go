package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"

	"golang.org/x/sync/errgroup"

	"invitebridge/bridge/httpapi"
	"invitebridge/config"
)

// listener is an open port or socket, with what it says in a handshake.
type listener struct {
	net.Listener
	name        string
	certificate *certificate // nil: plain HTTP
}

type listeners struct{ public, admin *listener }

// bind opens both, or none.
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
		show, err := l.prepare(encryption)
		if err != nil {
			return nil, usageError{err}
		}
		show()
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

// listenUnix binds a unix socket. What a process that died has left of one is
// removed, but nothing else, and no socket that somebody still listens on.
func listenUnix(ctx context.Context, path string, socket config.Socket) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		switch {
		case err == nil:
			return nil, errors.Join(fmt.Errorf("another process listens on %s", path), conn.Close())
		case !errors.Is(err, syscall.ECONNREFUSED): // it may be busy, or another user's
			return nil, fmt.Errorf("another process may be listening on %s; remove the socket if none is: %w", path, err)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	// Until its permissions are set it is for nobody else.
	before := syscall.Umask(0o177)
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	syscall.Umask(before)
	if err != nil {
		return nil, err
	}
	if err := permit(path, socket); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// serve answers until the server is shut down.
func (l *listener) serve(server *http.Server) error {
	if l.certificate == nil {
		return server.Serve(l)
	}
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: l.certificate.get}
	return server.ServeTLS(l, "", "")
}

// answer serves handler until ctx ends, and then until the requests under way
// have ended, or time is up.
func (s *server) answer(ctx context.Context, group *errgroup.Group, l *listener, handler http.Handler) {
	server := httpapi.NewServer(handler, longest(s.config), s.log)
	s.log.Info("listening", "listener", l.name, "address", l.Addr().String(), "tls", l.certificate != nil)
	group.Go(func() error {
		if err := l.serve(server); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve.%s: %w", l.name, err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest(s.config))
		defer cancel()
		if err := server.Shutdown(stopping); err != nil {
			s.log.Warn("requests were cut off", "listener", l.name)
			return server.Close()
		}
		return nil
	})
}
