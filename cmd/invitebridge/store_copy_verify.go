package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// verifier collects the checksums of all that was compared.
type verifier struct{ all hash.Hash }

// checksummed is what is copied and compared.
type checksummed interface {
	Checksum() ([sha256.Size]byte, error)
}

// compareBatch compares what both stores return at one place, in the same order.
func compareBatch[T checksummed](v *verifier, list, copied []T, where string) error {
	if len(copied) != len(list) {
		return errCopyDiffers(where)
	}
	for i := range list {
		want, err := list[i].Checksum()
		if err != nil {
			return err
		}
		got, err := copied[i].Checksum()
		if err != nil {
			return err
		}
		if got != want {
			return errCopyDiffers(where)
		}
		_, _ = v.all.Write(want[:]) // a hash returns no error
	}
	return nil
}

// verify compares all that was copied, the numbers of rows, and the backlogs. It
// returns the SHA-256 of the checksums of all.
func (c *storeCopy) verify(ctx context.Context) (sum []byte, err error) {
	v := &verifier{sha256.New()}
	c.counts, c.claims = bridge.RecordCounts{}, 0
	for _, step := range []func(context.Context, *verifier) error{c.verifyImports, c.verifyRequests, c.verifyRecords} {
		if err := step(ctx, v); err != nil {
			return nil, err
		}
	}
	return v.all.Sum(nil), c.compareTotals(ctx)
}

// verifyRecords compares all invitations with their tokens and messages.
func (c *storeCopy) verifyRecords(ctx context.Context, v *verifier) error {
	for after := uuid.Nil; ; {
		list, err := c.from.Records(ctx, after)
		if err != nil {
			return err
		}
		copied, err := c.to.Records(ctx, after, max(len(list), 1))
		if err == nil {
			err = compareBatch(v, list, copied, fmt.Sprintf("at the invitations after %s", after))
		}
		if err != nil || len(list) == 0 {
			return err
		}
		for _, r := range list {
			c.counts.Add(r)
			if r.Invitation.Claim != nil {
				c.claims++
			}
			after = r.Invitation.ID
		}
	}
}
