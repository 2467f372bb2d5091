package webhook

import (
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

// checker collects what is wrong with a configuration. None of its texts
// quotes a value, for values may be secrets that were put in the wrong place;
// names of events and of headers are the exceptions.
type checker struct{ problems []error }

func (c *checker) problem(key, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

func (c *checker) err() error { return errors.Join(c.problems...) }

// hook translates a Hook. The result is of use only if there was no problem.
func (c *checker) hook(key string, configured Hook) *hook {
	h := &hook{
		id:      configured.ID,
		events:  slices.Clone(configured.Events),
		url:     configured.URL,
		method:  configured.Method,
		timeout: configured.Timeout,
	}
	switch {
	case !hookID.MatchString(h.id):
		c.problem(key+".id", "must be 1 to 64 of a-z, 0-9, \"_\" and \"-\"")
	case h.id == bridge.EndpointCourier:
		c.problem(key+".id", "%q is the name of the e-mail courier; choose another", bridge.EndpointCourier)
	}
	h.blocking = c.events(key, configured)
	c.url(key+".url", configured.URL)
	switch h.method {
	case "":
		h.method = http.MethodPost
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		c.problem(key+".method", "must be POST, PUT or PATCH")
	}
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

// events says whether the hook is a blocking one.
func (c *checker) events(key string, h Hook) (blocking bool) {
	if len(h.Events) == 0 {
		c.problem(key+".events", "must name at least one event")
		return h.CanInterrupt
	}
	asked, told := 0, 0
	for i, event := range h.Events {
		at := fmt.Sprintf("%s.events[%d]", key, i)
		switch {
		case !slices.Contains(bridge.Events(), event):
			c.problem(at, "%.40q is no event; there are %q", string(event), bridge.Events())
		case slices.Contains(h.Events[:i], event):
			c.problem(at, "%q is there twice", string(event))
		case event.Blocking():
			asked++
		default:
			told++
		}
	}
	switch {
	case asked > 0 && told > 0:
		c.problem(key+".events", "pre_ events and others need a hook each")
	case asked > 0 && !h.CanInterrupt:
		c.problem(key+".can_interrupt", "must be true for pre_ events")
	case told > 0 && h.CanInterrupt:
		c.problem(key+".can_interrupt", "is for pre_ events only: what has happened cannot be refused")
	}
	return asked > 0
}

func (c *checker) url(key, text string) {
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

// exceptions gives the URLs that may lead into private ranges, without query.
func (c *checker) exceptions(urls []string) map[string]bool {
	excepted := make(map[string]bool, len(urls))
	for i, text := range urls {
		key := fmt.Sprintf("clients.http.private_ip_exception_urls[%d]", i)
		if strings.Contains(text, "*") {
			// Kratos takes patterns here. Taken for a URL, one would match nothing.
			c.problem(key, "must be a URL, not a pattern")
			continue
		}
		c.url(key, text)
		excepted[withoutQuery(text)] = true
	}
	return excepted
}

// withoutQuery gives a URL in the form in which exceptions are compared.
func withoutQuery(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.RawQuery, u.ForceQuery, u.Fragment = "", false, ""
	return u.String()
}

func (c *checker) userAgent(version string) string {
	if version == "" {
		return "invitebridge"
	}
	agent := "invitebridge/" + version
	if !httpguts.ValidHeaderFieldValue(agent) {
		c.problem("version", "cannot be sent in a header")
	}
	return agent
}
