package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/pgstore"
)

// copyStore copies the store file to the database and seals it.
func copyStore(ctx context.Context, file, dsn string, io stdio) (err error) {
	address, err := pgstore.DSNAddress(dsn)
	if err != nil {
		return dsnError(err)
	}
	from, err := boltstore.OpenExport(file, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := pgstore.OpenCopy(ctx, dsn)
	if err != nil {
		return dsnError(err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return (&storeCopy{from: from, to: to, address: address, io: io}).run(ctx)
}

// copySource is the store that is copied. See [boltstore.Export].
type copySource interface {
	copiedStore
	Header() boltstore.Header
	Version(ctx context.Context) (int64, error)
	Imports(ctx context.Context, after uuid.UUID) ([]bridge.ImportRecord, error)
	ImportRows(ctx context.Context, id uuid.UUID, from int) ([]bridge.ImportRow, error)
	IdempotentRequests(ctx context.Context, after *bridge.Digest) ([]bridge.IdempotentRequest, error)
	Records(ctx context.Context, after uuid.UUID) ([]bridge.Record, error)
	Seal(movedTo string) error
}

// copyTarget is where it is copied to. See [pgstore.Copy].
type copyTarget interface {
	copiedStore
	Begin(ctx context.Context, source pgstore.CopySource) (pgstore.CopyPosition, error)
	AddImport(ctx context.Context, r bridge.ImportRecord) error
	AddImportRows(ctx context.Context, id uuid.UUID, list []bridge.ImportRow) error
	AddIdempotentRequests(ctx context.Context, list []bridge.IdempotentRequest) error
	Add(ctx context.Context, list []bridge.Record) error
	Imports(ctx context.Context, after uuid.UUID, limit int) ([]bridge.ImportRecord, error)
	ImportRows(ctx context.Context, id uuid.UUID, from, limit int) ([]bridge.ImportRow, error)
	IdempotentRequests(ctx context.Context, after *bridge.Digest, limit int) ([]bridge.IdempotentRequest, error)
	Records(ctx context.Context, after uuid.UUID, limit int) ([]bridge.Record, error)
	Verified(ctx context.Context) error
	Finish(ctx context.Context) error
}

// copiedStore is what both can do.
type copiedStore interface {
	View(ctx context.Context, fn func(bridge.Tx) error) error
	Count(ctx context.Context) (bridge.RecordCounts, error)
}

// storeCopy moves a store. At no time can bridges use both: the source is sealed
// before the target is released. Each step can be repeated.
type storeCopy struct {
	from    copySource
	to      copyTarget
	address string // of the target
	io      stdio

	counts bridge.RecordCounts // of all records
	claims int                 // acceptances in progress
}

// progressEvery is after how many invitations the command says how far it is.
const progressEvery = 10_000

func (c *storeCopy) run(ctx context.Context) error {
	version, err := c.from.Version(ctx)
	if err != nil {
		return err
	}
	sealed := c.from.Header().MovedTo == c.address
	at, err := c.to.Begin(ctx, pgstore.CopySource{ID: c.from.Header().InstanceID, Version: version, Sealed: sealed})
	switch {
	case errors.Is(err, pgstore.ErrAlreadyCopied) && sealed:
		_, err = fmt.Fprintf(c.io.out, "the store is in %s already\n", c.address)
		return err
	case err != nil:
		return dsnError(err)
	}
	if err := c.move(ctx, at, sealed); err != nil {
		return fmt.Errorf("the move is not complete, and serve refuses the database until it is; run the command again to continue: %w", err)
	}
	return nil
}

func (c *storeCopy) move(ctx context.Context, at pgstore.CopyPosition, sealed bool) error {
	switch {
	case at.Invitation != uuid.Nil:
		fmt.Fprintf(c.io.err, "continues after invitation %s\n", at.Invitation)
	case at.Import != uuid.Nil:
		fmt.Fprintf(c.io.err, "continues at row %d of import %s\n", at.Row, at.Import)
	}
	for _, step := range []func(context.Context, pgstore.CopyPosition) error{c.copyImports, c.copyRequests, c.copy} {
		if err := step(ctx, at); err != nil {
			return err
		}
	}
	sum, err := c.verify(ctx)
	if err != nil {
		return err
	}
	if err := c.to.Verified(ctx); err != nil {
		return err
	}
	if !sealed {
		if err := c.from.Seal(c.address); err != nil {
			return err
		}
	}
	if err := c.to.Finish(ctx); err != nil {
		return err
	}
	if c.claims > 0 {
		fmt.Fprintf(c.io.err, "acceptances in progress: %d. The next bridge reads their identities in Kratos and completes or releases them\n", c.claims)
	}
	_, err = fmt.Fprintf(c.io.out, "copied to %s: invitations %d, tokens %d, messages %d, history %d, imports %d with rows %d, idempotency keys %d\n"+
		"compared each row; SHA-256 of all: %x\nsealed the store file: serve refuses it from now on\n",
		c.address, c.counts.Invitations, c.counts.Tokens, c.counts.Messages, c.counts.History, c.counts.Imports, c.counts.ImportRows, c.counts.Requests, sum)
	return err
}

// copy stores all records after the last one.
func (c *storeCopy) copy(ctx context.Context, at pgstore.CopyPosition) error {
	copied, next := 0, progressEvery
	for last := at.Invitation; ; {
		list, err := c.from.Records(ctx, last)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := c.to.Add(ctx, list); err != nil {
			return err
		}
		last = list[len(list)-1].Invitation.ID
		if copied += len(list); copied >= next {
			fmt.Fprintf(c.io.err, "copied %d invitations\n", copied)
			next += progressEvery
		}
	}
}

// compareTotals compares what the stores themselves count.
func (c *storeCopy) compareTotals(ctx context.Context) error {
	var backlogs [2]bridge.Backlog
	for i, s := range []copiedStore{c.from, c.to} {
		n, err := s.Count(ctx)
		if err != nil {
			return err
		}
		if n != c.counts {
			return errCopyDiffers(fmt.Sprintf("in the numbers of rows: %+v and %+v", n, c.counts))
		}
		err = s.View(ctx, func(tx bridge.Tx) (err error) {
			backlogs[i], err = tx.Backlog()
			return err
		})
		if err != nil {
			return err
		}
	}
	a, b := backlogs[0], backlogs[1]
	if a.Pending != b.Pending || a.Queued != b.Queued || !a.Oldest.Equal(b.Oldest) {
		return errCopyDiffers(fmt.Sprintf("in the backlog: %+v and %+v", a, b))
	}
	return nil
}

func errCopyDiffers(where string) error {
	return fmt.Errorf("the copy differs from the store file %s: something else has written to the database; use another one", where)
}
