package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"invitebridge/bridge"
)

const (
	defaultTimeout = 15 * time.Second
	minTimeout     = time.Second
	maxTimeout     = 30 * time.Second
)

var hookID = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// validator collects the problems of a configuration. Its texts quote no values,
// because a value may be a misplaced secret; names of events and headers are the
// exceptions.
type validator struct{ problems []error }

func (c *validator) problem(key, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

func (c *validator) err() error { return errors.Join(c.problems...) }

// hook validates a Hook. The result is usable only if no problem was reported.
func (c *validator) hook(key string, configured Hook) *hook {
	h := &hook{
		id:      configured.ID,
		events:  slices.Clone(configured.Events),
		timeout: configured.Timeout,
	}
	switch {
	case !hookID.MatchString(h.id):
		c.problem(key+".id", "must be 1 to 64 of a-z, 0-9, \"_\" and \"-\"")
	case h.id == bridge.EndpointCourier:
		c.problem(key+".id", "%q is the name of the email courier; choose another", bridge.EndpointCourier)
	}
	h.blocking = c.events(key, configured)
	c.url(key+".url", configured.URL)
	method := configured.Method
	switch method {
	case "":
		method = http.MethodPost
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		c.problem(key+".method", "must be POST, PUT or PATCH")
	}
	// This fails only for what has been reported.
	h.request, _ = http.NewRequestWithContext(context.Background(), method, configured.URL, http.NoBody)
	switch {
	case h.timeout == 0:
		h.timeout = defaultTimeout
	case h.timeout < minTimeout || h.timeout > maxTimeout:
		c.problem(key+".timeout", "must be between %s and %s", minTimeout, maxTimeout)
	}
	h.header = c.headers(key, configured)
	h.signer = c.signer(key, configured.Secrets)
	h.template = c.body(key+".body", configured)
	return h
}

// events validates the events of a hook and reports whether it is a blocking hook.
func (c *validator) events(key string, h Hook) (blocking bool) {
	if len(h.Events) == 0 {
		c.problem(key+".events", "must name at least one event")
		return h.CanInterrupt
	}
	pre, other := 0, 0
	for i, event := range h.Events {
		at := fmt.Sprintf("%s.events[%d]", key, i)
		switch {
		case !slices.Contains(bridge.Events(), event):
			c.problem(at, "%.40q is not an event; the events are %q", string(event), bridge.Events())
		case slices.Contains(h.Events[:i], event):
			c.problem(at, "%q is listed twice", string(event))
		case event.Blocking():
			pre++
		default:
			other++
		}
	}
	switch {
	case pre > 0 && other > 0:
		c.problem(key+".events", "pre_ events and other events need separate hooks")
	case pre > 0 && !h.CanInterrupt:
		c.problem(key+".can_interrupt", "must be true for pre_ events")
	case other > 0 && h.CanInterrupt:
		c.problem(key+".can_interrupt", "is for pre_ events only: other events cannot be refused")
	}
	return pre > 0
}

func (c *validator) url(key, text string) {
	// The parser's own error quotes the URL.
	u, err := url.Parse(text)
	switch {
	case err != nil:
		c.problem(key, "is not a URL")
		return
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		c.problem(key, "must be absolute, and begin with http:// or https://")
	case u.User != nil:
		c.problem(key, "must not hold credentials; use auth")
	case u.Fragment != "":
		c.problem(key, "must not have a fragment")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			c.problem(key, "must have a port between 1 and 65535")
		}
	}
}

// exceptions returns the URLs, without query, that may use private addresses.
func (c *validator) exceptions(urls []string) map[string]bool {
	excepted := make(map[string]bool, len(urls))
	for i, text := range urls {
		key := fmt.Sprintf("clients.http.private_ip_exception_urls[%d]", i)
		if strings.Contains(text, "*") {
			// Kratos accepts patterns here. Read as a URL, one would match nothing.
			c.problem(key, "must be a URL, not a pattern")
			continue
		}
		c.url(key, text)
		excepted[withoutQuery(text)] = true
	}
	return excepted
}

// withoutQuery returns a URL in the form in which exceptions are compared.
func withoutQuery(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.RawQuery, u.ForceQuery, u.Fragment = "", false, ""
	return u.String()
}

func (c *validator) userAgent(version string) string {
	if version == "" {
		return "invitebridge"
	}
	agent := "invitebridge/" + version
	if !httpguts.ValidHeaderFieldValue(agent) {
		c.problem("version", "cannot be sent in a header")
	}
	return agent
}
