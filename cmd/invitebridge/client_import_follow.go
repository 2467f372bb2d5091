package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// Pauses between two looks at an import. They grow while nothing changes.
const (
	shortPoll = 100 * time.Millisecond
	longPoll  = 5 * time.Second
	// unavailableFor is how long a bridge may be unavailable, as while it restarts.
	unavailableFor = 5 * time.Minute
)

// follow waits until an import ends or is paused, prints it, and writes the rows that
// failed beside file; nil: it does not write them.
func (s *session) follow(ctx context.Context, v bridge.ImportView, progress *progress, file *rowFile) error {
	if changes(v) {
		progress.note("Import " + v.ID.String() + ": Ctrl-C ends this command, not the import.")
	}
	v, err := s.await(ctx, v, progress)
	progress.end()
	if err != nil {
		if s.quiet || s.format != formatTable {
			err = errors.Join(printOne(s.presenter, v), err)
		}
		return err
	}
	if err := printOne(s.presenter, v); err != nil {
		return err
	}
	return s.importEnd(ctx, v, file)
}

// await returns an import when it no longer changes by itself, or as it was last seen.
func (s *session) await(ctx context.Context, v bridge.ImportView, progress *progress) (bridge.ImportView, error) {
	seen := time.Now()
	for pause := shortPoll; ; {
		progress.show(v)
		if !changes(v) {
			return v, nil
		}
		select {
		case <-ctx.Done():
			return v, interruptedFollow(v)
		case <-time.After(pause):
		}
		next, err := s.client.GetImport(ctx, v.ID)
		switch {
		case ctx.Err() != nil:
			return v, interruptedFollow(v)
		case err == nil:
			pause = nextPause(pause, next.UpdatedAt.Equal(v.UpdatedAt))
			v, seen = next, time.Now()
		case isTemporary(err) && time.Since(seen) < unavailableFor:
			pause = nextPause(pause, true)
			progress.unavailable(v)
		default:
			return v, s.explain(err)
		}
	}
}

// changes reports whether an import changes by itself.
func changes(v bridge.ImportView) bool {
	switch v.State {
	case bridge.ImportLoading, bridge.ImportRunning, bridge.ImportCanceling:
		return true
	case bridge.ImportPaused, bridge.ImportFinished, bridge.ImportCanceled:
	}
	return false
}

func nextPause(pause time.Duration, unchanged bool) time.Duration {
	if !unchanged {
		return min(pause*2, time.Second)
	}
	return min(pause*2, longPoll)
}

func interruptedFollow(v bridge.ImportView) error {
	return explained{context.Canceled, "interrupted; the import continues\n" +
		"  hint: " + commandOf("get import", v.ID) + " --follow shows it again, " + commandOf("pause import", v.ID) + " stops it"}
}

// isTemporary reports whether the bridge may be available again soon.
func isTemporary(err error) bool {
	var refused *httpapi.Error
	return !errors.As(err, &refused) || refused.Status >= http.StatusInternalServerError || refused.Status == http.StatusTooManyRequests
}
