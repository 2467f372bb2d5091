package config

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

// Options holds what Load reads.
type Options struct {
	// Files are the paths of YAML files. Later files override earlier ones:
	// mappings are merged key by key, everything else is replaced.
	Files []string
	// Environ holds "NAME=value" entries as os.Environ does. It overrides the
	// files.
	//
	// A variable is named after its key: "INVITEBRIDGE_", then the path in
	// capitals, joined by "_". Strings are used as they are; lists and mappings
	// are YAML or JSON; a list of strings may also be separated by commas. A
	// variable whose first word after the prefix is not a top-level key is
	// ignored: Kubernetes and the command line client have variables of their
	// own.
	Environ []string
	// Dev makes the API key and the store optional: DSN then has no default.
	Dev bool
}

// Load returns the defaults overlaid with the files and the environment,
// validated.
//
// Errors: always an *Error, with every problem found.
func Load(options Options) (Config, error) {
	l := loader{cfg: Default(), origins: map[string]string{}, refused: map[string]bool{}}
	if options.Dev {
		l.cfg.DSN = ""
	}
	for _, file := range options.Files {
		l.readFile(file)
	}
	l.readEnviron(options.Environ)
	l.applyDerivedDefaults()

	// A file that could not be read may hold the API key: reporting a missing key
	// would mislead the operator.
	complete := !options.Dev && !l.unread
	l.validate(complete)

	if err := asError(l.problems); err != nil {
		return Config{}, err
	}
	return l.cfg, nil
}

// loader overlays sources on cfg and records problems and origins.
type loader struct {
	cfg      Config
	problems []Problem
	origins  map[string]string // where each key was last set
	refused  map[string]bool   // keys whose value was rejected
	unread   bool              // a file could not be read or parsed
}

func (l *loader) report(source, key, text string) {
	l.problems = append(l.problems, Problem{Source: source, Key: key, Text: text})
}

// reject reports a value of the wrong form.
func (l *loader) reject(source, key, text string) {
	l.refused[key] = true
	l.report(source, key, text)
}

func (l *loader) readFile(name string) {
	content, err := os.ReadFile(name)
	if err != nil {
		l.unread = true
		l.report(name, "", "cannot be read: "+cause(err)+"; check the path and its permissions")
		return
	}
	document, flaw := parse(content)
	if flaw != nil {
		l.unread = true
		l.report(at(name, flaw.line), "", flaw.text)
		return
	}
	if document == nil {
		// A file is also empty while it is being written, or if the disk is full:
		// a reload must not remove the hooks then.
		l.unread = true
		l.report(name, "", "is empty; write {} if that is intended")
		return
	}
	l.decode(source{name: name, lines: true}, document, "", reflect.ValueOf(&l.cfg).Elem())
}

// validate checks the result and reports each problem with the place that set
// the key. It skips keys whose value was rejected: they still hold an earlier
// value.
func (l *loader) validate(complete bool) {
	for _, problem := range l.cfg.check(complete) {
		if l.isRejected(problem.Key) {
			continue
		}
		l.report(l.origin(problem.Key), problem.Key, problem.Text)
	}
}

// isRejected reports whether the value of key, or of a part of it, was rejected;
// or, if key itself was not set, the value of something that contains key.
func (l *loader) isRejected(key string) bool {
	_, set := l.origins[key]
	for refused := range l.refused {
		if contains(key, refused) || contains(refused, key) && !set {
			return true
		}
	}
	return false
}

// origin returns where key was set. A key missing from a list item has the
// item's place.
func (l *loader) origin(key string) string {
	if place, ok := l.origins[key]; ok {
		return place
	}
	if item := strings.LastIndex(key, "]"); item >= 0 {
		return l.origins[key[:item+1]]
	}
	return ""
}

// contains reports whether key is outer or inside it.
func contains(outer, key string) bool {
	rest, ok := strings.CutPrefix(key, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// cause returns the reason of a file error without the path, which the problem
// already names.
func cause(err error) string {
	if wrapped := (*fs.PathError)(nil); errors.As(err, &wrapped) {
		return wrapped.Err.Error()
	}
	return err.Error()
}
