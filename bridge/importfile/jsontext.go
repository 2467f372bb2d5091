package importfile

import (
	"encoding/json"
	"strings"
)

// appendText appends valid UTF-8 as a JSON string, with the fewest escapes.
func appendText(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

// parseText returns the text of a valid JSON string. It is lossy for a string with
// half a surrogate pair.
func parseText(raw []byte) (text string) {
	inner := string(raw[1 : len(raw)-1])
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	_ = json.Unmarshal(raw, &text) // valid, says the caller
	return text
}

// eachMember calls f for the members of a valid and compact JSON object. It stops
// when f returns false, and returns what the last call returned.
func eachMember(object []byte, f func(name string, value []byte) bool) bool {
	for i := 1; object[i] != '}'; {
		if object[i] == ',' {
			i++
		}
		colon := endOfValue(object, i)
		end := endOfValue(object, colon+1)
		if !f(parseText(object[i:colon]), object[colon+1:end]) {
			return false
		}
		i = end
	}
	return true
}

// endOfValue returns the end of the JSON value at i.
func endOfValue(raw []byte, i int) int {
	for depth := 0; ; i++ {
		switch raw[i] {
		case '{', '[':
			depth++
		case '}', ']', ',':
			if depth == 0 { // behind a number or word, of which no member consists alone
				return i
			}
			if raw[i] != ',' {
				depth--
			}
		case '"':
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
}
