package config

// retired maps the keys of earlier versions to their replacements.
var retired = map[string]replacement{
	"invitation.delete_unaccepted_identities": {
		key:  "invitation.unaccepted_identities",
		text: "write at_expiry instead of true; instead of false write keep, or omit it for the default, at_purge",
	},
}

// replacement is the key that replaced a retired one, and how to translate its
// values.
type replacement struct{ key, text string }

// reportRetired reports whether key is one of an earlier version, and adds a
// problem if so.
func (l *loader) reportRetired(place, key string) bool {
	now, ok := retired[key]
	if ok {
		l.report(place, key, "was replaced by "+now.key+"; "+now.text)
	}
	return ok
}

// reportRetiredVariable is reportRetired for an environment variable.
func (l *loader) reportRetiredVariable(name string) bool {
	for key, now := range retired {
		if name == variableName(key) {
			l.report(name, "", "was replaced by "+variableName(now.key)+"; "+now.text)
			return true
		}
	}
	return false
}
