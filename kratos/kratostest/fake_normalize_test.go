package kratostest_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// seen returns what the bridge reads of a response, normalized for all
// versions. The response is an identity, identities or sessions.
func (w *twin) seen(t *testing.T, answer string) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(answer)))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	text, err := json.MarshalIndent(shape(value), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func shape(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = shape(v[i])
		}
		return v
	case map[string]any:
		if _, isSession := v["issued_at"]; isSession {
			return map[string]any{"active": v["active"], "aal": v["authenticator_assurance_level"], "identity": shape(v["identity"])}
		}
		return shapeOfIdentity(v)
	}
	return value
}

func shapeOfIdentity(v map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"id", "external_id", "schema_id", "state", "traits", "metadata_public"} {
		out[name] = v[name]
	}
	if admin := v["metadata_admin"]; admin != nil { // some responses omit it
		out["metadata_admin"] = admin
	}
	for list, members := range map[string][]string{
		"verifiable_addresses": {"value", "via", "verified", "status"},
		"recovery_addresses":   {"value", "via"},
	} {
		out[list] = shapeOfAddresses(v[list], members)
	}
	credentials, _ := v["credentials"].(map[string]any)
	for method, c := range credentials {
		credential := c.(map[string]any)
		out["credential "+method] = map[string]any{
			"identifiers": inOrder(credential["identifiers"]), "config": shapeOfConfig(method, credential["config"]),
		}
	}
	return out
}

func shapeOfAddresses(list any, members []string) []any {
	all, _ := list.([]any)
	var out []any
	for _, a := range all {
		address := map[string]any{}
		for _, member := range members {
			address[member] = a.(map[string]any)[member]
		}
		out = append(out, address)
	}
	return inOrder(out)
}

// inOrder sorts lists that Kratos returns in any order.
func inOrder(list any) []any {
	all, _ := list.([]any)
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return all
}

// shapeOfConfig removes random values and the tokens of providers.
func shapeOfConfig(method string, config any) any {
	c, ok := config.(map[string]any)
	if !ok {
		return config
	}
	for _, secret := range []string{"hashed_password", "user_handle"} {
		if _, ok := c[secret]; ok {
			c[secret] = "set"
		}
	}
	if providers, ok := c["providers"].([]any); ok {
		for i, p := range providers {
			provider := p.(map[string]any)
			providers[i] = map[string]any{"provider": provider["provider"], "subject": provider["subject"]}
		}
		c["providers"] = inOrder(providers)
	}
	if method == "webauthn" || method == "passkey" {
		for _, key := range asList(c["credentials"]) {
			k := key.(map[string]any)
			for name := range k {
				if name != "id" && name != "is_passwordless" {
					delete(k, name)
				}
			}
		}
	}
	return c
}

func asList(value any) []any {
	list, _ := value.([]any)
	return list
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
