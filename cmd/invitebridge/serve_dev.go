package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"invitebridge/bridge"
	"invitebridge/config"
)

// enableDev configures development mode: not reachable from other machines, with
// a generated key and a temporary store unless they are configured, a database that
// is migrated at start, and links printed instead of emailed. The caller calls cleanup at the end.
func (s *server) enableDev(io stdio) (cleanup func(), err error) {
	cleanup = func() {}
	s.log.Warn("development mode: not for production")
	var dsn config.Secret
	var key string
	if s.config.DSN == "" {
		dir, err := os.MkdirTemp("", "invitebridge-")
		if err != nil {
			return cleanup, err
		}
		cleanup = func() { _ = os.RemoveAll(dir) }
		dsn = config.Secret("bolt://" + filepath.Join(dir, "invites.db"))
	}
	if len(s.config.Serve.Admin.APIKeys) == 0 {
		key = rand.Text()
		s.printDevKey = func() { fmt.Fprintf(io.out, "API key: %s\n", key) }
	}
	s.devDefaults = func(c *config.Config) {
		for _, host := range []*string{&c.Serve.Public.Host, &c.Serve.Admin.Host} {
			*host = cmp.Or(*host, "127.0.0.1")
		}
		c.DSN = cmp.Or(c.DSN, dsn)
		c.Serve.Migrate = true
		if len(c.Serve.Admin.APIKeys) == 0 && key != "" {
			c.Serve.Admin.APIKeys = []config.APIKey{{Name: "dev", Key: config.Secret(key)}}
		}
	}
	s.devDefaults(&s.config)
	s.courier = linkPrinter{io.out}
	return cleanup, nil
}

// linkPrinter is the courier of development mode: it prints the link.
type linkPrinter struct{ out io.Writer }

// Send prints the link and never fails.
func (p linkPrinter) Send(_ context.Context, d bridge.Dispatch) bridge.SendResult {
	fmt.Fprintf(p.out, "Invitation for %s: %s\n", d.Payload.Data.Invitation.Email, d.Payload.Data.Link)
	return bridge.SendResult{Outcome: bridge.AttemptSent}
}
