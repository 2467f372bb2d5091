package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

var update = flag.Bool("update", false, "update the expected output in testdata/script")

// TestScripts runs the scripts in testdata/script, which specify the client
// commands, each against its own bridge. They add these commands to the usual
// ones:
//
//	invitebridge ARG...       run the program; its output is scrubbed, see scrubber
//	code N                    check the exit code of the last run
//	answer TEXT               what standard input has for the next run
//	input FILE                likewise, from a file
//	database                  set INVITEBRIDGE_DSN to an empty database
//	until N invitebridge ...  repeat until it prints N lines
//	xargs invitebridge ...    run it with the last output as additional arguments
//	hook N                    answer webhooks with status N from now on
//	kratos METHOD PATH BODY   call Kratos' admin API
//	kratos-down               make Kratos unavailable from now on
//	accepting                 accept with the last printed token; Kratos does not
//	                          respond until the script ends
//
// The variable ID1 holds the id that the output shows as ...0001, and so on.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script") }

// TestDatabaseScripts runs the scripts in testdata/postgres likewise. They need
// PostgreSQL.
func TestDatabaseScripts(t *testing.T) {
	kratostest.SharedPostgres(t)
	runScripts(t, "testdata/postgres")
}

func runScripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:                dir,
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Setup:              startScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"invitebridge": func(ts *testscript.TestScript, neg bool, args []string) { scriptOf(ts).show(ts, neg, args) },
			"answer": func(ts *testscript.TestScript, _ bool, args []string) {
				scriptOf(ts).in = strings.NewReader(args[0] + "\n")
			},
			"input": func(ts *testscript.TestScript, _ bool, args []string) {
				scriptOf(ts).in = strings.NewReader(ts.ReadFile(args[0]))
			},
			"code":  func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).wantCode(ts, args) },
			"until": func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).until(ts, args) },
			"xargs": func(ts *testscript.TestScript, neg bool, args []string) {
				s := scriptOf(ts)
				s.show(ts, neg, append(args[1:], strings.Fields(s.out)...))
			},
			"hook": func(ts *testscript.TestScript, _ bool, args []string) {
				status, err := strconv.Atoi(args[0])
				ts.Check(err)
				scriptOf(ts).hook.Store(int64(status))
			},
			"kratos": func(ts *testscript.TestScript, _ bool, args []string) {
				if status, answer := scriptOf(ts).kratos.Do(args[0], args[1], args[2]); status >= http.StatusBadRequest {
					ts.Fatalf("Kratos answered %d %s", status, answer)
				}
			},
			"database": func(ts *testscript.TestScript, _ bool, _ []string) {
				dsn, err := kratostest.SharedPostgres(t).NewDatabase(context.Background())
				ts.Check(err)
				ts.Setenv(envDSN, dsn)
			},
			"accepting":   func(ts *testscript.TestScript, _ bool, _ []string) { scriptOf(ts).accepting(ts) },
			"kratos-down": func(ts *testscript.TestScript, _ bool, _ []string) { scriptOf(ts).kratos.Down() },
		},
	})
}

// script is a running script.
type script struct {
	scrubber
	kratos *kratostest.Fake
	hook   atomic.Int64
	in     io.Reader // nil: not a terminal
	code   int       // of the last run
	out    string    // of the last run, not scrubbed
}

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

func startScript(env *testscript.Env) error {
	t := env.T().(testing.TB)
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		return err
	}
	t.Cleanup(kratos.Close)
	s := &script{kratos: kratos}
	s.hook.Store(http.StatusNoContent)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(s.hook.Load())) }))
	t.Cleanup(hook.Close)
	b := startBridge(t, &kratostest.Server{PublicURL: kratos.URL, AdminURL: kratos.URL},
		"kratos: { schema_id: "+kratostest.DefaultSchema+" }",
		"hooks: [ { id: crm, url: "+hook.URL+", events: [ invitation_token_created, invitation_revoked ] } ]")
	s.fixed = []string{b.admin, "http://ADMIN", b.public, "http://PUBLIC", hook.URL, "http://OTHER"}
	env.Values[scriptKey{}] = s
	env.Setenv(envAdminURL, b.admin)
	env.Setenv(envAPIKey, key)
	env.Setenv("PUBLIC", b.public)
	env.Setenv("OTHER", hook.URL)
	env.Setenv("KRATOS", kratos.URL)
	return nil
}

// run runs the program with only the environment variables of the script. The
// output is not scrubbed.
func (s *script) run(ts *testscript.TestScript, args []string) (out, errs string) {
	var environ []string
	for _, name := range []string{envAdminURL, envAPIKey, envBasePath} {
		environ = append(environ, name+"="+ts.Getenv(name))
	}
	if dsn := ts.Getenv(envDSN); dsn != "" {
		environ = append(environ, envDSN+"="+dsn)
	}
	var stdout, stderr bytes.Buffer
	s.code = run(context.Background(), args, environ, stdio{out: &stdout, err: &stderr, in: s.in})
	s.in = nil
	s.out = stdout.String()
	for _, secret := range []string{key, ts.Getenv(envAPIKey)} {
		if secret != "" && strings.Contains(s.out+stderr.String(), secret) {
			ts.Fatalf("the API key was printed:\n%s%s", &stdout, &stderr)
		}
	}
	return s.out, stderr.String()
}

func (s *script) show(ts *testscript.TestScript, neg bool, args []string) {
	out, errs := s.run(ts, args)
	_, _ = ts.Stdout().Write([]byte(s.scrub(ts, out)))
	_, _ = ts.Stderr().Write([]byte(s.scrub(ts, errs)))
	for token := range s.tokens {
		if strings.Contains(errs, token) {
			ts.Fatalf("a token is on stderr:\n%s", errs)
		}
	}
	if neg != (s.code != exitOK) {
		ts.Fatalf("exit code %d", s.code)
	}
}

func (s *script) until(ts *testscript.TestScript, args []string) {
	lines, err := strconv.Atoi(args[0])
	ts.Check(err)
	for begin := time.Now(); ; {
		out, errs := s.run(ts, args[2:])
		if s.code != exitOK {
			ts.Fatalf("exit code %d: %s", s.code, errs)
		}
		if strings.Count(out, "\n") == lines {
			_, _ = ts.Stdout().Write([]byte(s.scrub(ts, out)))
			return
		}
		if time.Since(begin) > testenv.Limit {
			ts.Fatalf("not %d lines in time, but:\n%s", lines, out)
		}
	}
}

func (s *script) wantCode(ts *testscript.TestScript, args []string) {
	if want := args[0]; strconv.Itoa(s.code) != want {
		ts.Fatalf("exit code %d, want %s", s.code, want)
	}
}

// accepting starts an acceptance that Kratos holds until the script ends.
func (s *script) accepting(ts *testscript.TestScript) {
	body := fmt.Sprintf(`{"invitation_token":%q,"password":%q}`, linkPattern.FindStringSubmatch(s.out)[1], password)
	arrived, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s.kratos.Inject(kratostest.Fault{
		Method: http.MethodPut, Route: kratostest.RouteIdentity, Times: 1, Arrived: func() { close(arrived) }, Hold: release,
	})
	go func() {
		defer close(done)
		res, err := http.Post(ts.Getenv("PUBLIC")+base+"/confirm", "application/json", strings.NewReader(body))
		if err == nil {
			_ = res.Body.Close()
		}
	}()
	ts.Defer(func() { close(release); <-done })
	select {
	case <-arrived:
	case <-done:
		ts.Fatalf("the acceptance ended before Kratos was called")
	}
}
