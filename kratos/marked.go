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

// markedPage is how many identities are asked for at once: of 10 kB each, they
// are within the MaxAnswer there is by default.
const markedPage = 100

// Marked is an identity that carries the bridge's mark. Its credentials are not
// asked for, so that what it shows of them is incomplete.
type Marked struct {
	bridge.Identity
	// Age is the time since it was made, by Kratos' clock; zero if that is not
	// known.
	Age time.Duration
}

// Marked walks all identities, page by page, and gives those that carry the
// bridge's mark. Each page is a call of its own, bounded by [Config.Timeout],
// and one page at a time is kept. An error is the last that it gives. Whether an
// identity that is made or deleted meanwhile is met is not certain; no other is
// left out.
func (c *Client) Marked(ctx context.Context) iter.Seq2[Marked, error] {
	return func(yield func(Marked, error) bool) {
		for token, more := "", true; more; {
			page, next, err := c.markedPage(ctx, token)
			if err != nil {
				yield(Marked{}, err)
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

// markedPage gives what carries the mark of one page, and the token of the next.
func (c *Client) markedPage(ctx context.Context, token string) (marked []Marked, next string, err error) {
	k, ctx, cancel := c.begin(ctx, "list")
	defer cancel()
	query := url.Values{"page_size": {strconv.Itoa(markedPage)}}
	if token != "" {
		query.Set("page_token", token)
	}
	a, err := k.read(ctx, c.at("/admin/identities?"+query.Encode()))
	if err != nil {
		return nil, "", k.judge(err, nil)
	}
	var page []json.RawMessage
	if err := json.Unmarshal(a.body, &page); err != nil || page == nil {
		return nil, "", k.fail(bridge.OutcomeUnknown, a.status, textOddBody, nil)
	}
	now, dateErr := http.ParseTime(a.header.Get("Date"))
	for _, raw := range page {
		r, err := c.parseRecord(ctx, raw, noCredentials)
		if err != nil {
			return nil, "", k.unread(a.status, err)
		}
		if r.Mark.InvitationID == uuid.Nil {
			continue
		}
		m := Marked{Identity: r}
		if !r.CreatedAt.IsZero() && dateErr == nil {
			m.Age = max(0, now.Sub(r.CreatedAt))
		}
		marked = append(marked, m)
	}
	return marked, nextPage(a.header), nil
}

// nextPage reads the token of the next page off a Link header; empty: this was
// the last.
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
