package main

import (
	"errors"
	"slices"
	"time"
)

// stage is what one section has started. The section closes it.
type stage struct {
	bench    *bench
	receiver *helper       // of email or webhooks; nil: none
	turn     time.Duration // length of a turn
	closers  []func() error
}

// atEnd makes close call fn, before what was added earlier.
func (s *stage) atEnd(fn func() error) { s.closers = append(s.closers, fn) }

func (s *stage) close() error {
	var errs []error
	for _, fn := range slices.Backward(s.closers) {
		errs = append(errs, fn())
	}
	return errors.Join(errs...)
}
