package config

import _ "embed"

var (
	//go:embed schema.json
	schema string
	//go:embed example.yml
	example string
)

// Schema returns a JSON schema (draft 2020-12) of a configuration file, for
// editors. It checks less than Load: no rule that involves two keys.
func Schema() []byte { return []byte(schema) }

// Example returns a commented configuration file that sets every key to its
// default. It loads once the zeros in its key_sha256 are replaced by a digest.
// Its hooks are commented out.
func Example() []byte { return []byte(example) }
