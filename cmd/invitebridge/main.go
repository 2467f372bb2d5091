// Command invitebridge adds invitations to Ory Kratos: it runs the server, and
// it is the command line client of the admin API.
//
// Only this package imports all others; serve.go connects them.
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
	os.Exit(run(ctx, os.Args[1:], os.Environ(), stdio{out: os.Stdout, err: os.Stderr, in: os.Stdin}))
}
