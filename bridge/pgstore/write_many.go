package pgstore

import (
	"cmp"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var (
	insertInvitations = invitations.insertMany() + " ON CONFLICT DO NOTHING RETURNING id"

	selectOfEmails = "SELECT " + invitationNames + ` FROM unnest($1::text[]) e (email) CROSS JOIN LATERAL (
		(SELECT ` + invitationNames + ` FROM invitebridge.invitations t WHERE t.email = e.email ORDER BY t.id DESC LIMIT 1)
		UNION ALL
		(SELECT ` + invitationNames + ` FROM invitebridge.invitations t WHERE t.email = e.email AND t.state = 'pending'
			AND EXISTS (SELECT FROM invitebridge.invitations o WHERE o.email = t.email AND o.id > t.id))) t`
)

// InvitationsOf implements [bridge.Tx].
func (t *tx) InvitationsOf(emails ...string) (list []bridge.Invitation, err error) {
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	wanted := slices.Clone(texts(emails))
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	err = t.do(statement{sql: selectOfEmails, args: []any{&wanted}, rows: func(rows pgx.Rows) error {
		found, err := invitations.scan(rows, nil)
		for _, r := range found {
			list = append(list, r.invitation())
		}
		return err
	}})
	return list, err
}

// InsertInvitations implements [bridge.Tx].
func (t *tx) InsertInvitations(list ...bridge.Invitation) (conflicts []uuid.UUID, err error) {
	if err := t.mayWrite(); err != nil {
		return nil, err
	}
	rows := make([]*invitationRow, len(list))
	for i, inv := range list {
		if rows[i], err = rowOf(inv); err != nil {
			return nil, err
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	var inserted ascend
	err = t.do(statement{sql: insertInvitations, args: invitations.arrays(inLockOrder(rows)), rows: func(rows pgx.Rows) error {
		var added uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{(*id)(&added)}, func() error {
			inserted = append(inserted, added)
			return nil
		})
		return err
	}})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(inserted, compareIDs)
	if len(inserted) > 0 {
		t.wrote = true
		t.hold(ofInvitations, inserted...)
		t.fresh = t.fresh.union(inserted)
	}
	for _, r := range rows {
		if !inserted.has(r.ID) {
			conflicts = append(conflicts, r.ID)
			continue
		}
		t.replace(nil, r)
	}
	return conflicts, nil
}

// inLockOrder returns the rows in the order in which they are inserted. Who inserts an
// address or an identity waits for another one that has inserted it. So that two do not
// wait for each other, all insert in the order of the addresses, as far as no two of
// these rows exclude each other: of those the first one counts.
func inLockOrder(rows []*invitationRow) []*invitationRow {
	seen := make(map[uuid.UUID]bool, len(rows))
	for _, r := range rows {
		if r.IdentityID != uuid.Nil && seen[r.IdentityID] {
			return rows
		}
		seen[r.IdentityID] = true
	}
	return slices.SortedStableFunc(slices.Values(rows), func(a, b *invitationRow) int {
		return cmp.Or(cmp.Compare(a.Email, b.Email), cmp.Compare(a.SchemaID, b.SchemaID))
	})
}
