package bridgetest

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"invitebridge/bridge"
)

// Sessions has the sessions that NewSession returns, whose tokens say who holds them.
type Sessions struct{}

// NewSession returns a valid session of an inviter.
func NewSession(i bridge.Inviter) bridge.Session {
	text, err := json.Marshal(i)
	if err != nil {
		panic(err)
	}
	return bridge.NewSession(base64.RawURLEncoding.EncodeToString(text))
}

// WhoAmI implements [bridge.Sessions].
func (Sessions) WhoAmI(_ context.Context, session bridge.Session) (i bridge.Inviter, err error) {
	text, err := base64.RawURLEncoding.DecodeString(session.Reveal())
	if err != nil || json.Unmarshal(text, &i) != nil {
		return bridge.Inviter{}, bridge.ErrSessionInvalid
	}
	return i, nil
}
