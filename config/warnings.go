package config

import (
	"slices"
	"time"
)

// Warnings returns what is valid and probably not meant, a sentence each: the key, what
// is wrong, and after a semicolon what to do. No text quotes a value.
func (c Config) Warnings() (warnings []string) {
	for i, before := range c.Invitation.Reminders {
		if before >= c.Invitation.Lifespan {
			warnings = append(warnings, index("invitation.reminders", i)+": it is not shorter than invitation.lifespan, "+
				"so only invitations with a longer expires_in get this reminder; shorten it, or lengthen invitation.lifespan")
		}
	}
	for i, entry := range c.Inviters.Allow {
		if c.Inviters.Enabled && !excludes(entry, c.Kratos.SchemaID) {
			warnings = append(warnings, index("inviters.allow", i)+": everybody who has accepted an invitation may invite in turn; "+
				"unless that is meant, add a line such as metadata_public.role: admin")
		}
	}
	if c.Inviters.Enabled && c.Courier.SMTP.ConnectionURI == "" && !slices.ContainsFunc(c.Hooks, delivers) {
		warnings = append(warnings, "inviters.enabled: nobody gets the links, because members are given none, the bridge sends no email, and no hook has invitation_token_created; "+
			"set courier.smtp.connection_uri, or add such a hook")
	}
	return warnings
}

// delivers reports whether a hook is given links to deliver.
func delivers(h Hook) bool { return slices.Contains(h.Events, "invitation_token_created") }

// excludes reports whether an entry of inviters.allow excludes new identities.
func excludes(entry map[string]string, defaultSchema string) bool {
	for line, value := range entry {
		if line != LineAAL && (line != "schema_id" || value != defaultSchema) {
			return true
		}
	}
	return false
}

// KeyWarnings names the API keys that have no scopes, or have expired, as Warnings does.
// Keys without scopes are common in configurations that are older than scopes.
func (c Config) KeyWarnings(now time.Time) (warnings []string) {
	for i, key := range c.Serve.Admin.APIKeys {
		if at := key.Expiry(); !at.IsZero() && !now.Before(at) {
			warnings = append(warnings, index("serve.admin.api_keys", i)+": it has expired and is refused; remove it")
		}
		if key.Scopes == nil {
			warnings = append(warnings, index("serve.admin.api_keys", i)+": it has no scopes, so its caller may do everything; name the scopes that the caller needs")
		}
	}
	return warnings
}
