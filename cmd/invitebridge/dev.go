package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"invitebridge/config"
)

// develop makes the server one for development: closed to other machines, with
// a key and a store that end with it, and links printed instead of mailed.
func (s *server) develop(io stdio) (forget func(), err error) {
	forget = func() {}
	s.log.Warn("development mode: not for production")
	var dsn, key string
	if s.config.DSN == "" {
		dir, err := os.MkdirTemp("", "invitebridge-")
		if err != nil {
			return forget, err
		}
		forget = func() { _ = os.RemoveAll(dir) }
		dsn = "bolt://" + filepath.Join(dir, "invites.db")
	}
	if len(s.config.Serve.Admin.APIKeys) == 0 {
		key = rand.Text()
		s.announce = func() { fmt.Fprintf(io.out, "API key: %s\n", key) }
	}
	s.invent = func(c *config.Config) {
		for _, host := range []*string{&c.Serve.Public.Host, &c.Serve.Admin.Host} {
			*host = cmp.Or(*host, "127.0.0.1")
		}
		c.DSN = cmp.Or(c.DSN, dsn)
		if len(c.Serve.Admin.APIKeys) == 0 && key != "" {
			c.Serve.Admin.APIKeys = []config.APIKey{{Name: "dev", Key: config.Secret(key)}}
		}
	}
	s.invent(&s.config)
	s.courier = printer{io.out}
	return forget, nil
}
