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

// Request is one request that a tab made, as the browser tells it. Documents
// inside the page itself (data:) are none.
type Request struct {
	Method, URL string
	Type        string      // "Document", "Stylesheet", "Fetch", …
	Initiator   string      // what made it: "parser", "script", "other"
	Header      http.Header // as it went out
	Status      int         // 0 without an answer
	Size        int64       // of the answer, headers included, as it came
	Blocking    bool        // nothing is painted before it has come
	Failure     string      // why there is no answer
}

// Log is what a tab asked of the network and what the browser found wrong.
type Log struct {
	Requests   []Request
	Complaints []string // of the console, the security policy and the browser's audits
}

// Log gives what happened up to now, once no request is under way or the time
// for that is over.
func (tab *Tab) Log() Log {
	tab.t.Helper()
	command(tab, audits.CheckFormsIssues, cdp.Empty{}) // also: what happened before is told before its answer
	return tab.log.settled(tab.ctx)
}

// OneOrigin says whether anything but an origin, such as "http://127.0.0.1:4488",
// was asked.
func (l Log) OneOrigin(origin string) error {
	return l.all(func(r Request) string {
		if originOf(r.URL) != origin {
			return "is not of " + origin
		}
		return ""
	})
}

// Keeps says whether a secret that stands in addresses was told by one: in a
// Referer, or to an origin other than its own.
func (l Log) Keeps(secret, origin string) error {
	return l.all(func(r Request) string {
		switch {
		case strings.Contains(r.Header.Get("Referer"), secret):
			return "has a Referer that tells the secret"
		case strings.Contains(r.URL, secret) && originOf(r.URL) != origin:
			return "tells the secret to another origin"
		}
		return ""
	})
}

// Quiet says whether the browser complained of anything: in its console, of the
// content security policy, or of a form that it cannot make sense of.
func (l Log) Quiet() error {
	if len(l.Complaints) > 0 {
		return errors.New(strings.Join(l.Complaints, "\n"))
	}
	return nil
}

// Under says whether all answers together weigh less than a number of bytes,
// headers included.
func (l Log) Under(limit int64) error {
	var total int64
	for _, r := range l.Requests {
		total += r.Size
	}
	if total >= limit {
		return fmt.Errorf("%d bytes came, not less than %d", total, limit)
	}
	return nil
}

// Unblocked says whether the page was painted without waiting for anything but
// the document.
func (l Log) Unblocked() error {
	return l.all(func(r Request) string {
		if r.Blocking {
			return "keeps the page from being painted"
		}
		return ""
	})
}

// Exactly says whether so many requests were made. The browser does not tell of
// the icon of a page: who serves it may count that.
func (l Log) Exactly(n int) error {
	if len(l.Requests) == n {
		return nil
	}
	var made []string
	for _, r := range l.Requests {
		made = append(made, r.Method+" "+r.URL)
	}
	return fmt.Errorf("%d requests, not %d: %s", len(made), n, strings.Join(made, ", "))
}

// all collects what is wrong with each request.
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
