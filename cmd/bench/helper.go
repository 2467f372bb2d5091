package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"invitebridge/bridge/testenv"
)

// envHelper makes this program one of its own helpers: a server with a process of
// its own, so that its CPU time is reported separately.
const envHelper = "INVITEBRIDGE_BENCH_HELPER"

// helpers are the servers by name. Each serves l until the process exits.
var helpers = map[string]func(l net.Listener, c *counter) error{
	"kratos":   serveKratos,
	"mail":     serveMail,
	"webhooks": serveWebhooks,
}

// helper is such a process.
type helper struct {
	Address string // of the server, without a scheme
	Control string // URL
	cmd     *exec.Cmd
	stdin   io.Closer
}

// runHelper runs the helper that the environment names until its standard input
// ends, which it does with the parent. It returns false if none is named.
func runHelper() bool {
	serve := helpers[os.Getenv(envHelper)]
	if serve == nil {
		return false
	}
	if err := serveHelper(serve); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func serveHelper(serve func(net.Listener, *counter) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c := newCounter()
	failed := make(chan error, 3)
	go func() { failed <- serve(l, c) }()
	go func() { failed <- http.Serve(control, c) }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		failed <- err
	}()
	err = json.NewEncoder(os.Stdout).Encode(helper{Address: l.Addr().String(), Control: "http://" + control.Addr().String()})
	if err != nil {
		return err
	}
	return <-failed
}

// startHelper starts a helper by name.
func (s *stage) startHelper(name string) (*helper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &helper{cmd: exec.Command(self)}
	h.cmd.Env = append(os.Environ(), envHelper+"="+name)
	h.cmd.Stderr = os.Stderr
	stdin, inErr := h.cmd.StdinPipe()
	stdout, outErr := h.cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return nil, err
	}
	h.stdin = stdin
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	s.atEnd(h.stop)
	if err := json.NewDecoder(stdout).Decode(h); err != nil {
		return nil, fmt.Errorf("the helper %s did not start: %w", name, err)
	}
	return h, nil
}

func (h *helper) pid() int { return h.cmd.Process.Pid }

func (h *helper) stop() error {
	_ = h.stdin.Close()
	return h.cmd.Wait()
}

func (h *helper) ask(ctx context.Context, path string) ([]byte, error) {
	return request{method: http.MethodGet, url: h.Control + path, want: http.StatusOK}.send(ctx, "")
}

// count returns how much has arrived since the start.
func (h *helper) count(ctx context.Context) (int, error) { return h.arrived(ctx, 0) }

// await waits until n have arrived since the start. It returns an error if nothing
// more arrives for testenv.Limit.
func (h *helper) await(ctx context.Context, n int) error {
	latest, at := 0, time.Now()
	for {
		count, err := h.arrived(ctx, n)
		if count >= n || err != nil {
			return err
		}
		if count > latest {
			latest, at = count, time.Now()
		}
		if time.Since(at) > testenv.Limit {
			return fmt.Errorf("%d arrived, and %d did not", count, n-count)
		}
	}
}

// arrived waits a while until n have arrived since the start, and returns how many
// have.
func (h *helper) arrived(ctx context.Context, n int) (int, error) {
	text, err := h.ask(ctx, "/arrived?n="+strconv.Itoa(n))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(text))
}

// refuse makes a receiver of webhooks answer that it wants nothing more, or accept
// all again.
func (h *helper) refuse(ctx context.Context, on bool) error {
	_, err := h.ask(ctx, "/refuse?on="+strconv.FormatBool(on))
	return err
}

// tokens returns the invitation tokens that have arrived since the last call.
func (h *helper) tokens(ctx context.Context) ([]string, error) {
	text, err := h.ask(ctx, "/tokens")
	return strings.Fields(string(text)), err
}
