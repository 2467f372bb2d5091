package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// bridge is a running "invitebridge serve --dev" process.
type bridge struct {
	key   string
	ended chan error
	cmd   *exec.Cmd
	dir   string
}

const startTimeout = 2 * time.Minute

// configuration sets the addresses for browsers, how invitees accept, the mail server
// and the webhook receiver; --dev does the rest.
const configuration = `
kratos: { public_url: "` + kratosURL + `" }
selfservice: { flows: { settings: { ui_url: "` + pages + `/settings" } } }
invitation: { accept_with: [ password, kratos ] }
courier:
  smtp: { connection_uri: "%s", from_address: invitations@example.com, from_name: Example }
hooks:
  - id: crm
    events: [invitation_token_created, post_password_creation, invitation_revoked, invitation_expired]
    url: %s
    secrets: [ %s ]
`

// startBridge builds and starts the bridge, and reads the API key that it prints.
func startBridge(ctx context.Context, r *receivers) (*bridge, error) {
	dir, err := os.MkdirTemp("", "invitebridge-demo-")
	if err != nil {
		return nil, err
	}
	b := &bridge{dir: dir, ended: make(chan error, 1)}
	binary := filepath.Join(dir, "invitebridge")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/invitebridge")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		b.stop()
		return nil, fmt.Errorf("building the bridge: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "invitebridge.log"))
	if err != nil {
		b.stop()
		return nil, err
	}
	defer log.Close()
	file := filepath.Join(dir, "invitebridge.yml")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(configuration, r.mailbox.URI(), r.hookURL, r.secret)), 0o600); err != nil {
		b.stop()
		return nil, err
	}
	b.cmd = exec.Command(binary, "serve", "--dev", "-c", file)
	b.cmd.Stderr = log
	// Ctrl-C in a terminal reaches the whole process group, but the bridge must be
	// stopped by stop, before Kratos.
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := b.cmd.StdoutPipe()
	if err == nil {
		err = b.cmd.Start()
	}
	if err != nil {
		b.cmd = nil
		b.stop()
		return nil, err
	}
	keys := make(chan string, 1)
	go b.follow(out, keys)
	select {
	case b.key = <-keys:
		return b, nil
	case err := <-b.ended:
		text, _ := os.ReadFile(log.Name())
		b.cmd = nil
		b.stop()
		return nil, fmt.Errorf("the bridge did not start: %w\n%s", err, text)
	case <-time.After(startTimeout):
		b.stop()
		return nil, errors.New("the bridge did not start in time")
	}
}

// follow prints the bridge's output until it exits.
func (b *bridge) follow(out io.Reader, keys chan<- string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if key, ok := strings.CutPrefix(lines.Text(), "API key: "); ok {
			keys <- key
			continue
		}
		fmt.Println("  ", lines.Text())
	}
	b.ended <- b.cmd.Wait()
}

// stop stops the process, waits for it, and removes its files.
func (b *bridge) stop() {
	if b.cmd != nil {
		_ = b.cmd.Process.Signal(syscall.SIGTERM)
		if err := <-b.ended; err != nil {
			fmt.Println("  ", "the bridge exited:", err)
		}
	}
	_ = os.RemoveAll(b.dir)
}
