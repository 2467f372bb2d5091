package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge/boltstore"
)

// storeBytes is what a bridge with a new store answers.
func storeBytes(t *testing.T) []byte {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	var copied bytes.Buffer
	if err := errors.Join(s.Backup(t.Context(), &copied), s.Close()); err != nil {
		t.Fatal(err)
	}
	return copied.Bytes()
}

// TestBackupCopy has bridges answer with copies of all kinds. While one comes
// there is nothing under its name, as a kill would leave it; afterwards a whole
// copy, or nothing at all.
func TestBackupCopy(t *testing.T) {
	const pageSize = 4096
	whole := storeBytes(t)
	smashed := bytes.Clone(whole)
	copy(smashed[2*pageSize:], bytes.Repeat([]byte{0xa5}, len(whole))) // all but the metas
	cut := http.ErrAbortHandler
	for name, c := range map[string]struct {
		send   []byte
		then   func(path string, interrupt func()) // when it was sent
		code   int
		errs   string
		stays  string // at the path, of another
		leaves bool   // the copy
	}{
		"whole":                {send: whole, code: exitOK, leaves: true},
		"the stream is cut":    {send: whole[:len(whole)/2], then: func(string, func()) { panic(cut) }, code: exitFailed, errs: "cut off after"},
		"the last page is cut": {send: whole[:len(whole)-pageSize], code: exitFailed, errs: "damaged"},
		"cut and well ended":   {send: whole[:2*pageSize], code: exitFailed, errs: "damaged"},
		"nothing, well ended":  {code: exitFailed, errs: "empty"},
		"smashed":              {send: smashed, code: exitFailed, errs: "the copy is not whole, and was not kept"},
		"no store":             {send: bytes.Repeat([]byte("hello\n"), 9999), code: exitFailed, errs: "not a store"},
		"somebody interrupts":  {send: whole[:len(whole)/2], then: func(_ string, interrupt func()) { interrupt() }, code: exitFailed, errs: "canceled"},
		"another comes before": {send: whole, then: theirs, code: exitFailed, errs: "exists", stays: "theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "copy.db")
			ctx, interrupt := context.WithCancel(t.Context())
			bridge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/octet-stream")
				_, _ = w.Write(c.send)
				_ = http.NewResponseController(w).Flush()
				if _, err := os.Lstat(path); err == nil {
					t.Error("it has its name while it comes")
				}
				if c.then != nil {
					c.then(path, func() { interrupt(); <-r.Context().Done() }) // before the stream ends well
				}
			}))
			t.Cleanup(bridge.Close)
			var out, errs bytes.Buffer
			code := run(ctx, []string{"backup", path, "-e", bridge.URL}, []string{envAPIKey + "=" + key}, stdio{&out, &errs})
			if code != c.code || !strings.Contains(errs.String(), c.errs) {
				t.Errorf("code %d: %s%s", code, &out, &errs)
			}
			want := map[string]string{}
			if c.leaves {
				want["copy.db"] = string(whole)
			} else if c.stays != "" {
				want["copy.db"] = c.stays
			}
			sameFiles(t, filepath.Dir(path), want)
		})
	}
}

// theirs puts another's file in the place of the copy.
func theirs(path string, _ func()) { _ = os.WriteFile(path, []byte("theirs"), 0o600) }

// TestBackupOverAFile asks no bridge for what cannot be kept.
func TestBackupOverAFile(t *testing.T) {
	bridge := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s", r.Method, r.URL)
	}))
	t.Cleanup(bridge.Close)
	dir := t.TempDir()
	theirs(filepath.Join(dir, "there.db"), nil)
	if err := os.Symlink("nowhere", filepath.Join(dir, "link.db")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"there.db", "link.db", ".", "no/such/directory.db"} {
		code, _, errs := command(t, []string{envAPIKey + "=" + key}, "backup", filepath.Join(dir, name), "-e", bridge.URL)
		if code != exitUsage {
			t.Errorf("%s: %d %s", name, code, errs)
		}
	}
	if err := os.Remove(filepath.Join(dir, "link.db")); err != nil {
		t.Error(err)
	}
	sameFiles(t, dir, map[string]string{"there.db": "theirs"})
}

// sameFiles compares all that a directory holds.
func sameFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("it holds %v", entries)
	}
	for name, text := range want {
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := io.ReadAll(file)
		info, statErr := file.Stat()
		_ = file.Close()
		if err != nil || statErr != nil || string(got) != text || info.Mode() != fs.FileMode(0o600) {
			t.Errorf("%s: %d bytes, %v, %v, %v", name, len(got), info.Mode(), err, statErr)
		}
	}
}
