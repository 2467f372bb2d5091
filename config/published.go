package config

import _ "embed"

var (
	//go:embed schema.json
	schema string
	//go:embed example.yml
	example string
)

// Schema returns a JSON schema (draft 2020-12) of a configuration file, for
// editors. It sees less than Load does: nothing that spans two keys.
func Schema() []byte { return []byte(schema) }

// Example returns a commented configuration file that sets every key to its
// default and loads as it is. Its API key is one that nobody knows, and its
// hooks are comments.
func Example() []byte { return []byte(example) }
