package bridge

import (
	"encoding/json"
	"reflect"
	"strings"
)

// PhoneNumber gives a phone number in its international form without what people
// write between the digits, as later releases of Kratos keep it; ok says whether
// text is one.
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

// sameTraitValues is sameJSON, whatever the spelling of phone numbers.
func sameTraitValues(a, b json.RawMessage) bool {
	return reflect.DeepEqual(respelled(jsonValue(a)), respelled(jsonValue(b)))
}

func respelled(value any) any {
	switch v := value.(type) {
	case string:
		if number, ok := PhoneNumber(v); ok {
			return number
		}
	case []any:
		for i := range v {
			v[i] = respelled(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = respelled(v[name])
		}
	}
	return value
}
