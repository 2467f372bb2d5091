package main

import (
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
	"invitebridge/config"
	"invitebridge/kratos"
)

// newSessions returns where the sessions of inviters are looked up; nil: nobody invites by
// session.
func newSessions(cfg config.Config) (bridge.Sessions, error) {
	if !cfg.Inviters.Enabled {
		return nil, nil
	}
	return kratos.NewPublicClient(cfg.Kratos.PublicURL, identityTimeout(time.Duration(cfg.Kratos.Timeout)))
}

func inviterRules(v config.Inviters) bridge.InviterRules {
	rules := bridge.InviterRules{May: v.May, Copy: v.Copy, NameTrait: v.NameTrait, MaxPending: v.MaxPending, RevokeOnDeactivation: v.Enabled && v.RevokeOnDeactivation}
	for _, entry := range v.Allow {
		rule := bridge.InviterRule{Values: make(map[string]string)}
		for line, value := range entry {
			switch line {
			case config.LineAAL:
				rule.AAL = value
			case config.LineHook:
				rule.Hook = value
			default:
				rule.Values[line] = value
			}
		}
		rules.Allow = append(rules.Allow, rule)
	}
	return rules
}

// inviters returns nil if nobody invites by session.
func inviters(v config.Inviters) *httpapi.Inviters {
	if !v.Enabled {
		return nil
	}
	return &httpapi.Inviters{
		Cookie: v.SessionCookie, AllowedOrigins: v.AllowedOrigins,
		RateLimit: httpapi.RateLimit{Requests: v.RateLimit.Requests, Window: time.Duration(v.RateLimit.Window)},
	}
}
