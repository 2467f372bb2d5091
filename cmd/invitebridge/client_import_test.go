package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
)

// trigger is a stderr that calls do when it has some text for the first time.
type trigger struct {
	bytes.Buffer
	text string
	once sync.Once
	do   func()
}

func (w *trigger) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.once.Do(w.do)
	}
	return n, err
}

func clientEnv(admin string) []string {
	return []string{envAdminURL + "=" + admin, envAPIKey + "=" + key}
}

// runClient runs a client command to its end.
func runClient(t *testing.T, admin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, clientEnv(admin), stdio{out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

func writePeople(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "people.csv")
	write(t, file, "email\nada@example.com\nbob@example.com\n")
	return file
}

var farAway = []string{"--start-at", "2099-01-01T00:00:00Z"}

// TestInterruptedFollow: an interrupt ends the command, not the import, and says how to
// see it again. With a format for programs, they get the import.
func TestInterruptedFollow(t *testing.T) {
	b := startFakeBridge(t)
	file := writePeople(t)
	for _, c := range []struct {
		args []string
		out  *regexp.Regexp
	}{
		{nil, regexp.MustCompile(`^$`)},
		{[]string{"--format", "json"}, regexp.MustCompile(`^{"id":".*"state":"running"`)},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		errs := &trigger{text: "starts in", do: interrupt}
		var out bytes.Buffer
		code := run(ctx, append(append([]string{"import", "invitations", file, "--follow"}, farAway...), c.args...), clientEnv(b.admin), stdio{out: &out, err: errs})
		hint := regexp.MustCompile(`interrupted; the import continues\n  hint: invitebridge (get import \S+) --follow shows it again, invitebridge pause import \S+ stops it\n$`)
		found := hint.FindStringSubmatch(errs.String())
		if code != exitFailed || found == nil || !c.out.MatchString(out.String()) {
			t.Fatalf("%v: code %d, %s%s", c.args, code, &out, errs)
		}
		if _, state, _ := runClient(t, b.admin, append(strings.Fields(found[1]), "--format", "json")...); !strings.Contains(state, `"state":"running"`) {
			t.Errorf("after the interrupt: %s", state)
		}
	}
}

// TestFollowPaused: following an import ends when another client pauses it.
func TestFollowPaused(t *testing.T) {
	b := startFakeBridge(t)
	errs := &trigger{text: "starts in", do: func() {
		_, ids, _ := runClient(t, b.admin, "list", "imports", "-q")
		if code, _, errs := runClient(t, b.admin, "pause", "import", strings.TrimSpace(ids)); code != exitOK {
			t.Error(errs)
		}
	}}
	code := run(t.Context(), append([]string{"import", "invitations", writePeople(t), "--follow"}, farAway...), clientEnv(b.admin), stdio{out: io.Discard, err: errs})
	if code != exitFailed || !strings.Contains(errs.String(), "\npaused: 0%, 0 of 2 rows\n") || !strings.Contains(errs.String(), "the import is paused, and 2 of 2 rows wait") {
		t.Errorf("code %d, %s", code, errs)
	}
}

// TestFollowBetweenWaves: as soon as a wave has ended, following its import shows when the
// next one begins.
func TestFollowBetweenWaves(t *testing.T) {
	b := startFakeBridge(t)
	_, id, _ := runClient(t, b.admin, "import", "invitations", writePeople(t), "--wave-size", "1", "--wave-every", "24h", "-q")
	id = strings.TrimSpace(id)
	testenv.Eventually(t, "the first wave has ended", func() bool {
		_, state, _ := runClient(t, b.admin, "get", "import", id, "--format", "json")
		return strings.Contains(state, `"waiting":1,`) && !strings.Contains(state, `"wave_running"`)
	})
	ctx, interrupt := context.WithCancel(t.Context())
	errs := &trigger{text: "running: ", do: interrupt}
	code := run(ctx, []string{"get", "import", id, "--follow"}, clientEnv(b.admin), stdio{out: io.Discard, err: errs})
	if line := regexp.MustCompile(`\nrunning: 50%, 1 of 2 rows, next wave in (24 h 0|23 h 59) min\n`); code != exitFailed || !line.MatchString(errs.String()) {
		t.Errorf("code %d, %s", code, errs)
	}
}

// TestInterruptedUpload: an interrupted upload leaves nothing, and the command says so.
func TestInterruptedUpload(t *testing.T) {
	b := startFakeBridge(t)
	ctx, interrupt := context.WithCancel(t.Context())
	in, file := io.Pipe()
	defer in.Close()
	go func() {
		_, _ = io.WriteString(file, "email\nada@example.com\n")
		_, _ = io.WriteString(file, "bob@example.com\n") // the beginning has been read
		interrupt()
	}()
	var errs bytes.Buffer
	code := run(ctx, []string{"import", "invitations", "-", "--follow"}, clientEnv(b.admin), stdio{out: io.Discard, err: &errs, in: in})
	if want := "invitebridge: interrupted; nothing of the file was kept\n"; code != exitFailed || errs.String() != want {
		t.Errorf("code %d, %s", code, &errs)
	}
	testenv.Eventually(t, "the import is gone", func() bool {
		_, ids, _ := runClient(t, b.admin, "list", "imports", "-q")
		return ids == ""
	})

	ctx, interrupt = context.WithCancel(t.Context())
	interrupt()
	errs.Reset()
	endless, _ := io.Pipe()
	defer endless.Close()
	code = run(ctx, []string{"import", "invitations", "-"}, clientEnv(b.admin), stdio{out: io.Discard, err: &errs, in: endless})
	if code != exitFailed || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("without a first character: code %d, %s", code, &errs)
	}
}

// TestUploadWithoutResponse: if the whole file was sent, the import may exist. The
// command says how to find out without a second one.
func TestUploadWithoutResponse(t *testing.T) {
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	var errs bytes.Buffer
	in := io.MultiReader(strings.NewReader("email\nada@example.com\n")) // cannot be read twice
	code := run(t.Context(), []string{"import", "invitations", "-"}, clientEnv(server.URL), stdio{out: io.Discard, err: &errs, in: in})
	if code != exitFailed || len(keys) != 1 || !strings.Contains(errs.String(), "; the whole file was sent, so the import may exist\n  hint: repeat the command with --idempotency-key "+keys[0]+" ") {
		t.Errorf("code %d, keys %v, %s", code, keys, &errs)
	}
	errs.Reset()
	server.Close()
	code = run(t.Context(), []string{"import", "invitations", "-"}, clientEnv(server.URL), stdio{out: io.Discard, err: &errs, in: strings.NewReader("email\n")})
	if code != exitFailed || !strings.Contains(errs.String(), "; nothing of the file was kept\n  hint: check that the bridge is running") {
		t.Errorf("code %d, %s", code, &errs)
	}
}

// TestUploadLostThenRefused: if the response to the whole file was lost and the bridge
// cannot take the repetition now, the command still prints the key.
func TestUploadLostThenRefused(t *testing.T) {
	testenv.SkipIfShort(t, "2 s of real time, the pause before a repetition")
	keys := make(chan string, 10)
	var attempts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Idempotency-Key")
		if attempts.Add(1) == 1 {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Retry-After", "3600") // too long for another repetition
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"error":{"id":"store_unavailable","reason":"The store did not respond."}}`)
	}))
	defer server.Close()
	code, _, errs := runClient(t, server.URL, "import", "invitations", writePeople(t))
	if len(keys) != 2 {
		t.Fatalf("%d attempts, %s", len(keys), errs)
	}
	first, second := <-keys, <-keys
	want := "invitebridge: store_unavailable: The store did not respond; the whole file was sent, so the import may exist\n" +
		"  hint: repeat the command with --idempotency-key " + first + " to get that import instead of another one\n"
	if code != exitFailed || first == "" || second != first || !strings.HasSuffix(errs, want) {
		t.Errorf("code %d, keys %q and %q, %s", code, first, second, errs)
	}
}

// TestFollowUnavailable: a bridge that is unavailable for a while, as during a restart,
// does not end following; one that does not know the import does.
func TestFollowUnavailable(t *testing.T) {
	const id = "0199f3a0-0000-7000-8000-000000000000"
	view := func(state string) string {
		return fmt.Sprintf(`{"id":%q,"state":%q,"rows":2,"waiting":0,"counts":{"invited":2}}`, id, state)
	}
	for name, c := range map[string]struct {
		last  func(http.ResponseWriter)
		code  int
		wants string
	}{
		"finished": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, view("finished")) }, exitOK, "\nfinished: 100%, 2 of 2 rows"},
		"deleted": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":{"id":"import_not_found","reason":"Gone."}}`)
		}, exitFailed, "invitebridge: import_not_found: Gone."},
	} {
		t.Run(name, func(t *testing.T) {
			var looks atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				switch looks.Add(1) {
				case 1:
					_, _ = io.WriteString(w, view("running"))
				case 2:
					panic(http.ErrAbortHandler)
				case 3:
					w.WriteHeader(http.StatusServiceUnavailable)
				default:
					c.last(w)
				}
			}))
			defer server.Close()
			code, _, errs := runClient(t, server.URL, "get", "import", id, "--follow")
			if code != c.code || strings.Count(errs, "the bridge is unavailable, trying again") != 1 || !strings.Contains(errs, c.wants) {
				t.Errorf("code %d, %s", code, errs)
			}
		})
	}
}

// TestCreateBeside: no file is overwritten, and the rows of a corrected file get a name
// like those before them.
func TestCreateBeside(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, media, want string }{
		{"people.csv", httpapi.MediaTypeCSV, "people.failed.csv"},
		{"people.csv", httpapi.MediaTypeCSV, "people.failed-2.csv"},
		{"people.failed.csv", httpapi.MediaTypeCSV, "people.failed-3.csv"},
		{"people.failed-3.csv", httpapi.MediaTypeCSV, "people.failed-4.csv"},
		{"people.tsv", httpapi.MediaTypeCSV, "people.failed.tsv"},
		{"people.jsonl", httpapi.MediaTypeNDJSON, "people.failed.jsonl"},
		{"people", httpapi.MediaTypeNDJSON, "people.failed.ndjson"},
		{"people.2026", httpapi.MediaTypeCSV, "people.2026.failed.csv"},
		{"a.failed-x.csv", httpapi.MediaTypeCSV, "a.failed-x.failed.csv"},
	} {
		file, err := createBeside(filepath.Join(dir, c.name), c.media)
		if err != nil {
			t.Fatal(err)
		}
		info, err := file.Stat()
		if got := filepath.Base(file.Name()); got != c.want || err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got %s with %v, want %s; %v", c.name, got, info.Mode(), c.want, err)
		}
		_ = file.Close()
	}
	if _, err := createBeside(filepath.Join(dir, "none", "people.csv"), httpapi.MediaTypeCSV); !os.IsNotExist(err) {
		t.Errorf("in a directory that does not exist: %v", err)
	}
}
