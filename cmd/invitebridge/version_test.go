package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// TestVersion: a release build prints its origin, and only the version on the
// first line.
func TestVersion(t *testing.T) {
	const hash, at = "0123456789abcdef0123456789abcdef01234567", "2026-01-02T03:04:05Z"
	binary := filepath.Join(t.TempDir(), "invitebridge")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.release=v1.2.3 -X main.commit="+hash+" -X main.date="+at, "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := regexp.MustCompile("^v1\\.2\\.3\ncommit  " + hash + "\ndate    " + at + "\ngo      go1\\.[^ ]+ [a-z]+/[a-z0-9]+\n$")
	for _, arg := range []string{"version", "--version"} {
		out, err := exec.CommandContext(t.Context(), binary, arg).CombinedOutput()
		if err != nil || !want.Match(out) {
			t.Errorf("%s: %v\n%s", arg, err, out)
		}
	}
}

func TestProvenance(t *testing.T) {
	info := func(settings ...string) *debug.BuildInfo {
		var b debug.BuildInfo
		for _, s := range settings {
			key, value, _ := strings.Cut(s, "=")
			b.Settings = append(b.Settings, debug.BuildSetting{Key: key, Value: value})
		}
		return &b
	}
	for _, c := range []struct {
		name     string
		info     *debug.BuildInfo
		hash, at string
	}{
		{"no build information", nil, "unknown", "unknown"},
		{"without version control", info("CGO_ENABLED=0"), "unknown", "unknown"},
		{"clean", info("vcs.revision=abc", "vcs.time=2026-01-02T03:04:05Z", "vcs.modified=false"), "abc", "2026-01-02T03:04:05Z"},
		{"modified", info("vcs.revision=abc", "vcs.time=2026-01-02T03:04:05Z", "vcs.modified=true"), "abc (modified)", "2026-01-02T03:04:05Z"},
	} {
		if hash, at := provenance(c.info); hash != c.hash || at != c.at {
			t.Errorf("%s: %q, %q", c.name, hash, at)
		}
	}
}
