package pagetest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
)

// Request is one request of a tab, as the browser reports it. data: URLs are not
// requests.
type Request struct {
	Method, URL string
	Type        string      // "Document", "Stylesheet", "Fetch", …
	Initiator   string      // what caused it: "parser", "script", "other"
	Header      http.Header // as sent
	Status      int         // 0 without a response
	Size        int64       // bytes of the response on the wire, with headers
	Blocking    bool        // the page is not painted before it has arrived
	Failure     string      // why there is no response
}

// Log holds a tab's network requests and the problems that the browser reported.
type Log struct {
	Requests   []Request
	Complaints []string // of the console, the security policy and the browser's audits
}

// Log returns everything that happened so far. It first waits, limited in time,
// until no request is in flight.
func (tab *Tab) Log() Log {
	tab.t.Helper()
	command(tab, audits.CheckFormsIssues, cdp.Empty{}) // also a barrier: earlier events arrive before its response
	return tab.log.whenIdle(tab.ctx)
}

// OneOrigin returns an error if a request went to anything but origin, such as
// "http://127.0.0.1:4488".
func (l Log) OneOrigin(origin string) error {
	return l.all(func(r Request) string {
		if originOf(r.URL) != origin {
			return "did not go to " + origin
		}
		return ""
	})
}

// Keeps returns an error if a secret that is part of URLs leaked, either in a
// Referer or to an origin other than its own.
func (l Log) Keeps(secret, origin string) error {
	return l.all(func(r Request) string {
		switch {
		case strings.Contains(r.Header.Get("Referer"), secret):
			return "has a Referer that contains the secret"
		case strings.Contains(r.URL, secret) && originOf(r.URL) != origin:
			return "sends the secret to another origin"
		}
		return ""
	})
}

// Quiet returns an error if the browser reported any problem: in its console,
// with the content security policy, or with a form.
func (l Log) Quiet() error {
	if len(l.Complaints) > 0 {
		return errors.New(strings.Join(l.Complaints, "\n"))
	}
	return nil
}

// Under returns an error unless all responses together are smaller than limit, in
// bytes with headers.
func (l Log) Under(limit int64) error {
	var total int64
	for _, r := range l.Requests {
		total += r.Size
	}
	if total >= limit {
		return fmt.Errorf("received %d bytes, want less than %d", total, limit)
	}
	return nil
}

// Unblocked returns an error if painting the page had to wait for anything but the
// document.
func (l Log) Unblocked() error {
	return l.all(func(r Request) string {
		if r.Blocking {
			return "blocks painting the page"
		}
		return ""
	})
}

// Exactly returns an error unless n requests were made. The browser does not
// report requests for a page's icon; count those at the server.
func (l Log) Exactly(n int) error {
	if len(l.Requests) == n {
		return nil
	}
	var made []string
	for _, r := range l.Requests {
		made = append(made, r.Method+" "+r.URL)
	}
	return fmt.Errorf("got %d requests, want %d: %s", len(made), n, strings.Join(made, ", "))
}

// all joins what wrong returns for each request.
func (l Log) all(wrong func(Request) string) error {
	var errs []error
	for _, r := range l.Requests {
		if what := wrong(r); what != "" {
			errs = append(errs, fmt.Errorf("%s %s (%s) %s", r.Method, r.URL, r.Initiator, what))
		}
	}
	return errors.Join(errs...)
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
