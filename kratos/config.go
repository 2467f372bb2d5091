package kratos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config describes where the admin API is and how to call it.
type Config struct {
	// AdminURL is the base URL of the admin API, such as http://kratos:4434. It
	// may have a path; user information, a query and a fragment are rejected.
	AdminURL string

	// AdminToken is sent as a bearer token. Empty: none is sent. Kratos itself
	// has no tokens, but a proxy that protects its admin API may need one.
	AdminToken string

	// PublicURL is the base URL of the public API, in the form of AdminURL.
	// Identity schemas are read there. Empty: schemas are not read.
	PublicURL string

	// EmailTraits maps a schema id to the dotted path of the email address in
	// the traits; the key "" applies to all other schemas. For schemas without
	// an entry the schema itself decides. Nil without a PublicURL: "email".
	EmailTraits map[string]string

	// Timeout bounds each method of the Client, including all requests that the
	// method makes; CreateAll may take 40 ms more for each identity. Default: 5 s.
	// An earlier deadline of the context takes precedence.
	Timeout time.Duration

	// MaxConns limits the connections to Kratos, including idle ones. Default:
	// 64. Further calls wait for a free connection.
	MaxConns int

	// MaxResponseBytes limits the body of a response. Default: 1 MiB. A longer
	// body is handled like a missing response. A response to CreateAll may also
	// have 16 KiB for each identity.
	MaxResponseBytes int64

	// Headers may add headers to each outgoing request; ctx is that of the
	// call. The token is set afterwards. Nil: none are added.
	Headers func(ctx context.Context, h http.Header)

	// Transport replaces the Client's own connections, so MaxConns does not
	// apply.
	Transport http.RoundTripper
}

const (
	defaultTimeout          = 5 * time.Second
	defaultMaxConns         = 64
	defaultMaxResponseBytes = 1 << 20
)

// Format prints a Config without its token, for every verb.
func (c Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "kratos.Config{AdminURL: %q}", c.AdminURL)
}

// withDefaults fills in defaults and returns all problems as one error.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	base, err := baseURL(c.AdminURL)
	errs = append(errs, err)
	c.AdminURL = base
	if c.PublicURL == "" && c.EmailTraits == nil {
		c.EmailTraits = map[string]string{"": "email"}
	}
	for _, path := range c.EmailTraits {
		if slices.Contains(strings.Split(path, "."), "") {
			errs = append(errs, fmt.Errorf("kratos: the email trait %q is not a path such as contact.email", path))
		}
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxConns == 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.MaxResponseBytes == 0 {
		c.MaxResponseBytes = defaultMaxResponseBytes
	}
	if c.Timeout < 0 || c.MaxConns < 0 || c.MaxResponseBytes < 0 {
		errs = append(errs, errors.New("kratos: the timeout and the limits must not be negative"))
	}
	if strings.ContainsFunc(c.AdminToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, errors.New("kratos: the admin token contains characters that are not allowed in a header"))
	}
	return c, errors.Join(errs...)
}

// baseURL checks a base URL. Errors do not repeat it, because it may contain a
// password.
func baseURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("kratos: the admin URL must be http:// or https:// with a host")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return "", errors.New("kratos: the admin URL must have no user, query or fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}
