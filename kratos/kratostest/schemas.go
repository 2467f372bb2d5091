package kratostest

import (
	"io/fs"
	"path"
	"strings"
)

// CompanySchemas are schemas as companies have them, by their ids, for
// [Options.Schemas] and [FakeOptions.Schemas]. Of each one the title says what is
// special about it.
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
