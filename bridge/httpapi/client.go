package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// InviteOption configures one call of [Client.Invite].
type InviteOption func(*http.Request)

// WithIdempotencyKey makes a repetition of the call within 24 hours return the first
// invitation with an additional token, or without one if it has ended. key is
// visible ASCII, such as a random UUID.
func WithIdempotencyKey(key string) InviteOption {
	return func(r *http.Request) { r.Header.Set(idempotencyHeader, key) }
}

// Invite creates an invitation. created is false if the address already had a
// pending invitation: that one is returned, with an additional token.
func (c *Client) Invite(ctx context.Context, r bridge.InviteRequest, options ...InviteOption) (o IssuedInvitation, created bool, err error) {
	body, err := encodeInvite(r)
	if err != nil {
		return o, false, err
	}
	request, err := c.request(ctx, http.MethodPost, "/", nil, body)
	if err != nil {
		return o, false, err
	}
	for _, option := range options {
		option(request)
	}
	answer, err := c.do(c.http, request, &o)
	return o, answer.status == http.StatusCreated, err
}

// ListQuery selects invitations. Empty fields do not filter.
type ListQuery struct {
	State     bridge.State
	Email     string
	InviterID string
	CreatedBy bridge.Creator
	ImportID  uuid.UUID // the import that created them
	Origin    bridge.Origin
	Method    bridge.AcceptMethod
	PageSize  int    // zero: the bridge's default
	PageToken string // of the page before; empty: the first page
}

// List returns a page of invitations, newest first.
func (c *Client) List(ctx context.Context, q ListQuery) (Page[bridge.InvitationView], error) {
	values := pageValues(q.PageSize, q.PageToken, map[string]string{
		"state": string(q.State), "email": q.Email, "inviter_id": q.InviterID, "created_by": q.CreatedBy.String(),
		"identity_origin": string(q.Origin), "method": string(q.Method),
	})
	if q.ImportID != uuid.Nil {
		values.Set("import_id", q.ImportID.String())
	}
	return list[bridge.InvitationView](ctx, c, "/", values)
}

// Get returns one invitation.
func (c *Client) Get(ctx context.Context, id uuid.UUID) (v bridge.InvitationView, err error) {
	_, err = c.send(ctx, http.MethodGet, "/"+id.String(), nil, &v)
	return v, err
}

// Resend resets the expiry of an invitation and returns an additional token.
func (c *Client) Resend(ctx context.Context, id uuid.UUID) (o IssuedInvitation, err error) {
	_, err = c.send(ctx, http.MethodPost, "/"+id.String()+"/resend", nil, &o)
	return o, err
}

// Revoke revokes an invitation permanently. Revoking a revoked invitation has no
// effect. If an acceptance is in progress, the returned invitation is still
// pending, with RevokeRequestedAt set: it becomes revoked unless that acceptance
// succeeds.
func (c *Client) Revoke(ctx context.Context, id uuid.UUID) (v bridge.InvitationView, err error) {
	_, err = c.send(ctx, http.MethodPost, "/"+id.String()+"/revoke", nil, &v)
	return v, err
}

// Forget removes a person: all invitations of the address of this one, what imports hold
// about it, and identities that the bridge created and that were never used.
func (c *Client) Forget(ctx context.Context, id uuid.UUID) (f bridge.Forgotten, err error) {
	_, err = c.send(ctx, http.MethodDelete, "/"+id.String(), nil, &f)
	return f, err
}

// MessagesQuery selects messages. Empty fields do not filter.
type MessagesQuery struct {
	State     bridge.MessageState
	PageSize  int    // zero: the bridge's default
	PageToken string // of the page before; empty: the first page
}

func (q MessagesQuery) values() url.Values {
	return pageValues(q.PageSize, q.PageToken, map[string]string{"state": string(q.State)})
}

// Messages returns a page of the outbox, newest first, without attempts.
func (c *Client) Messages(ctx context.Context, q MessagesQuery) (Page[Message], error) {
	return list[Message](ctx, c, "/messages", q.values())
}

// InvitationMessages returns a page of the messages of one invitation.
func (c *Client) InvitationMessages(ctx context.Context, id uuid.UUID, q MessagesQuery) (Page[Message], error) {
	return list[Message](ctx, c, "/"+id.String()+"/messages", q.values())
}

// HistoryQuery selects entries of a history.
type HistoryQuery struct {
	PageSize  int    // zero: the bridge's default
	PageToken string // of the page before; empty: the first page
}

// History returns a page of the history of an invitation, newest first.
func (c *Client) History(ctx context.Context, id uuid.UUID, q HistoryQuery) (Page[bridge.HistoryEntry], error) {
	return list[bridge.HistoryEntry](ctx, c, "/"+id.String()+"/history", pageValues(q.PageSize, q.PageToken, nil))
}

// Message returns one message with its attempts.
func (c *Client) Message(ctx context.Context, id uuid.UUID) (m Message, err error) {
	_, err = c.send(ctx, http.MethodGet, "/messages/"+id.String(), nil, &m)
	return m, err
}

// RetryMessage queues a failed message again. A queued one is attempted now.
func (c *Client) RetryMessage(ctx context.Context, id uuid.UUID) (m Message, err error) {
	_, err = c.send(ctx, http.MethodPost, "/messages/"+id.String()+"/retry", nil, &m)
	return m, err
}

// list is a function because methods have no type parameters.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) (Page[T], error) {
	page := Page[T]{Items: []T{}}
	answer, err := c.send(ctx, http.MethodGet, path, query, &page.Items)
	page.NextPageToken = nextPageToken(answer.header)
	return page, err
}

// pageValues returns the query of a list, without empty filters.
func pageValues(size int, token string, filters map[string]string) url.Values {
	values := url.Values{}
	if size != 0 {
		values.Set("page_size", strconv.Itoa(size))
	}
	if token != "" {
		values.Set("page_token", token)
	}
	for name, value := range filters {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}
