package config

// retired are the keys of earlier versions, each with what takes its place.
var retired = map[string]replacement{
	"invitation.delete_unaccepted_identities": {
		key:  "invitation.unaccepted_identities",
		text: "write at_expiry instead of true; instead of false write keep, or leave it out for the default, at_purge",
	},
}

// replacement is the key that a retired one gave way to, and how its values
// translate.
type replacement struct{ key, text string }

// reportRetired reports a key of earlier versions; it tells whether key is one.
func (l *loader) reportRetired(place, key string) bool {
	now, ok := retired[key]
	if ok {
		l.report(place, key, "was replaced by "+now.key+"; "+now.text)
	}
	return ok
}

// reportRetiredVariable does the same for an environment variable.
func (l *loader) reportRetiredVariable(name string) bool {
	for key, now := range retired {
		if name == variableName(key) {
			l.report(name, "", "was replaced by "+variableName(now.key)+"; "+now.text)
			return true
		}
	}
	return false
}
