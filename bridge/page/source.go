package page

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed builtin
var builtin embed.FS

const templateName = "page.gotmpl"

// source is a directory with templates and texts.
type source struct {
	fs        fs.FS
	prefix    string // for messages
	languages []string
	template  bool
}

// openSources gives the built-in directory and, after it, the team's own.
func openSources(override string) ([]source, error) {
	own, err := fs.Sub(builtin, "builtin")
	if err != nil {
		return nil, err
	}
	sources := []source{{fs: own, prefix: "builtin", languages: []string{"de.json", "en.json"}, template: true}}
	if override == "" {
		return sources, nil
	}
	s := source{fs: os.DirFS(override), prefix: override}
	entries, err := fs.ReadDir(s.fs, ".")
	if err != nil {
		return sources, fmt.Errorf("template_override_path: %s cannot be read: %w", override, reason(err))
	}
	var errs []error
	for _, entry := range entries {
		switch name := entry.Name(); {
		case strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"):
			// Kubernetes keeps the versions of a ConfigMap in such folders, and
			// editors what was there before in such files.
		case name == templateName:
			s.template = true
		case isLanguage(name):
			s.languages = append(s.languages, name)
		default:
			errs = append(errs, fmt.Errorf("template_override_path: %s is not used; give %s, or texts in a file such as de%s",
				s.path(name), templateName, languageExt))
		}
	}
	return append(sources, s), errors.Join(errs...)
}

func (s source) path(name string) string { return filepath.Join(s.prefix, name) }

// loadTemplate takes the last source's that has one.
func loadTemplate(sources []source) (*template.Template, error) {
	var last source
	for _, s := range sources {
		if s.template {
			last = s
		}
	}
	if last.fs == nil {
		return nil, nil
	}
	content, err := fs.ReadFile(last.fs, templateName)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", last.path(templateName), reason(err))
	}
	t, err := template.New(last.path(templateName)).Option("missingkey=error").Parse(string(content))
	if err != nil {
		return nil, fmt.Errorf("mend the template: %w", err)
	}
	return t, nil
}

// reason leaves out the path, which the message has already.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
