package mail

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"
)

// The templates' names. Layout is what the built-in HTML bodies share; an
// override of the body may use it or not.
const (
	subjectFile = "email.subject.gotmpl"
	htmlFile    = "email.body.gotmpl"
	textFile    = "email.body.plaintext.gotmpl"
	expiryFile  = "email.expiry.gotmpl"
	layoutFile  = "email.layout.gotmpl"
)

var fileNames = []string{subjectFile, htmlFile, textFile, expiryFile, layoutFile}

const folder = "invitation"

//go:embed templates
var builtIn embed.FS

var languageName = regexp.MustCompile(`^[a-z]{2,3}(-[a-z0-9]{2,8})*$`)

// source is a directory with an invitation folder in it.
type source struct {
	fs     fs.FS
	prefix string // how operators know the directory
	// languages are the folder's own folders, by the language tag they mean.
	languages map[string]string
}

// loadLetters reads, parses and tries all templates.
func loadLetters(override string) (letters, []error) {
	embedded, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, []error{err}
	}
	sources := []source{{fs: embedded, prefix: "built-in"}}
	if override != "" {
		sources = slices.Insert(sources, 0, source{fs: os.DirFS(override), prefix: override})
	}
	problems := &problemList{}
	all := letters{}
	for i := range sources {
		problems.add(sources[i].survey()...)
		for tag := range sources[i].languages {
			all[tag] = nil
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		l, found := loadLetter(sources, tag)
		if problems.add(found...); len(found) == 0 {
			problems.add(l.try()...)
		}
		all[tag] = l
	}
	return all, problems.errs
}

// survey finds the languages, and what was meant to be a template but has a
// name that nobody would read.
func (s *source) survey() []error {
	s.languages = map[string]string{}
	entries, err := fs.ReadDir(s.fs, folder)
	if err != nil {
		return []error{fmt.Errorf("template_override_path: %s cannot be read: %w", s.path(folder), reason(err))}
	}
	var problems []error
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		info, err := fs.Stat(s.fs, name)
		switch tag := languageTag(entry.Name()); {
		case strings.HasPrefix(entry.Name(), "."):
			// Kubernetes keeps the versions of a ConfigMap in such folders.
		case err != nil:
			problems = append(problems, fmt.Errorf("template_override_path: %s cannot be read: %w", s.path(name), reason(err)))
		case !info.IsDir():
			problems = append(problems, s.misnamed(name)...)
		case !languageName.MatchString(tag):
			problems = append(problems, fmt.Errorf("template_override_path: %s is not named as a language, such as de or pt-br", s.path(name)))
		case s.languages[tag] != "":
			problems = append(problems, fmt.Errorf("template_override_path: %s is the second folder of its language", s.path(name)))
		default:
			s.languages[tag] = name
			files, err := fs.ReadDir(s.fs, name)
			if err != nil {
				problems = append(problems, fmt.Errorf("template_override_path: %s cannot be read: %w", s.path(name), reason(err)))
			}
			for _, file := range files {
				problems = append(problems, s.misnamed(path.Join(name, file.Name()))...)
			}
		}
	}
	return problems
}

func (s *source) misnamed(name string) []error {
	base := path.Base(name)
	if !strings.HasPrefix(base, "email.") || slices.Contains(fileNames, base) {
		return nil
	}
	return []error{fmt.Errorf("template_override_path: %s has a name that is not used; there are %s",
		s.path(name), strings.Join(fileNames, ", "))}
}

func (s *source) path(name string) string { return filepath.Join(s.prefix, filepath.FromSlash(name)) }

// find gives the first template of that name: the override's for the language,
// the override's for all, the built-in ones likewise.
func find(sources []source, tag, file string) (name, text string, err error) {
	for _, s := range sources {
		candidates := []string{path.Join(folder, file)}
		if dir := s.languages[tag]; dir != "" {
			candidates = slices.Insert(candidates, 0, path.Join(dir, file))
		}
		for _, candidate := range candidates {
			text, err := fs.ReadFile(s.fs, candidate)
			switch {
			case err == nil:
				return s.path(candidate), string(text), nil
			case !errors.Is(err, fs.ErrNotExist):
				return "", "", fmt.Errorf("template_override_path: %s cannot be read: %w", s.path(candidate), reason(err))
			}
		}
	}
	return "", "", fmt.Errorf("template_override_path: the language %s lacks %s", tag, file)
}

func loadLetter(sources []source, tag string) (*letter, []error) {
	var problems []error
	plain := func(file string) *texttemplate.Template {
		name, text, err := find(sources, tag, file)
		t := texttemplate.New(name)
		if err == nil {
			t, err = t.Option("missingkey=error").Funcs(texttemplate.FuncMap{"pick": pick}).Parse(text)
		}
		if err != nil {
			problems = append(problems, err)
		}
		return t
	}
	l := &letter{language: tag, expiry: plain(expiryFile), subject: plain(subjectFile), text: plain(textFile)}
	for _, definition := range []string{"in", "on"} {
		if len(problems) == 0 && l.expiry.Lookup(definition) == nil {
			problems = append(problems, fmt.Errorf("%s does not define %q", l.expiry.Name(), definition))
		}
	}
	layoutName, layout, layoutErr := find(sources, tag, layoutFile)
	name, text, err := find(sources, tag, htmlFile)
	if err = errors.Join(layoutErr, err); err == nil {
		// The layout first: what the body defines is what counts.
		l.html = htmltemplate.New(layoutName).Option("missingkey=error").Funcs(htmltemplate.FuncMap{"pick": pick})
		if _, err = l.html.Parse(layout); err == nil {
			l.html, err = l.html.New(name).Parse(text)
		}
	}
	if err != nil {
		problems = append(problems, err)
	}
	return l, problems
}

// reason strips an error of the path that the sentence around it names already.
func reason(err error) error {
	if bare := (*fs.PathError)(nil); errors.As(err, &bare) {
		return bare.Err
	}
	return err
}

// problemList keeps each problem once: a template for all languages is loaded
// for each of them.
type problemList struct{ errs []error }

func (p *problemList) add(errs ...error) {
	for _, err := range errs {
		same := func(known error) bool { return known.Error() == err.Error() }
		if !slices.ContainsFunc(p.errs, same) {
			p.errs = append(p.errs, err)
		}
	}
}
