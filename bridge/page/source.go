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

// source is a directory with texts and perhaps a template.
type source struct {
	files     fs.FS
	prefix    string // the directory as error messages show it
	languages []string
	template  bool
}

// openSources returns the built-in directory, followed by the override directory
// if there is one.
func openSources(override string) ([]source, error) {
	own, err := fs.Sub(builtin, "builtin")
	if err != nil {
		return nil, err
	}
	languages, err := fs.Glob(own, "*"+languageExt)
	if err != nil {
		return nil, err
	}
	sources := []source{{files: own, prefix: "builtin", languages: languages, template: true}}
	if override == "" {
		return sources, nil
	}
	s := source{files: os.DirFS(override), prefix: override}
	entries, err := fs.ReadDir(s.files, ".")
	if err != nil {
		return sources, fmt.Errorf("template_override_path: %s cannot be read: %w", override, reason(err))
	}
	var errs []error
	for _, entry := range entries {
		switch name := entry.Name(); {
		case strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"):
			// Kubernetes keeps ConfigMap versions in such directories, and editors
			// keep backups in such files.
		case name == templateName:
			s.template = true
		case isLanguage(name):
			s.languages = append(s.languages, name)
		default:
			errs = append(errs, fmt.Errorf("template_override_path: %s is not used; remove it, or name it %s or by a language, such as de%s",
				s.path(name), templateName, languageExt))
		}
	}
	return append(sources, s), errors.Join(errs...)
}

func (s source) path(name string) string { return filepath.Join(s.prefix, name) }

// loadTemplate parses the template of the last source that has one.
func loadTemplate(sources []source) (*template.Template, error) {
	var last source
	for _, s := range sources {
		if s.template {
			last = s
		}
	}
	if last.files == nil {
		return nil, nil
	}
	content, err := fs.ReadFile(last.files, templateName)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", last.path(templateName), reason(err))
	}
	t, err := template.New(last.path(templateName)).Option("missingkey=error").Parse(string(content))
	if err != nil {
		return nil, fmt.Errorf("fix the template: %w", err)
	}
	return t, nil
}

// reason strips the path, which the message already contains.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
