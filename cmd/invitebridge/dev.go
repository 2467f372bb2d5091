package main

import (
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
	for _, host := range []*string{&s.config.Serve.Public.Host, &s.config.Serve.Admin.Host} {
		if *host == "" {
			*host = "127.0.0.1"
		}
	}
	if s.config.DSN == "" {
		dir, err := os.MkdirTemp("", "invitebridge-")
		if err != nil {
			return forget, err
		}
		forget = func() { _ = os.RemoveAll(dir) }
		s.config.DSN = "bolt://" + filepath.Join(dir, "invites.db")
	}
	if len(s.config.Serve.Admin.APIKeys) == 0 {
		key := rand.Text()
		s.config.Serve.Admin.APIKeys = []config.APIKey{{Name: "dev", Key: config.Secret(key)}}
		fmt.Fprintf(io.out, "API key: %s\n", key)
	}
	s.courier = printer{io.out}
	return forget, nil
}
