package pgstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// clearing are the statements that delete some of what was copied, and those that
// subtract their number from what the copy has counted.
var clearing = []struct{ deleteSome, subtract string }{
	{`DELETE FROM invitebridge.import_rows WHERE (import_id, index) IN
		(SELECT import_id, index FROM invitebridge.import_rows ORDER BY import_id, index LIMIT 5000)`, subtractOthers},
	{`DELETE FROM invitebridge.imports WHERE id IN
		(SELECT id FROM invitebridge.imports ORDER BY id LIMIT 1000)`, subtractOthers},
	{`DELETE FROM invitebridge.idempotency_keys WHERE digest IN
		(SELECT digest FROM invitebridge.idempotency_keys ORDER BY digest LIMIT 5000)`, subtractOthers},
	{`DELETE FROM invitebridge.invitations WHERE id IN
		(SELECT id FROM invitebridge.invitations ORDER BY id LIMIT 1000)`, subtractInvitations},
}

const (
	subtractInvitations = "UPDATE invitebridge.copies SET invitations = invitations - $1"
	subtractOthers      = "UPDATE invitebridge.copies SET others = others - $1"
)

// clear deletes what was copied. Interrupted, it is repeated by the next Begin.
func (c *Copy) clear(ctx context.Context) error {
	for _, kind := range clearing {
		for more := true; more; {
			err := c.transaction(ctx, func(tx pgx.Tx) error {
				tag, err := tx.Exec(ctx, kind.deleteSome)
				if more = err == nil && tag.RowsAffected() > 0; more {
					_, err = tx.Exec(ctx, kind.subtract, tag.RowsAffected())
				}
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	err := c.transaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, clearCounters); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, clearCopy, argID(c.source.ID), c.source.Version)
		return err
	})
	if err == nil {
		c.last = uuid.Nil
	}
	return err
}
