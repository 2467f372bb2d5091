package kratos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// loginPath starts a browser login at Kratos' public API.
const loginPath = "/self-service/login/browser"

// ErrNoLoginPage reports that a browser login ends at an error page, or at a
// page of Ory that says that Kratos has no login page configured.
var ErrNoLoginPage = errors.New("there is no login page")

// fallbackPages is where Kratos redirects if no ui_url is configured.
const fallbackPages = "https://www.ory.sh/kratos/docs/fallback/"

// Login starts a login as a browser does and checks that there is a login page.
//
// Errors: ErrNoLoginPage if there is certainly none; any other error means that
// the check was inconclusive, for example because only browsers can reach the
// page.
func (p *PublicClient) Login(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.client.config.Timeout)
	defer cancel()
	start := p.client.config.AdminURL + loginPath
	status, page, err := p.visit(ctx, start)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %s is not found", ErrNoLoginPage, start)
	case page == nil:
		return fmt.Errorf("kratos: %s returned %d without a redirect", start, status)
	case strings.HasPrefix(page.String(), fallbackPages):
		return fmt.Errorf("%w: Kratos has no selfservice.flows.login.ui_url", ErrNoLoginPage)
	}
	// The flow belongs to this caller; the login page must not receive it.
	page.RawQuery, page.Fragment, page.User = "", "", nil
	status, _, err = p.visit(ctx, page.String())
	var lookup *net.DNSError
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		return fmt.Errorf("%w: %s is not found", ErrNoLoginPage, page)
	case errors.Is(err, syscall.ECONNREFUSED) && isBrowserLocal(page, start):
		return err
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &lookup) && lookup.IsNotFound:
		return fmt.Errorf("%w: no server responds at %s", ErrNoLoginPage, page)
	}
	return err
}

// isBrowserLocal reports whether the page's address is a loopback address, and
// so a different machine for each browser, while Kratos runs on another machine
// than the bridge.
func isBrowserLocal(page *url.URL, kratos string) bool {
	u, err := url.Parse(kratos)
	return err == nil && isLoopback(page.Hostname()) && !isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// visit requests a page and returns the target of the redirect; nil: none.
func (p *PublicClient) visit(ctx context.Context, address string) (status int, to *url.URL, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "text/html") // otherwise Kratos responds with the flow
	r.Header.Set("User-Agent", userAgent)
	res, err := p.client.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if to, err = res.Location(); errors.Is(err, http.ErrNoLocation) {
		return res.StatusCode, nil, nil
	}
	return res.StatusCode, to, err
}
