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

// loginPath is where Kratos' public API begins a login in a browser.
const loginPath = "/self-service/login/browser"

// ErrNoLogin says that a browser that begins a login ends at an error page, or at
// one of Ory's that says that Kratos has no page to sign in at.
var ErrNoLogin = errors.New("there is no page to sign in at")

// fallbackPages is where Kratos leads to for want of a ui_url.
const fallbackPages = "https://www.ory.sh/kratos/docs/fallback/"

// Login begins a login as a browser does, and looks whether there is a page to
// sign in at. ErrNoLogin if there is certainly none; any other error says that
// this could not be found out, such as where only browsers reach the page.
func (p *Public) Login(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.client.config.Timeout)
	defer cancel()
	start := p.client.config.AdminURL + loginPath
	status, page, err := p.visit(ctx, start)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %s is not found", ErrNoLogin, start)
	case page == nil:
		return fmt.Errorf("kratos: %s answered %d, and led nowhere", start, status)
	case strings.HasPrefix(page.String(), fallbackPages):
		return fmt.Errorf("%w: Kratos has no selfservice.flows.login.ui_url", ErrNoLogin)
	}
	// The flow is this caller's, and not the page's to show.
	page.RawQuery, page.Fragment, page.User = "", "", nil
	status, _, err = p.visit(ctx, page.String())
	var lookup *net.DNSError
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		return fmt.Errorf("%w: %s is not found", ErrNoLogin, page)
	case errors.Is(err, syscall.ECONNREFUSED) && isElsewhere(page, start):
		return err
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &lookup) && lookup.IsNotFound:
		return fmt.Errorf("%w: nothing answers at %s", ErrNoLogin, page)
	}
	return err
}

// isElsewhere says whether a page is on the machine of each browser, as its
// address says, while Kratos is on another one than this.
func isElsewhere(page *url.URL, kratos string) bool {
	u, err := url.Parse(kratos)
	return err == nil && isLoopback(page.Hostname()) && !isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// visit asks for a page, and says where the answer leads to; nil: nowhere.
func (p *Public) visit(ctx context.Context, address string) (status int, to *url.URL, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "text/html") // else Kratos answers with the flow
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
