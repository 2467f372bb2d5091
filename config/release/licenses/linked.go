package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// platforms are those of builds in .goreleaser.yaml. What is linked depends on
// the platform.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// component is a module, or Go itself, with its license files.
type component struct {
	name, version string
	root          string
	files         []string // absolute paths, sorted
}

type goPackage struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version, Dir string }
	}
}

// linked returns Go and the modules that have a package in the binary on any
// platform, sorted by name.
func linked(ctx context.Context, packages []string) ([]component, error) {
	byName := map[string]*component{}
	for _, platform := range platforms {
		list, err := dependencies(ctx, platform, packages)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.Module == nil || p.Module.Main {
				continue
			}
			if p.Module.Replace != nil {
				return nil, fmt.Errorf("%s is replaced: a release is built from published modules", p.Module.Path)
			}
			c := byName[p.Module.Path]
			if c == nil {
				c = &component{name: p.Module.Path, version: p.Module.Version, root: p.Module.Dir}
				byName[c.name] = c
			}
			if err := c.collect(p.Dir); err != nil {
				return nil, err
			}
		}
	}
	toolchain, err := goItself(ctx)
	if err != nil {
		return nil, err
	}
	all := []component{toolchain}
	for _, c := range byName {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b component) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

func dependencies(ctx context.Context, platform string, packages []string) ([]goPackage, error) {
	system, architecture, _ := strings.Cut(platform, "/")
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-json=Dir,Standard,Module"}, packages...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+architecture)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w", platform, err)
	}
	var list []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
}

// legal is the name of a file that has to be passed on with the binary.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([._-][a-z0-9_-]+)?$`)

// collect adds the license files of the package in dir: those beside it and in
// the directories above it, up to the root of the module.
func (c *component) collect(dir string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			if entry.Type().IsRegular() && legal.MatchString(entry.Name()) && filepath.Ext(path) != ".go" && !slices.Contains(c.files, path) {
				c.files = append(c.files, path)
			}
		}
		if dir == c.root {
			slices.Sort(c.files)
			return nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return fmt.Errorf("%s: a package is outside of %s", c.name, c.root)
		}
		dir = parent
	}
}

// goItself is the standard library and the runtime.
func goItself(ctx context.Context) (component, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return component{}, fmt.Errorf("go env: %w", err)
	}
	values := strings.Split(strings.TrimSpace(string(out)), "\n")
	c := component{name: "Go", version: values[1], root: values[0]}
	return c, c.collect(c.root)
}
