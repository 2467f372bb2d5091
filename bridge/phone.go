package bridge

import (
	"encoding/json"
	"reflect"
	"strings"
)

// PhoneNumber returns a phone number in international form without separators,
// which is how newer releases of Kratos store it. ok reports whether text is a
// phone number in international form.
func PhoneNumber(text string) (number string, ok bool) {
	number = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -()./", r) {
			return -1
		}
		return r
	}, text)
	digits, found := strings.CutPrefix(number, "+")
	return number, found && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// sameTraitValues is sameJSON that ignores the spelling of phone numbers.
func sameTraitValues(a, b json.RawMessage) bool {
	return reflect.DeepEqual(normalizePhones(jsonValue(a)), normalizePhones(jsonValue(b)))
}

func normalizePhones(value any) any {
	switch v := value.(type) {
	case string:
		if number, ok := PhoneNumber(v); ok {
			return number
		}
	case []any:
		for i := range v {
			v[i] = normalizePhones(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = normalizePhones(v[name])
		}
	}
	return value
}
