package kratostest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"invitebridge/bridge/testenv"
)

const (
	startTimeout = 2 * testenv.Limit // it migrates a database first
	pollEvery    = 20 * time.Millisecond
	callTimeout  = testenv.Limit // per request to Kratos
)

// Server is a real Kratos that runs as a child of this process. It exits with
// this process, reliably so only on Linux. Its methods are safe for concurrent
// use.
type Server struct {
	PublicURL string
	AdminURL  string

	rawAdmin
	http    *http.Client
	process *process
	tempDir string // removed by Stop; empty: none

	// flows serializes self-service flows: in parallel, SQLite answers
	// "database is locked".
	flows sync.Mutex
}

// Start builds Kratos if necessary, migrates its database, runs it with --dev
// on loopback, and returns once it is ready. ctx bounds only the start; the
// server then runs until Stop.
func Start(ctx context.Context, o Options) (*Server, error) {
	if short() {
		return nil, errShort
	}
	var err error
	o = o.withDefaults()
	s := &Server{http: &http.Client{Timeout: callTimeout}}
	if o.Binary == "" {
		if o.Binary, err = Build(ctx, o.Log); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "kratostest-"); err != nil {
			return nil, fmt.Errorf("kratostest: %w", err)
		}
		s.tempDir = o.Dir
	}
	if err = s.start(ctx, o); err != nil {
		_ = s.Stop() // err is the cause
		return nil, fmt.Errorf("kratostest: %w", err)
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, o Options) (err error) {
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if strings.ContainsAny(o.Dir, "?#%") {
		return fmt.Errorf("the directory path %s must not contain ?, # or %%, because it becomes part of a database URL", o.Dir)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	setDefault(&o.DSN, sqliteDSN(o.Dir))
	if err := migrate(ctx, o); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	// A port that was free a moment ago may be taken by now: try others, unless
	// both were requested.
	for attempt := 1; ; attempt++ {
		err := s.serve(ctx, o)
		chosen := o.PublicPort == 0 || o.AdminPort == 0
		if err == nil || attempt == 3 || !chosen || !strings.Contains(err.Error(), "address already in use") {
			return err
		}
	}
}

func migrate(ctx context.Context, o Options) error {
	p, err := startProcess(o.Log, o.environment(), o.Binary, "migrate", "sql", "-e", "--yes")
	if err != nil {
		return err
	}
	return p.wait(ctx)
}

// environment returns the environment of Kratos. Kratos reads any setting from
// it, so a developer's settings for another Kratos must not leak in.
func (o Options) environment() []string {
	env := []string{"DSN=" + o.DSN, "LOG_LEVEL=" + o.LogLevel, "SQA_OPT_OUT=true"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, o.Env...)
}

func (s *Server) serve(ctx context.Context, o Options) (err error) {
	if o.PublicPort == 0 {
		if o.PublicPort, err = freePort(o.AdminPort); err != nil {
			return err
		}
	}
	if o.AdminPort == 0 {
		if o.AdminPort, err = freePort(o.PublicPort); err != nil {
			return err
		}
	}
	configs, err := writeConfig(o)
	if err != nil {
		return err
	}
	args := []string{"serve", "--dev"}
	if o.Courier {
		args = append(args, "--watch-courier")
	}
	for _, path := range configs {
		args = append(args, "-c", path)
	}
	s.PublicURL, s.AdminURL = o.publicURL(), loopback(o.AdminPort)
	s.rawAdmin = rawAdmin{send: s.sendAdmin}
	s.process, err = startProcess(o.Log, o.environment(), o.Binary, args...)
	if err != nil {
		return err
	}
	for _, address := range []string{s.AdminURL + "/admin/health/ready", s.PublicURL + "/health/ready"} {
		if err := s.awaitReady(ctx, address); err != nil {
			return err
		}
	}
	return nil
}

// awaitReady polls until the server is ready. The exit of the child takes
// precedence over a response: on a taken port, another server responds.
func (s *Server) awaitReady(ctx context.Context, address string) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		ready := s.ready(ctx, address)
		select {
		case <-s.process.done:
			return fmt.Errorf("%w: %w", errExited, s.process.exitError())
		default:
		}
		if ready {
			return nil
		}
		select {
		case <-poll.C:
		case <-s.process.done:
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w\n%s", ctx.Err(), s.process.output)
		}
	}
}

func (s *Server) ready(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	res, err := s.http.Do(r)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// PID returns the process id of Kratos, which leads a process group of its own.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// Stop stops Kratos, waits for it to exit, and removes a temporary Dir. It may
// be called twice. It returns an error if Kratos had exited by itself, with the
// end of its output, or if the directory could not be removed.
func (s *Server) Stop() error {
	var errs []error
	if s.process != nil {
		errs = append(errs, s.process.close())
	}
	s.http.CloseIdleConnections()
	if s.tempDir != "" {
		errs = append(errs, os.RemoveAll(s.tempDir))
	}
	return errors.Join(errs...)
}
