package config

// Warnings returns what is valid and probably not meant, a sentence each: the key, what
// is wrong, and after a semicolon what to do. No text quotes a value.
func (c Config) Warnings() (warnings []string) {
	for i, before := range c.Invitation.Reminders {
		if before >= c.Invitation.Lifespan {
			warnings = append(warnings, index("invitation.reminders", i)+": it is not shorter than invitation.lifespan, "+
				"so only invitations with a longer expires_in get this reminder; shorten it, or lengthen invitation.lifespan")
		}
	}
	return warnings
}

// KeyWarnings names the API keys that have no scopes, as Warnings does. They are common in
// configurations that are older than scopes, so this is not a problem.
func (c Config) KeyWarnings() (warnings []string) {
	for i, key := range c.Serve.Admin.APIKeys {
		if key.Scopes == nil {
			warnings = append(warnings, index("serve.admin.api_keys", i)+": it has no scopes, so its caller may do everything; name the scopes that the caller needs")
		}
	}
	return warnings
}
