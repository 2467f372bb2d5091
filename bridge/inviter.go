package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"
)

// Inviter is an identity that invites by its own session, as the identity system shows it
// to its holder: without the admin metadata.
type Inviter struct {
	ID             uuid.UUID       `json:"id"`
	SchemaID       string          `json:"schema_id"`
	OrganizationID uuid.UUID       `json:"organization_id,omitzero"`
	AAL            string          `json:"authenticator_assurance_level"` // of the session: aal1 or aal2
	Traits         json.RawMessage `json:"traits,omitempty"`
	MetadataPublic json.RawMessage `json:"metadata_public,omitempty"`
}

// InviterRules decide who may invite by session, and what. The zero value permits nobody.
type InviterRules struct {
	// Allow lists who may invite: all conditions of at least one rule must hold.
	Allow []InviterRule
	// May lists the dotted paths of a body of an invite that inviters may set, each with
	// what is below it. None of them overlaps a path of a rule.
	May []string
	// Copy maps paths inside the metadata of the new identity to paths of the inviter, as
	// in InviterRule. None of them overlaps a path of a rule, or one of May.
	Copy map[string]string
	// NameTrait is the path of the inviter's name inside the traits; empty: invitations
	// show no name.
	NameTrait string
	// MaxPending bounds the pending invitations of one inviter. Zero: no limit.
	MaxPending int
	// RevokeOnDeactivation makes the sweep revoke the pending invitations of inviters who
	// are no longer active.
	RevokeOnDeactivation bool
}

// InviterRule is a list of conditions.
type InviterRule struct {
	// Values maps paths such as metadata_public.role to the value there: a string, a number
	// or a boolean; of a list, one of its items. The first part of a path is a field of
	// Inviter.
	Values map[string]string
	AAL    string // the least assurance level; empty: any
	Hook   string // the hook that must agree; empty: none
}

// Sessions looks up sessions in the identity system.
type Sessions interface {
	// WhoAmI returns the holder of a session.
	//
	// Errors: ErrSessionInvalid if there is no such session, or it has ended, or its holder
	// is not active; ErrSecondFactorRequired; an *IdentityError otherwise.
	WhoAmI(ctx context.Context, session Session) (Inviter, error)
}

// Errors of [Sessions].
var (
	ErrSessionInvalid       = errors.New("not a valid session")
	ErrSecondFactorRequired = errors.New("the session lacks the second factor")
)

// What inviters with a session get instead of an error about API keys.
var (
	ErrSessionUnauthorized = ErrUnauthorized.WithReasonf("Sign in at Kratos, and send the session: its cookie, or its token as X-Session-Token or \"Authorization: Bearer TOKEN\".")
	ErrNoInviter           = ErrForbidden.WithReasonf("Your account may not invite. Ask an administrator.")
	errSecondFactor        = ErrNoInviter.WithReasonf("Sign in with your second factor, then try again.")
)

// WhoAmI returns the holder of a session. Every request asks anew: a deactivated inviter
// is refused from the next one on.
//
// Errors: ErrSessionUnauthorized; ErrNoInviter if the session lacks the second factor;
// ErrKratosUnavailable.
func (s *Service) WhoAmI(ctx context.Context, session Session) (Inviter, error) {
	if s.config.InviterSessions == nil {
		return Inviter{}, ErrNoInviter
	}
	i, err := s.config.InviterSessions.WhoAmI(ctx, session)
	switch {
	case errors.Is(err, ErrSessionInvalid):
		return Inviter{}, ErrSessionUnauthorized
	case errors.Is(err, ErrSecondFactorRequired):
		return Inviter{}, errSecondFactor
	case err != nil:
		return Inviter{}, ErrKratosUnavailable.WithCause(err)
	}
	return i, nil
}

// MayInvite returns nil if one of the rules permits the inviter. Hooks are called only if
// no rule without one does, and have [HookBudget] together.
//
// Errors: ErrNoInviter; ErrHookUnavailable.
func (s *Service) MayInvite(ctx context.Context, i Inviter) error {
	var hooks []string
	lacksFactor := false // and nothing else, for one of the rules
	for _, rule := range s.config.Inviters.Allow {
		if !rule.holds(i) {
			stronger := i
			stronger.AAL = "aal2"
			lacksFactor = lacksFactor || rule.holds(stronger)
			continue
		}
		if rule.Hook == "" {
			return nil
		}
		hooks = append(hooks, rule.Hook)
	}
	ctx, cancel := context.WithTimeout(ctx, HookBudget)
	defer cancel()
	refused := error(ErrNoInviter)
	if lacksFactor {
		refused = errSecondFactor
	}
	for _, hook := range hooks {
		err := s.askAboutInviter(ctx, hook, i)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrHookRefused) {
			refused = err
		}
	}
	return refused
}

func (s *Service) askAboutInviter(ctx context.Context, hook string, i Inviter) error {
	if s.config.Hooks == nil {
		return ErrHookUnavailable
	}
	return s.config.Hooks.Ask(ctx, hook, Payload{Type: EventPreInviter, Timestamp: s.now(), Data: PayloadData{Inviter: &i}})
}

// holds reports whether all conditions hold that need no hook.
func (r InviterRule) holds(i Inviter) bool {
	if r.AAL != "" && i.AAL != r.AAL && i.AAL != "aal2" {
		return false
	}
	for path, want := range r.Values {
		if !hasValue(i.at(path), want) {
			return false
		}
	}
	return true
}

// hasValue reports whether a value is want, or a list with it.
func hasValue(value json.RawMessage, want string) bool {
	var items []json.RawMessage
	if json.Unmarshal(value, &items) == nil {
		return slices.ContainsFunc(items, func(item json.RawMessage) bool { return isScalar(item, want) })
	}
	return isScalar(value, want)
}

func isScalar(value json.RawMessage, want string) bool { return isSet(value) && scalar(value) == want }

// at returns the value at a path; empty: there is none.
func (i Inviter) at(path string) json.RawMessage {
	field, below, _ := strings.Cut(path, ".")
	raw := map[string]json.RawMessage{
		"traits": i.Traits, "metadata_public": i.MetadataPublic, "id": quoted(i.ID.String()), "schema_id": quoted(i.SchemaID),
	}[field]
	if field == "organization_id" && i.OrganizationID != uuid.Nil {
		raw = quoted(i.OrganizationID.String())
	}
	if below == "" {
		return raw
	}
	return member(raw, below)
}

func quoted(text string) json.RawMessage {
	raw, _ := json.Marshal(text) // cannot fail
	return raw
}

// maxInviterName bounds the name that is shown, in runes.
const maxInviterName = 60

// name returns the inviter's name; empty: it has none.
func (i Inviter) name(trait string) string {
	if trait == "" {
		return ""
	}
	return Truncate(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, scalar(member(i.Traits, trait))), maxInviterName)
}
