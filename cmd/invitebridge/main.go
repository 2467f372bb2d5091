// Command invitebridge gives teams that run Ory Kratos invitations.
//
// This package alone knows every other one; serve.go is where they meet.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	// The image of the bridge has no files of time zones.
	_ "time/tzdata"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Environ(), stdio{os.Stdout, os.Stderr}))
}
