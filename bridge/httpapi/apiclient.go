package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Invite invites somebody. created is false if a pending invitation of that
// e-mail was there already: the answer is that one, with a further token.
func (c *Client) Invite(ctx context.Context, r bridge.InviteRequest) (o Offer, created bool, err error) {
	body, err := encodeInvite(r)
	if err != nil {
		return o, false, err
	}
	answer, err := c.send(ctx, http.MethodPost, "/", nil, body, &o)
	return o, answer.status == http.StatusCreated, err
}

// ListQuery says which invitations are wanted. What is empty does not filter.
type ListQuery struct {
	State     bridge.State
	Email     string
	InviterID string
	PageSize  int    // zero: the bridge's default
	PageToken string // of the page before; empty: the first page
}

// List gives a page of invitations, newest first.
func (c *Client) List(ctx context.Context, q ListQuery) (Page[bridge.View], error) {
	values := pageValues(q.PageSize, q.PageToken, map[string]string{
		"state": string(q.State), "email": q.Email, "inviter_id": q.InviterID,
	})
	return list[bridge.View](ctx, c, "/", values)
}

// Get gives one invitation.
func (c *Client) Get(ctx context.Context, id uuid.UUID) (v bridge.View, err error) {
	_, err = c.send(ctx, http.MethodGet, "/"+id.String(), nil, nil, &v)
	return v, err
}

// Resend grants an invitation a fresh expiry and gives a further token.
func (c *Client) Resend(ctx context.Context, id uuid.UUID) (o Offer, err error) {
	_, err = c.send(ctx, http.MethodPost, "/"+id.String()+"/resend", nil, nil, &o)
	return o, err
}

// Revoke ends an invitation for good. One that is revoked stays as it is. While
// somebody is accepting it, what is given is pending still, with
// RevokeRequestedAt: it is revoked unless that acceptance succeeds.
func (c *Client) Revoke(ctx context.Context, id uuid.UUID) (v bridge.View, err error) {
	_, err = c.send(ctx, http.MethodPost, "/"+id.String()+"/revoke", nil, nil, &v)
	return v, err
}

// MessagesQuery says which messages are wanted. What is empty does not filter.
type MessagesQuery struct {
	State     bridge.MessageState
	PageSize  int    // zero: the bridge's default
	PageToken string // of the page before; empty: the first page
}

func (q MessagesQuery) values() url.Values {
	return pageValues(q.PageSize, q.PageToken, map[string]string{"state": string(q.State)})
}

// Messages gives a page of the outbox, newest first, without attempts.
func (c *Client) Messages(ctx context.Context, q MessagesQuery) (Page[Message], error) {
	return list[Message](ctx, c, "/messages", q.values())
}

// InvitationMessages gives a page of the messages of one invitation.
func (c *Client) InvitationMessages(ctx context.Context, id uuid.UUID, q MessagesQuery) (Page[Message], error) {
	return list[Message](ctx, c, "/"+id.String()+"/messages", q.values())
}

// Message gives one message with its attempts.
func (c *Client) Message(ctx context.Context, id uuid.UUID) (m Message, err error) {
	_, err = c.send(ctx, http.MethodGet, "/messages/"+id.String(), nil, nil, &m)
	return m, err
}

// RetryMessage has a failed message sent again.
func (c *Client) RetryMessage(ctx context.Context, id uuid.UUID) (m Message, err error) {
	_, err = c.send(ctx, http.MethodPost, "/messages/"+id.String()+"/retry", nil, nil, &m)
	return m, err
}

// list is a function because methods have no type parameters.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) (Page[T], error) {
	page := Page[T]{Items: []T{}}
	answer, err := c.send(ctx, http.MethodGet, path, query, nil, &page.Items)
	page.NextPageToken = nextPageToken(answer.header)
	return page, err
}

// pageValues leaves out the filters that are empty.
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
