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

// Config says where the admin API is and how to call it.
type Config struct {
	// AdminURL is the base of the admin API, such as http://kratos:4434. A
	// path is kept; user information, a query and a fragment are refused.
	AdminURL string

	// AdminToken is sent as a bearer token; empty: none is sent. Kratos itself
	// knows no tokens, but what guards its admin API may.
	AdminToken string

	// PublicURL is the base of the public API, as AdminURL. Identity schemas are
	// read there; empty: none are.
	PublicURL string

	// EmailTraits says where the e-mail address is inside the traits, in dots, by
	// the id of the schema; that of "" is for all others. What it does not say,
	// the schema says. Nil without a PublicURL: "email".
	EmailTraits map[string]string

	// Timeout bounds each method of the Client, with all the requests that it
	// makes; 5 s by default. A context that ends sooner wins.
	Timeout time.Duration

	// MaxConns bounds the connections to Kratos, idle ones included; 64 by
	// default. Further calls wait for a free one.
	MaxConns int

	// MaxAnswer bounds the body of an answer, in bytes; 1 MiB by default. A
	// longer one counts as no answer.
	MaxAnswer int64

	// Headers may add headers to each request on its way out; ctx is that of
	// the call. The token is set after it. Nil: none are added.
	Headers func(ctx context.Context, h http.Header)

	// Transport replaces the Client's own connections, and MaxConns with them.
	Transport http.RoundTripper
}

const (
	defaultTimeout   = 5 * time.Second
	defaultMaxConns  = 64
	defaultMaxAnswer = 1 << 20
)

// Format prints a Config without its token, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "kratos.Config{AdminURL: %q}", c.AdminURL)
}

// withDefaults fills in what was left empty, and tells all that is wrong.
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
			errs = append(errs, fmt.Errorf("kratos: the e-mail trait %q is not a path such as contact.email", path))
		}
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxConns == 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = defaultMaxAnswer
	}
	if c.Timeout < 0 || c.MaxConns < 0 || c.MaxAnswer < 0 {
		errs = append(errs, errors.New("kratos: the time-out and the limits must not be negative"))
	}
	if strings.ContainsFunc(c.AdminToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, errors.New("kratos: the admin token has characters that a header cannot carry"))
	}
	return c, errors.Join(errs...)
}

// baseURL checks an address. It does not repeat one in an error, for it may
// hold a password.
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
