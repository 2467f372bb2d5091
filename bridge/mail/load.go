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

// File names of the templates. The built-in HTML bodies share layoutFile; an
// override of the body need not use it.
const (
	subjectFile = "email.subject.gotmpl"
	htmlFile    = "email.body.gotmpl"
	textFile    = "email.body.plaintext.gotmpl"
	expiryFile  = "email.expiry.gotmpl"
	layoutFile  = "email.layout.gotmpl"
)

var fileNames = []string{subjectFile, htmlFile, textFile, expiryFile, layoutFile}

// Folders of templates, one for each email. What the reminder lacks is taken from the
// invitation.
const (
	invitationFolder = "invitation"
	reminderFolder   = "reminder"
)

//go:embed templates
var builtIn embed.FS

var languageName = regexp.MustCompile(`^[a-z]{2,3}(-[a-z0-9]{2,8})*$`)

// source is a directory that contains folders of templates.
type source struct {
	fs     fs.FS
	prefix string // the directory's name in messages
	// languages maps a language tag to its folder, for each email.
	languages map[string]map[string]string
}

// loadTemplates reads and parses all templates, and renders each with samples.
func loadTemplates(override string) (templates, []error) {
	embedded, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, []error{err}
	}
	sources := []source{{fs: embedded, prefix: "built-in"}}
	if override != "" {
		sources = slices.Insert(sources, 0, source{fs: os.DirFS(override), prefix: override})
	}
	problems := &problemList{}
	all := templates{}
	for i := range sources {
		problems.add(sources[i].scan()...)
		for _, tags := range sources[i].languages {
			for tag := range tags {
				all[tag] = nil
			}
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		l, found := loadTemplate(sources, tag, invitationFolder)
		var more []error
		l.reminder, more = loadTemplate(sources, tag, reminderFolder, invitationFolder)
		l.reminder.reminds = true
		if found = append(found, more...); len(found) == 0 {
			found = append(l.try(), l.reminder.try()...)
		}
		problems.add(found...)
		all[tag] = l
	}
	return all, problems.errs
}

// scan collects the languages of all emails. Only the folder of the invitation must
// exist.
func (s *source) scan() []error {
	s.languages = map[string]map[string]string{}
	problems := s.scanLanguages(invitationFolder)
	if _, err := fs.Stat(s.fs, reminderFolder); !errors.Is(err, fs.ErrNotExist) {
		problems = append(problems, s.scanLanguages(reminderFolder)...)
	}
	return problems
}

// scanLanguages collects the languages of one email, and reports files that look like
// templates but have a name that is never read.
func (s *source) scanLanguages(folder string) []error {
	languages := map[string]string{}
	s.languages[folder] = languages
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
			// Kubernetes keeps versions of a mounted ConfigMap in such folders.
		case err != nil:
			problems = append(problems, fmt.Errorf("template_override_path: %s cannot be read: %w", s.path(name), reason(err)))
		case !info.IsDir():
			problems = append(problems, s.misnamed(name)...)
		case !languageName.MatchString(tag):
			problems = append(problems, fmt.Errorf("template_override_path: %s is not named after a language, such as de or pt-br", s.path(name)))
		case languages[tag] != "":
			problems = append(problems, fmt.Errorf("template_override_path: %s is the second folder for the same language", s.path(name)))
		default:
			languages[tag] = name
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
	return []error{fmt.Errorf("template_override_path: %s is not the name of a template; the names are %s",
		s.path(name), strings.Join(fileNames, ", "))}
}

func (s *source) path(name string) string { return filepath.Join(s.prefix, filepath.FromSlash(name)) }

// find returns the first template of that name: first in the override, then
// among the built-in ones; in each, folder by folder; in each of them, first the
// language's own, then the one for all languages. So an operator's template of the
// invitation is preferred to the built-in one of the reminder, which may not fit it.
func find(sources []source, folders []string, tag, file string) (name, text string, err error) {
	for _, s := range sources {
		var candidates []string
		for _, folder := range folders {
			if dir := s.languages[folder][tag]; dir != "" {
				candidates = append(candidates, path.Join(dir, file))
			}
			candidates = append(candidates, path.Join(folder, file))
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

// loadTemplate loads one email in one language, from the first folder that has the
// template.
func loadTemplate(sources []source, tag string, folders ...string) (*emailTemplate, []error) {
	var problems []error
	plain := func(file string) *texttemplate.Template {
		name, text, err := find(sources, folders, tag, file)
		t := texttemplate.New(name)
		if err == nil {
			t, err = t.Option("missingkey=error").Funcs(texttemplate.FuncMap{"pick": pick}).Parse(text)
		}
		if err != nil {
			problems = append(problems, err)
		}
		return t
	}
	l := &emailTemplate{language: tag, expiry: plain(expiryFile), subject: plain(subjectFile), text: plain(textFile)}
	for _, definition := range []string{"in", "on"} {
		if len(problems) == 0 && l.expiry.Lookup(definition) == nil {
			problems = append(problems, fmt.Errorf("%s does not define %q", l.expiry.Name(), definition))
		}
	}
	layoutName, layout, layoutErr := find(sources, folders, tag, layoutFile)
	name, text, err := find(sources, folders, tag, htmlFile)
	if err = errors.Join(layoutErr, err); err == nil {
		// The layout first: definitions in the body replace those of the layout.
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

// reason returns err without its path, which the surrounding message names.
func reason(err error) error {
	if bare := (*fs.PathError)(nil); errors.As(err, &bare) {
		return bare.Err
	}
	return err
}

// problemList keeps each problem once: a template for all languages is loaded
// once per language.
type problemList struct{ errs []error }

func (p *problemList) add(errs ...error) {
	for _, err := range errs {
		same := func(known error) bool { return known.Error() == err.Error() }
		if !slices.ContainsFunc(p.errs, same) {
			p.errs = append(p.errs, err)
		}
	}
}
