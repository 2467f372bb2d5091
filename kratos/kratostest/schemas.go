package kratostest

import (
	"io/fs"
	"path"
	"strings"
)

// CompanySchemas returns schemas typical of companies, by id, for
// [Options.Schemas] and [FakeOptions.Schemas]. The title of each one states
// what is special about it.
func CompanySchemas() map[string]string { return readSchemas("files/company") }

func readSchemas(dir string) map[string]string {
	schemas := map[string]string{}
	entries, _ := fs.ReadDir(files, dir) // embedded, like the files in it
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), ".schema.json")
		if text, err := files.ReadFile(path.Join(dir, entry.Name())); ok && err == nil {
			schemas[id] = string(text)
		}
	}
	return schemas
}
