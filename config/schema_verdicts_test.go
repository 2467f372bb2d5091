package config_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"invitebridge/config"
)

func TestSchemaVerdicts(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(t *testing.T, file string) error {
		t.Helper()
		var content any
		if err := yaml.Unmarshal([]byte(file), &content); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return compiled.Validate(instance)
	}

	accepted := map[string]string{"example": string(config.Example()), "empty": "{}"}
	for _, acceptance := range acceptances {
		accepted[acceptance.name] = acceptance.file
	}
	for name, file := range accepted {
		t.Run("accepts/"+name, func(t *testing.T) {
			if err := validate(t, file); err != nil {
				t.Error(err)
			}
		})
	}

	rejected := map[string]string{
		"unknown_key":        "colour: true",
		"unknown_inner_key":  "serve: {public: {cors: {allow_credentials: true}}}",
		"unknown_key_in_key": "serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, role: admin}]}}",
		"wrong_type":         "serve: {public: {port: '80'}}",
		"wrong_duration":     "kratos: {timeout: 10}",
	}
	for _, refusal := range refusals {
		if refusal.schema {
			rejected[refusal.name] = refusal.file
		}
	}
	for name, file := range rejected {
		t.Run("rejects/"+name, func(t *testing.T) {
			if validate(t, file) == nil {
				t.Errorf("accepted: %s", file)
			}
		})
	}
}
