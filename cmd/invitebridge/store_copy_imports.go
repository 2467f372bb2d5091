package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/pgstore"
)

// copyImports stores all imports after a position. They come before the invitations, so
// a copy that has some of these has all imports.
func (c *storeCopy) copyImports(ctx context.Context, at pgstore.CopyPosition) error {
	if at.Import != uuid.Nil {
		if err := c.copyImportRows(ctx, at.Import, at.Row); err != nil {
			return err
		}
	}
	for after := at.Import; ; {
		list, err := c.from.Imports(ctx, after)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, r := range list {
			if err := c.to.AddImport(ctx, r); err != nil {
				return err
			}
			if err := c.copyImportRows(ctx, r.Import.ID, 0); err != nil {
				return err
			}
			after = r.Import.ID
		}
	}
}

func (c *storeCopy) copyImportRows(ctx context.Context, id uuid.UUID, from int) error {
	copied, next := 0, progressEvery
	for {
		list, err := c.from.ImportRows(ctx, id, from)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := c.to.AddImportRows(ctx, id, list); err != nil {
			return err
		}
		from = list[len(list)-1].Index + 1
		if copied += len(list); copied >= next {
			fmt.Fprintf(c.io.err, "copied %d rows of import %s\n", copied, id)
			next += progressEvery
		}
	}
}

// copyRequests stores all records of requests after a position.
func (c *storeCopy) copyRequests(ctx context.Context, at pgstore.CopyPosition) error {
	for after := at.Request; ; {
		list, err := c.from.IdempotentRequests(ctx, after)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := c.to.AddIdempotentRequests(ctx, list); err != nil {
			return err
		}
		after = &list[len(list)-1].Key
	}
}

// verifyImports compares all imports with their rows.
func (c *storeCopy) verifyImports(ctx context.Context, v *verifier) error {
	for after := uuid.Nil; ; {
		list, err := c.from.Imports(ctx, after)
		if err != nil {
			return err
		}
		copied, err := c.to.Imports(ctx, after, max(len(list), 1))
		if err == nil {
			err = compareBatch(v, list, copied, fmt.Sprintf("at the imports after %s", after))
		}
		if err != nil || len(list) == 0 {
			return err
		}
		for _, r := range list {
			c.counts.AddImport(r)
			if err := c.verifyImportRows(ctx, v, r.Import.ID); err != nil {
				return err
			}
			after = r.Import.ID
		}
	}
}

func (c *storeCopy) verifyImportRows(ctx context.Context, v *verifier, id uuid.UUID) error {
	for from := 0; ; {
		list, err := c.from.ImportRows(ctx, id, from)
		if err != nil {
			return err
		}
		copied, err := c.to.ImportRows(ctx, id, from, max(len(list), 1))
		if err == nil {
			err = compareBatch(v, list, copied, fmt.Sprintf("at import %s, from row %d", id, from))
		}
		if err != nil || len(list) == 0 {
			return err
		}
		c.counts.ImportRows += len(list)
		from = list[len(list)-1].Index + 1
	}
}

// verifyRequests compares all records of requests.
func (c *storeCopy) verifyRequests(ctx context.Context, v *verifier) error {
	for after := (*bridge.Digest)(nil); ; {
		list, err := c.from.IdempotentRequests(ctx, after)
		if err != nil {
			return err
		}
		copied, err := c.to.IdempotentRequests(ctx, after, max(len(list), 1))
		if err == nil {
			err = compareBatch(v, list, copied, "at the idempotency keys")
		}
		if err != nil || len(list) == 0 {
			return err
		}
		c.counts.Requests += len(list)
		after = &list[len(list)-1].Key
	}
}
