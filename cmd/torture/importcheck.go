package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// importView is an import as clients see it.
type importView struct {
	ID      uuid.UUID
	State   string
	Rows    int
	Waiting int
	Counts  map[string]int
}

// importsEnded checks that every import has all rows of its file, and a result for each:
// none is left that was being loaded when the bridge was killed.
func (t *trial) importsEnded(ctx context.Context) error {
	a, err := call(ctx, http.MethodGet, t.admin, "/imports?page_size=500", nil)
	if err == nil {
		err = a.is(http.StatusOK)
	}
	if err != nil {
		return err
	}
	var list []importView
	if err := json.Unmarshal([]byte(a.text), &list); err != nil {
		return err
	}
	for _, i := range list {
		total := 0
		for _, n := range i.Counts {
			total += n
		}
		if i.State != "finished" || i.Rows != len(rowsOf) || i.Waiting != 0 || total != i.Rows {
			return fmt.Errorf("import %s is %s: of %d rows, %d wait and %d are counted", i.ID, i.State, i.Rows, i.Waiting, total)
		}
	}
	return nil
}

// isImported checks the rows of the last import of a subject, its invitations, and their
// identities. What a repeated request has loaded is deleted in the background.
func isImported(ctx context.Context, t *trial, s *subject) error {
	if err := within(ctx, responseLimit, func() error { return t.importsEnded(ctx) }); err != nil {
		return err
	}
	invitations := make(map[string]importedInvitation)
	for _, address := range s.addresses() {
		inv, err := t.invitedOnce(ctx, address)
		if err != nil {
			return err
		}
		invitations[address] = inv
	}
	if inv := invitations[s.address("pending")]; inv.ID != s.imported.pending {
		return fmt.Errorf("the pending invitation %s was replaced by %s", s.imported.pending, inv.ID)
	}
	if inv := invitations[s.address("inactive")]; inv.IdentityID != s.adopted {
		return fmt.Errorf("the existing identity %s was not adopted, but %s", s.adopted, inv.IdentityID)
	}
	if shown, err := t.kratos.Show(ctx, s.imported.active); err != nil || shown.State != "active" || len(shown.MetadataAdmin) > 0 && string(shown.MetadataAdmin) != "null" {
		return fmt.Errorf("the active identity is %s with %s: %v", shown.State, shown.MetadataAdmin, err) //nolint:errorlint // there may be none
	}
	return t.checkRows(ctx, s, invitations)
}

// importedInvitation is an invitation that an import has created or found.
type importedInvitation struct {
	ID         uuid.UUID
	State      string
	IdentityID uuid.UUID `json:"identity_id"`
	ImportID   uuid.UUID `json:"import_id"`
}

// invitedOnce returns the only invitation of an address, which is pending and whose
// identity has its mark. That identity has the address, so there is no other one.
func (t *trial) invitedOnce(ctx context.Context, address string) (inv importedInvitation, err error) {
	a, err := call(ctx, http.MethodGet, t.admin, "/?email="+address, nil)
	if err == nil {
		err = a.is(http.StatusOK)
	}
	if err != nil {
		return inv, err
	}
	var found []importedInvitation
	if err := json.Unmarshal([]byte(a.text), &found); err != nil || len(found) != 1 || found[0].State != "pending" {
		return inv, fmt.Errorf("%s has not one pending invitation: %s", address, a.text)
	}
	inv = found[0]
	shown, err := t.kratos.Show(ctx, inv.IdentityID)
	if err != nil {
		return inv, err
	}
	var traits struct{ Email string }
	var metadata map[string]struct{ ID uuid.UUID }
	_ = json.Unmarshal(shown.Traits, &traits)
	_ = json.Unmarshal(shown.MetadataAdmin, &metadata) // compared below
	if shown.State != "inactive" || traits.Email != address || metadata[bridge.MetadataKey].ID != inv.ID {
		return inv, fmt.Errorf("the identity of invitation %s of %s is %s, %s, with %s", inv.ID, address, shown.State, shown.Traits, shown.MetadataAdmin)
	}
	return inv, nil
}

// checkRows compares the result of each row with the invitation of its address. What an
// import whose response was lost has invited is pending for the next one.
func (t *trial) checkRows(ctx context.Context, s *subject, invitations map[string]importedInvitation) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+base+"/imports/"+s.id.String()+"/rows", nil)
	if err != nil {
		return err
	}
	text, err := exchange(t.admin, r, http.StatusOK)
	if err != nil {
		return err
	}
	n := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); n++ {
		var row struct {
			Result       string
			ErrorID      string    `json:"error_id"`
			InvitationID uuid.UUID `json:"invitation_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil || n >= len(rowsOf) {
			return fmt.Errorf("row %d is %q: %v", n, lines.Text(), err) //nolint:errorlint // there may be none
		}
		want := rowsOf[n].result
		var id uuid.UUID
		if want == "invited" || want == "adopted" || want == "already_pending" {
			inv := invitations[s.address(rowsOf[n].name)]
			if id = inv.ID; inv.ImportID != s.id {
				want = "already_pending"
			}
		}
		if row.Result == "adopted" && want == "invited" && s.number%2 == 1 {
			want = "adopted" // an import whose response was lost had created the identity
		}
		if row.Result != want || row.InvitationID != id {
			return fmt.Errorf("row %d is %s (%s) of %s, want %s of %s", n, row.Result, row.ErrorID, row.InvitationID, want, id)
		}
	}
	if n != len(rowsOf) {
		return fmt.Errorf("the import has %d rows, want %d", n, len(rowsOf))
	}
	return nil
}

// rowsDelivered checks that each invitation was emailed and announced, any number of
// times, under one id each.
func rowsDelivered(ctx context.Context, t *trial, s *subject) error {
	for _, address := range s.addresses() {
		inv, err := t.invitedOnce(ctx, address)
		if err != nil {
			return err
		}
		announced, emailed := t.env.messageIDs(inv.ID, string(bridge.EventTokenCreated)), t.env.emailIDs(address)
		if inv.ID == s.imported.pending && announced < 2 && emailed < 2 {
			continue // it was invited before, and those messages may still be on their way
		}
		if announced != 1 || emailed != 1 {
			return fmt.Errorf("invitation %s of %s was announced under %d ids and emailed under %d, want 1", inv.ID, address, announced, emailed)
		}
	}
	if n := t.env.messageIDs(s.id, string(bridge.EventImportFinished)); n != 1 {
		return fmt.Errorf("the end of import %s was announced under %d ids, want 1", s.id, n)
	}
	return nil
}
