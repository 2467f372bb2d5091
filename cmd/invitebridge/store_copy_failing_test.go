package main

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/pgstore"
)

// failing is a target of which one step fails: Finish before it was done, because
// nothing follows it, the others afterwards.
type failing struct {
	copyTarget
	step   string
	before func() error // nil: the step fails; else it is called before the step
}

func (f failing) at(step string, do func() error) error {
	switch {
	case step != f.step:
		return do()
	case f.before != nil:
		if err := f.before(); err != nil {
			return err
		}
		return do()
	case step == "Finish":
		return errStep
	}
	if err := do(); err != nil {
		return err
	}
	return errStep
}

func (f failing) Begin(ctx context.Context, source pgstore.CopySource) (at pgstore.CopyPosition, err error) {
	err = f.at("Begin", func() (err error) { at, err = f.copyTarget.Begin(ctx, source); return err })
	return at, err
}

func (f failing) AddImport(ctx context.Context, r bridge.ImportRecord) error {
	return f.at("AddImport", func() error { return f.copyTarget.AddImport(ctx, r) })
}

func (f failing) AddImportRows(ctx context.Context, id uuid.UUID, list []bridge.ImportRow) error {
	return f.at("AddImportRows", func() error { return f.copyTarget.AddImportRows(ctx, id, list) })
}

func (f failing) AddIdempotentRequests(ctx context.Context, list []bridge.IdempotentRequest) error {
	return f.at("AddIdempotentRequests", func() error { return f.copyTarget.AddIdempotentRequests(ctx, list) })
}

func (f failing) Add(ctx context.Context, list []bridge.Record) error {
	return f.at("Add", func() error { return f.copyTarget.Add(ctx, list) })
}

func (f failing) Records(ctx context.Context, after uuid.UUID, limit int) (list []bridge.Record, err error) {
	err = f.at("Records", func() (err error) { list, err = f.copyTarget.Records(ctx, after, limit); return err })
	return list, err
}

func (f failing) Verified(ctx context.Context) error {
	return f.at("Verified", func() error { return f.copyTarget.Verified(ctx) })
}

func (f failing) Finish(ctx context.Context) error {
	return f.at("Finish", func() error { return f.copyTarget.Finish(ctx) })
}

// failingSeal is a source that is sealed, and whose caller does not learn of it.
type failingSeal struct {
	copySource
	step string
}

func (f failingSeal) Seal(movedTo string) error {
	err := f.copySource.Seal(movedTo)
	if err == nil && f.step == "Seal" {
		err = errStep
	}
	return err
}

var errStep = errors.New("this step fails")

// copyUntil copies, but one step fails after it was done.
func (c *copying) copyUntil(step string) error {
	return c.with(func(m *storeCopy) {
		m.to, m.from = failing{copyTarget: m.to, step: step}, failingSeal{m.from, step}
	})
}

func (c *copying) with(prepare func(*storeCopy)) error {
	from, err := boltstore.OpenExport(c.file, c.address)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := pgstore.OpenCopy(c.t.Context(), c.dsn())
	if err != nil {
		return err
	}
	defer to.Close()
	m := &storeCopy{from: from, to: to, address: c.address, io: stdio{out: c.t.Output(), err: c.t.Output()}}
	prepare(m)
	return m.run(c.t.Context())
}
