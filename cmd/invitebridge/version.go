package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// The linker sets these, for example with -ldflags "-X main.release=v1.2.3".
// Empty ones are taken from the build information that Go embeds.
var (
	release string
	commit  string // the full hash
	date    string // of the commit, RFC 3339 in UTC
)

func newVersion(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  "Prints the version on the first line, then the commit it was built from, the date of\nthat commit, and the version of Go.",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(io.out, versionDetails())
			return err
		},
	}
}

// version returns the release, or the version that Go derived for the build.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// versionDetails returns the version on a line of its own, for scripts, followed
// by what a bug report needs.
func versionDetails() string {
	info, _ := debug.ReadBuildInfo()
	hash, at := provenance(info)
	return fmt.Sprintf("%s\ncommit  %s\ndate    %s\ngo      %s %s/%s", version(), hash, at, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// provenance returns the commit and its date: from the linker, else from Go's
// build information, which may be nil.
func provenance(info *debug.BuildInfo) (hash, at string) {
	hash, at = commit, date
	if hash == "" && info != nil {
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		hash, at = settings["vcs.revision"], settings["vcs.time"]
		if settings["vcs.modified"] == "true" {
			hash += " (modified)"
		}
	}
	if hash == "" {
		hash = "unknown"
	}
	if at == "" {
		at = "unknown"
	}
	return hash, at
}
