// Command demo runs the bridge on this machine: it builds and starts a real Kratos
// with self-service pages, starts the bridge next to it, sends two invitations
// through, and keeps everything running until it is interrupted.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"invitebridge/cmd/demo/selfservice"
	"invitebridge/kratos/kratostest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// The ports are the defaults of Kratos and of the bridge, so that the printed
// commands work as they are.
const (
	kratosPublic = 4433
	kratosAdmin  = 4434
	public       = "http://127.0.0.1:4488/api/v1/invite"
	admin        = "http://127.0.0.1:4489/api/v1/invite"
	// Browsers permit passkeys for a name, and not for an IP address.
	kratosHost = "localhost"
	kratosURL  = "http://" + kratosHost + ":4433"
	pages      = "http://" + kratosHost + ":4455" // of Kratos, as in Ory's quickstart
)

// free checks that the ports are unused: otherwise the invitation could go to a
// Kratos that is in real use.
func free(ctx context.Context) error {
	for _, port := range []string{"4433", "4434", "4455", "4488", "4489"} {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+port)
		if err != nil {
			return fmt.Errorf("port %s is in use, perhaps by another Kratos or bridge; stop it first (%w)", port, err)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// sessionTokens makes Kratos return a session token to native apps that submit a
// recovery code.
const sessionTokens = "feature_flags: { use_continue_with_transitions: true }\n"

func demo(ctx context.Context) error {
	if err := free(ctx); err != nil {
		return err
	}
	say("Building Kratos from source. This takes a minute or two the first time.")
	if err := buildKratos(ctx); err != nil {
		return err
	}
	say("Starting a mail server, a webhook receiver, and Kratos with SQLite and self-service pages.")
	receivers, err := startReceivers(ctx)
	if err != nil {
		return err
	}
	defer receivers.stop()
	server, err := kratostest.Start(ctx, kratostest.Options{
		Host: kratosHost, PublicPort: kratosPublic, AdminPort: kratosAdmin,
		Courier: true, Config: selfservice.Configuration(pages, receivers.mailbox.URI()) + sessionTokens,
	})
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	ui, err := startPages(ctx, server.PublicURL)
	if err != nil {
		return err
	}
	defer ui.Close()
	say("Starting the bridge: invitebridge serve --dev")
	bridge, err := startBridge(ctx, receivers)
	if err != nil {
		return err
	}
	defer bridge.stop()
	if err := walk(ctx, bridge.key, receivers); err != nil {
		return err
	}
	invitation(bridge.key)
	go receivers.follow(ctx)
	select {
	case <-ctx.Done():
		say("Stopping.")
		return nil
	case err := <-bridge.ended:
		return fmt.Errorf("the bridge exited: %w", err)
	}
}

// startPages serves the self-service pages, which are not part of Kratos.
func startPages(ctx context.Context, kratos string) (*http.Server, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:4455")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: selfservice.New(kratos, kratos), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	return server, nil
}

// buildKratos builds Kratos and prints progress while the compiler is silent.
func buildKratos(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		_, err := kratostest.Build(ctx, os.Stderr)
		done <- err
	}()
	start := time.Now()
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ticker.C:
			fmt.Printf("   … still building, %s\n", time.Since(start).Round(time.Second))
		}
	}
}

func say(text string) { fmt.Println("==", text) }

// invitation prints what to do next.
func invitation(key string) {
	fmt.Printf(`
== Your turn. Invite yourself:

export KEY=%s
curl -s %s/ -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"email":"you@example.com"}'

The email appears here. Open its link in a browser. Choose a password, continue and sign in;
or choose another way and add a passkey: you are signed in already.
%s says who is signed in. Emails with recovery codes appear here too.

Ctrl-C stops everything.
`, key, admin, pages)
}
