// Command licenses collects the license texts of all third-party code that is
// linked into a package, for every platform of a release:
//
//	go run ./config/release/licenses -o THIRD_PARTY_LICENSES ./cmd/invitebridge
//
// It fails if a module has no license text, or if a text is not one of the
// licenses that this project accepts. Its output depends only on the versions of
// the modules and of Go.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "", "write to this file instead of standard output")
	flag.Parse()
	if err := run(context.Background(), *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, packages []string) error {
	components, err := linked(ctx, packages)
	if err != nil {
		return err
	}
	document, err := render(components)
	if err != nil {
		return err
	}
	if out == "" {
		_, err := os.Stdout.WriteString(document)
		return err
	}
	return os.WriteFile(out, []byte(document), 0o644)
}
