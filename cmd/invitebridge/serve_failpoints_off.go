//go:build !failpoints

package main

import (
	"context"
	"net/http"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/importer"
	"invitebridge/bridge/outbox"
)

// failpoints does nothing in release builds. See serve_failpoints.go for builds
// that test crash recovery.
type failpoints struct{}

func newFailpoints() failpoints { return failpoints{} }

func wallClock() time.Time { return time.Now() }

func (failpoints) identities(next bridge.Identities) bridge.Identities        { return next }
func (failpoints) hooks(next bridge.Hooks) bridge.Hooks                       { return next }
func (failpoints) sender(next bridge.Sender) bridge.Sender                    { return next }
func (failpoints) imports(next importer.Imports) importer.Imports             { return next }
func (failpoints) store(next bridge.Store) bridge.Store                       { return next }
func (failpoints) queue(next outbox.Queue) outbox.Queue                       { return next }
func (failpoints) handler(next http.Handler) http.Handler                     { return next }
func (failpoints) codeLifespan(d time.Duration) time.Duration                 { return d }
func (failpoints) sweep(ctx context.Context) context.Context                  { return ctx }
func (failpoints) headers(next func(context.Context, http.Header)) setHeaders { return next }
