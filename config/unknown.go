package config

import (
	"reflect"
	"regexp"
)

var (
	plainName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
	// topName matches names such as the sections of Kratos, and few secrets.
	topName = regexp.MustCompile(`^[a-z]{1,15}[0-9]?(_[a-z]{1,15}){0,3}$`)
)

// reportUnknown reports a name in the mapping at key that is not a known key.
//
// By mistake a secret may be written where a name belongs ("- the-key:" for
// "- key: the-key"). So a name is shown only if it is close to a known one, or
// if it looks like a name and the mapping holds no secrets. At the top level,
// which is farthest from any secret, it only has to look like a word.
func (l *loader) reportUnknown(place, key, name string, mapping reflect.Value) {
	if l.reportRetired(place, join(key, name)) {
		return
	}
	known := children(mapping)
	if near := nearest(name, known); near != "" {
		l.report(place, join(key, name), "is not a known key; did you mean "+near+"?")
		return
	}
	isTop := key == "" && topName.MatchString(name)
	if isTop || plainName.MatchString(name) && !holdsSecrets(mapping.Type()) {
		l.report(place, join(key, name), "is not a known key; remove it, or use one of "+names(known))
		return
	}
	l.report(place, key, "has an unknown key here; remove it, or use one of "+names(known))
}

// holdsSecrets reports whether a value of type t can contain a Secret.
func holdsSecrets(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return holdsSecrets(t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			if holdsSecrets(field.Type) {
				return true
			}
		}
		return false
	default:
		return t == reflect.TypeFor[Secret]()
	}
}

// nearest returns the known name within a few typing errors of name, or "".
func nearest[V any](name string, known map[string]V) string {
	best, least := "", 0
	for candidate := range known {
		edits := distance(name, candidate)
		if edits > min(2, max(1, len(candidate)/4)) {
			continue
		}
		if best == "" || edits < least || edits == least && candidate < best {
			best, least = candidate, edits
		}
	}
	return best
}

// distance returns the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
