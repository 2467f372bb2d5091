package kratos

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// markedPage is the page size. At 10 kB per identity, a page is within the
// default MaxResponseBytes.
const markedPage = 100

// MarkedIdentity is an identity that carries the bridge's mark. Its credentials
// are incomplete, because they are not requested.
type MarkedIdentity struct {
	bridge.Identity
	// Age is the time since it was created, by Kratos' clock; zero if unknown.
	Age time.Duration
}

// ListMarked iterates over all identities, page by page, and yields those that
// carry the bridge's mark. Each page is a separate call, bounded by
// [Config.Timeout], and only one page is kept in memory. An error ends the
// iteration. An identity created or deleted during the iteration may or may not
// be yielded; no other is omitted.
func (c *Client) ListMarked(ctx context.Context) iter.Seq2[MarkedIdentity, error] {
	return func(yield func(MarkedIdentity, error) bool) {
		for token, more := "", true; more; {
			page, next, err := c.markedPage(ctx, token)
			if err != nil {
				yield(MarkedIdentity{}, err)
				return
			}
			for _, m := range page {
				if !yield(m, nil) {
					return
				}
			}
			token, more = next, next != "" && next != token
		}
	}
}

// markedPage returns the marked identities of one page and the token of the
// next.
func (c *Client) markedPage(ctx context.Context, token string) (marked []MarkedIdentity, next string, err error) {
	k, ctx, cancel := c.begin(ctx, "list")
	defer cancel()
	query := url.Values{"page_size": {strconv.Itoa(markedPage)}}
	if token != "" {
		query.Set("page_token", token)
	}
	a, err := k.read(ctx, c.getRequest("/admin/identities?"+query.Encode()))
	if err != nil {
		return nil, "", k.classify(err, nil)
	}
	var page []json.RawMessage
	if err := parse(a.body, &page); err != nil || page == nil {
		return nil, "", k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	now, dateErr := http.ParseTime(a.header.Get("Date"))
	for _, raw := range page {
		r, err := c.parseRecord(ctx, raw, noCredentials)
		if err != nil {
			return nil, "", k.schemaReadError(a.status, err)
		}
		if r.Mark.InvitationID == uuid.Nil {
			continue
		}
		m := MarkedIdentity{Identity: r}
		if !r.CreatedAt.IsZero() && dateErr == nil {
			m.Age = max(0, now.Sub(r.CreatedAt))
		}
		marked = append(marked, m)
	}
	return marked, nextPage(a.header), nil
}

// nextPage returns the token of the next page from a Link header; empty: this
// was the last page.
func nextPage(h http.Header) string {
	for link := range strings.SplitSeq(strings.Join(h.Values("Link"), ","), ",") {
		target, rest, _ := strings.Cut(strings.TrimSpace(link), ">")
		if !strings.Contains(rest, `rel="next"`) {
			continue
		}
		if u, err := url.Parse(strings.TrimPrefix(target, "<")); err == nil {
			return u.Query().Get("page_token")
		}
	}
	return ""
}
