package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Offer is an invitation with its token and its link, which are secrets that
// no other answer shows again.
type Offer = offer

// Message is a row of the outbox, without its payload. Its attempts are there
// in the answers about one message only.
type Message = message

// Attempt is one finished try to deliver a message.
type Attempt = attempt

// Page is a part of a list.
type Page[T any] struct {
	Items         []T    `json:"items"` // never nil
	NextPageToken string `json:"next_page_token"`
}

// encodeInvite writes the body that inviteBody reads. Empty fields are left
// out, so that the bridge's defaults hold.
func encodeInvite(r bridge.InviteRequest) ([]byte, error) {
	body := inviteBody{
		Email: r.Email, SchemaID: r.SchemaID,
		Traits:         jsontext.Value(r.Traits),
		MetadataPublic: jsontext.Value(r.MetadataPublic),
		MetadataAdmin:  jsontext.Value(r.MetadataAdmin),
		InviterID:      r.InviterID, InviterName: r.InviterName, InviterEmail: r.InviterEmail, Locale: r.Locale, TimeZone: r.TimeZone, ReturnTo: r.ReturnTo,
		Reactivate: r.Reactivate, KeepAddresses: r.KeepAddresses,
	}
	if id := r.IdentityID; id != uuid.Nil {
		body.IdentityID = &id
	}
	if r.ExpiresIn != 0 {
		text := r.ExpiresIn.String()
		body.ExpiresIn = &text
	}
	if r.Quiet {
		body.Notify = new(bool)
	}
	return json.Marshal(body, json.OmitZeroStructFields(true))
}

// nextPageToken reads the token of the next page off a Link header; empty:
// this is the last page.
func nextPageToken(h http.Header) string {
	for _, link := range strings.Split(strings.Join(h.Values("Link"), ","), ",") {
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
