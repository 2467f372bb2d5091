package docs

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const forge = "../.github"

// TestForgeFiles: every YAML file below .github is valid, and there is a check for
// its kind.
func TestForgeFiles(t *testing.T) {
	checks := map[string]func(*testing.T, string){
		"workflows/":                checkWorkflow,
		"ISSUE_TEMPLATE/":           checkIssueForm,
		"ISSUE_TEMPLATE/config.yml": checkIssueConfig,
		"dependabot.yml":            checkUpdates,
	}
	seen := 0
	for _, file := range filesBelow(t, forge, ".yml", ".yaml") {
		name := strings.TrimPrefix(file, forge+"/")
		check := checks[name]
		if check == nil {
			check = checks[filepath.Dir(name)+"/"]
		}
		if check == nil {
			t.Errorf("%s: there is no check for this file", name)
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) { check(t, file) })
	}
	if seen < len(checks) {
		t.Errorf("only %d files were checked", seen)
	}
}

var (
	pinned     = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	script     = regexp.MustCompile(`(?m)(^|\bsh |[\s;&|])(?:\./)?(\.ci/[\w./-]+|\w[\w./-]*\.sh)\b`)
	makeTarget = regexp.MustCompile(`(?m)(?:^|[\s;&|])make((?: +[a-z][\w-]*)+)`)
)

// checkWorkflow checks that the scripts and targets of a workflow exist, that its
// actions are pinned to a commit, that permissions are restricted, and that every
// job has a timeout.
func checkWorkflow(t *testing.T, file string) {
	var workflow struct {
		Name        string
		On          any
		Permissions map[string]string
		Jobs        map[string]struct {
			RunsOn  string `yaml:"runs-on"`
			Timeout int    `yaml:"timeout-minutes"`
			Steps   []struct{ Uses, Run string }
		}
	}
	decode(t, file, false, &workflow)
	if workflow.Name == "" || workflow.On == nil || len(workflow.Jobs) == 0 {
		t.Error("name, on and jobs are required")
	}
	if workflow.Permissions == nil {
		t.Error("permissions are not restricted")
	}
	for name, job := range workflow.Jobs {
		if job.RunsOn == "" || job.Timeout == 0 || len(job.Steps) == 0 {
			t.Errorf("%s: runs-on, timeout-minutes and steps are required", name)
		}
		for i, step := range job.Steps {
			if (step.Uses == "") == (step.Run == "") {
				t.Errorf("%s, step %d: a step needs either uses or run", name, i+1)
			}
			if step.Uses != "" && !strings.HasPrefix(step.Uses, "./") && !pinned.MatchString(step.Uses) {
				t.Errorf("%s: %s is not pinned to a commit", name, step.Uses)
			}
			checkCommands(t, step.Run)
		}
	}
}

// checkCommands checks that the scripts that a step runs exist and are executable,
// and that its make targets exist.
func checkCommands(t *testing.T, run string) {
	for _, found := range script.FindAllStringSubmatch(run, -1) {
		info, err := os.Stat(filepath.Join("..", found[2]))
		if err != nil {
			t.Error(err)
		} else if !strings.HasSuffix(found[1], "sh ") && info.Mode()&0o100 == 0 {
			t.Errorf("%s is not executable", found[2])
		}
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range makeTarget.FindAllStringSubmatch(run, -1) {
		for target := range strings.FieldsSeq(found[1]) {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
				t.Errorf("the Makefile has no target %s", target)
			}
		}
	}
}

type formField struct {
	Type, ID   string
	Attributes struct {
		Label, Value, Description, Placeholder, Render string
		Options                                        []any
	}
	Validations struct{ Required bool }
}

// checkIssueForm checks the keys that GitHub requires of an issue form.
func checkIssueForm(t *testing.T, file string) {
	var form struct {
		Name, Description string
		Labels            []string
		Body              []formField
	}
	decode(t, file, true, &form)
	if form.Name == "" || form.Description == "" {
		t.Error("name and description are required")
	}
	var ids, labels []string
	required := 0
	for i, field := range form.Body {
		switch field.Type {
		case "markdown":
			if field.Attributes.Value == "" || field.ID != "" {
				t.Errorf("field %d: markdown must have a value and no id", i+1)
			}
			continue
		case "dropdown", "checkboxes":
			if len(field.Attributes.Options) == 0 {
				t.Errorf("field %d has no options", i+1)
			}
		case "input", "textarea":
		default:
			t.Errorf("field %d: unknown type %q", i+1, field.Type)
		}
		if field.Validations.Required {
			required++
		}
		ids, labels = append(ids, field.ID), append(labels, field.Attributes.Label)
	}
	if required == 0 {
		t.Error("no field is required")
	}
	for what, values := range map[string][]string{"id": ids, "label": labels} {
		slices.Sort(values)
		if slices.Contains(values, "") || len(slices.Compact(slices.Clone(values))) < len(values) {
			t.Errorf("fields must have unique values of %s: %q", what, values)
		}
	}
}

func checkIssueConfig(t *testing.T, file string) {
	var config struct {
		Blank *bool                               `yaml:"blank_issues_enabled"`
		Links []struct{ Name, URL, About string } `yaml:"contact_links"`
	}
	decode(t, file, true, &config)
	if config.Blank == nil {
		t.Error("blank_issues_enabled is required")
	}
	for _, link := range config.Links {
		if link.Name == "" || link.URL == "" || link.About == "" {
			t.Errorf("a link must have a name, a url and an about: %+v", link)
		}
	}
}

// checkUpdates checks that Dependabot's directories are exactly those that contain
// something to update.
func checkUpdates(t *testing.T, file string) {
	var config struct {
		Version int
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
			Schedule    struct{ Interval string }
			Limit       *int `yaml:"open-pull-requests-limit"`
			Groups      map[string]any
		}
	}
	decode(t, file, true, &config)
	if config.Version != 2 {
		t.Errorf("version %d", config.Version)
	}
	named := make(map[string][]string)
	for _, update := range config.Updates {
		if update.Schedule.Interval == "" {
			t.Errorf("%s has no interval", update.Ecosystem)
		}
		if update.Directory != "" {
			update.Directories = append(update.Directories, update.Directory)
		}
		named[update.Ecosystem] = append(named[update.Ecosystem], update.Directories...)
	}
	want := map[string][]string{"github-actions": {"/"}, "docker-compose": {"/"}}
	for _, path := range filesBelow(t, "..", "go.mod", "Dockerfile") {
		ecosystem := map[string]string{"go.mod": "gomod", "Dockerfile": "docker"}[filepath.Base(path)]
		if ecosystem != "" {
			want[ecosystem] = append(want[ecosystem], filepath.Join("/", filepath.Dir(strings.TrimPrefix(path, ".."))))
		}
	}
	for ecosystem, directories := range want {
		slices.Sort(directories)
		slices.Sort(named[ecosystem])
		if !slices.Equal(directories, named[ecosystem]) {
			t.Errorf("%s: configured %q, want %q", ecosystem, named[ecosystem], directories)
		}
	}
	for ecosystem := range named {
		if want[ecosystem] == nil {
			t.Errorf("the repository has nothing of the ecosystem %q", ecosystem)
		}
	}
}

// decode reads a YAML file. A duplicate key is an error, and if strict, so is one
// that into does not have.
func decode(t *testing.T, file string, strict bool, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(strict)
	if err := decoder.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// filesBelow returns the files below dir with one of the endings, except in .git,
// bin and testdata.
func filesBelow(t *testing.T, dir string, endings ...string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "testdata"}, entry.Name()) {
			return fs.SkipDir
		}
		if !entry.IsDir() && slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(path, ending) }) {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
