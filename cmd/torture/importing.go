package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// importing is what the client of a subject knows about its import. The id of the subject
// is that of the last import that was accepted.
type importing struct {
	active  uuid.UUID // an identity that is in use
	pending uuid.UUID // an invitation from before
}

// rowsOf are the rows of the file of a subject, in order.
var rowsOf = []struct{ name, result string }{
	{"new1", "invited"},
	{"new2", "invited"},
	{"inactive", "adopted"},
	{"active", "already_active"},
	{"new3", "invited"},
	{"pending", "already_pending"},
	{"new1", "duplicate"},
	{"new4", "invited"},
	{"", "failed"},
	{"new5", "invited"},
	{"inactive", "duplicate"},
	{"new6", "invited"},
}

// address returns the address of a row; "" is no address.
func (s *subject) address(name string) string {
	if name == "" {
		return "nobody"
	}
	return name + "-" + s.email
}

// addresses returns the addresses that an import invites, and the one that has a pending
// invitation.
func (s *subject) addresses() []string {
	var list []string
	for _, row := range rowsOf {
		if row.result == "invited" || row.result == "adopted" || row.result == "already_pending" {
			list = append(list, s.address(row.name))
		}
	}
	return list
}

// prepareImport creates the identities and the invitation that the import finds.
func prepareImport(ctx context.Context, t *trial, s *subject) (err error) {
	for name, state := range map[string]string{"inactive": "inactive", "active": "active"} {
		body := fmt.Sprintf(`{"schema_id":%q,"state":%q,"traits":{"email":%q}}`, kratostest.DefaultSchema, state, s.address(name))
		if name == "inactive" && s.adopted == uuid.Nil {
			s.adopted, err = t.kratos.Create(ctx, body)
		} else if name == "active" && s.imported.active == uuid.Nil {
			s.imported.active, err = t.kratos.Create(ctx, body)
		}
		if err != nil {
			return err
		}
	}
	a, err := call(ctx, http.MethodPost, t.admin, "/", map[string]any{"email": s.address("pending"), "expires_in": "48h"})
	if err == nil {
		err = a.is(http.StatusCreated, http.StatusOK)
	}
	s.imported.pending = a.ID
	return err
}

// importFile uploads the file and waits for the end of the import. Every other client
// sends an idempotency key; the others import the file again after a lost response.
func importFile(ctx context.Context, t *trial, s *subject) error {
	var file strings.Builder
	file.WriteString("email,expires_in\n")
	for _, row := range rowsOf {
		fmt.Fprintf(&file, "%s,48h\n", s.address(row.name))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+base+"/imports", strings.NewReader(file.String()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "text/csv")
	if s.number%2 == 0 {
		r.Header.Set("Idempotency-Key", s.email)
	}
	text, err := exchange(t.admin, r, http.StatusAccepted)
	if err != nil {
		return err
	}
	var accepted importView
	if err := json.Unmarshal(text, &accepted); err != nil {
		return err
	}
	s.id = accepted.ID
	for {
		a, err := call(ctx, http.MethodGet, t.admin, "/imports/"+accepted.ID.String(), nil)
		if err == nil {
			err = a.is(http.StatusOK)
		}
		if err != nil || a.State == "finished" {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the import has not ended: %s", a.text)
		}
	}
}

// exchange sends a request with the API key and returns the body of the response.
func exchange(socket string, r *http.Request, want int) ([]byte, error) {
	r.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := client(socket).Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("%d %s", res.StatusCode, text)
	}
	return text, err
}

// settleImports waits until every import has ended: a subject is to be killed during its
// own. Every other one is not, and the import before it is resumed and killed again.
func settleImports(ctx context.Context, t *trial, s *subject) error {
	if s.number%2 == 1 {
		return nil
	}
	return within(ctx, killTimeout, func() error { return t.importsEnded(ctx) })
}

// within repeats do until it succeeds or takes too long.
func within(ctx context.Context, limit time.Duration, do func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := do()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}
