package config

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

// Options says what Load reads.
type Options struct {
	// Files are YAML files. Later ones win: mappings are merged key by key,
	// everything else is replaced.
	Files []string
	// Environ holds "NAME=value" as os.Environ does. It wins over the files.
	//
	// A variable is named for its key: the path in capitals, joined by "_",
	// after "INVITEBRIDGE_". Texts are taken as they are, lists and mappings
	// are YAML, and so JSON; a list of texts may also be separated by commas. A
	// variable whose first word after the prefix is no key of ours
	// is left alone: Kubernetes and the command line client have theirs.
	Environ []string
	// Dev asks for neither an API key nor a store: DSN has no default then.
	Dev bool
}

// Load returns the defaults overlaid with the files and the environment, and
// validated. Its error is an *Error with every problem that was found.
func Load(options Options) (Config, error) {
	l := loader{cfg: Default(), origins: map[string]string{}, refused: map[string]bool{}}
	if options.Dev {
		l.cfg.DSN = ""
	}
	for _, file := range options.Files {
		l.readFile(file)
	}
	l.readEnviron(options.Environ)
	l.fillIn()

	// A file that could not be read may hold the API key: asking for one would
	// send the operator the wrong way.
	complete := !options.Dev && !l.unread
	l.validate(complete)

	if err := asError(l.problems); err != nil {
		return Config{}, err
	}
	return l.cfg, nil
}

// loader lays sources over cfg and remembers what it met on the way.
type loader struct {
	cfg      Config
	problems []Problem
	origins  map[string]string // where a key was last set
	refused  map[string]bool   // keys whose value could not be taken
	unread   bool              // a file could not be read or parsed
}

func (l *loader) report(source, key, text string) {
	l.problems = append(l.problems, Problem{Source: source, Key: key, Text: text})
}

// refuse reports a value that could not be taken.
func (l *loader) refuse(source, key, text string) {
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
		// Of a file that is just being written, or whose disk is full, there is
		// nothing either: its hooks must not vanish for that.
		l.unread = true
		l.report(name, "", "has nothing in it; write {} if that is meant")
		return
	}
	l.take(source{name: name, lines: true}, document, "", reflect.ValueOf(&l.cfg).Elem())
}

// validate reports what is wrong with the result, each problem with the place
// that set the key. It keeps quiet about a key whose value was refused: what it
// would judge there is an earlier value.
func (l *loader) validate(complete bool) {
	for _, problem := range l.cfg.check(complete) {
		if l.isRefused(problem.Key) {
			continue
		}
		l.report(l.origin(problem.Key), problem.Key, problem.Text)
	}
}

// isRefused tells whether the value of key or of a part of it was refused, or
// that of a whole which alone could have set key.
func (l *loader) isRefused(key string) bool {
	_, set := l.origins[key]
	for refused := range l.refused {
		if contains(key, refused) || contains(refused, key) && !set {
			return true
		}
	}
	return false
}

// origin is where key was set. A key missing from an item of a list has the
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

// contains tells whether key is outer or lies inside it.
func contains(outer, key string) bool {
	rest, ok := strings.CutPrefix(key, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// cause is the reason of a file error without the path, which the problem
// names already.
func cause(err error) string {
	if wrapped := (*fs.PathError)(nil); errors.As(err, &wrapped) {
		return wrapped.Err.Error()
	}
	return err.Error()
}
