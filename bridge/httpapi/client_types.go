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

// IssuedInvitation is an invitation with a new token and its link. Both are
// secrets and cannot be read again.
type IssuedInvitation = issuedInvitation

// Message is a row of the outbox, without its payload. Lists omit its attempts.
type Message = message

// Attempt is one finished delivery attempt of a message.
type Attempt = attempt

// Page is one page of a list.
type Page[T any] struct {
	Items         []T    `json:"items"`           // never nil
	NextPageToken string `json:"next_page_token"` // empty: this is the last page
}

// encodeInvite encodes r as an inviteBody. Empty fields are omitted, so that the
// bridge's defaults apply.
func encodeInvite(r bridge.InviteRequest) ([]byte, error) {
	body := inviteBody{
		Email: r.Email, ExternalID: r.ExternalID, SchemaID: r.SchemaID,
		Traits:         jsontext.Value(r.Traits),
		MetadataPublic: jsontext.Value(r.MetadataPublic),
		MetadataAdmin:  jsontext.Value(r.MetadataAdmin),
		InviterID:      r.InviterID, InviterName: r.InviterName, InviterEmail: r.InviterEmail, Locale: r.Locale, TimeZone: r.TimeZone, ReturnTo: r.ReturnTo,
		Reactivate: r.Reactivate, KeepAddresses: r.KeepAddresses,
	}
	if id := r.IdentityID; id != uuid.Nil {
		body.IdentityID = &id
	}
	if id := r.OrganizationID; id != uuid.Nil {
		body.OrganizationID = &id
	}
	if r.ExpiresIn != 0 {
		text := r.ExpiresIn.String()
		body.ExpiresIn = &text
	}
	if r.Reminders != nil {
		body.Reminders = make([]string, len(r.Reminders))
	}
	for i, before := range r.Reminders {
		body.Reminders[i] = before.String()
	}
	if r.Quiet {
		body.Notify = new(bool)
	}
	return json.Marshal(body, json.OmitZeroStructFields(true))
}

// nextPageToken returns the token of the next page from the Link header; empty
// on the last page.
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
