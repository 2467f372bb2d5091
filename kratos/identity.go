package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

const (
	stateActive   = "active"
	stateInactive = "inactive"
	viaEmail      = "email"
)

// recordJSON is an identity as the admin API shows it.
type recordJSON struct {
	ID                  uuid.UUID                 `json:"id"`
	ExternalID          string                    `json:"external_id"`
	SchemaID            string                    `json:"schema_id"`
	State               string                    `json:"state"`
	Traits              json.RawMessage           `json:"traits"`
	MetadataPublic      json.RawMessage           `json:"metadata_public"`
	MetadataAdmin       json.RawMessage           `json:"metadata_admin"`
	CreatedAt           time.Time                 `json:"created_at"`
	StateChangedAt      time.Time                 `json:"state_changed_at"`
	Credentials         map[string]credentialJSON `json:"credentials"`
	VerifiableAddresses []addressJSON             `json:"verifiable_addresses"`
	RecoveryAddresses   []addressJSON             `json:"recovery_addresses"`
}

type addressJSON struct {
	Value    string `json:"value"`
	Via      string `json:"via"`
	Verified bool   `json:"verified"`
}

type credentialJSON struct {
	Identifiers []string        `json:"identifiers"`
	Config      json.RawMessage `json:"config"`
}

// shown is what an answer shows of credentials.
type shown int

const (
	noCredentials shown = iota // as a list, unless a credential was asked for
	types                      // and identifiers, as the answers to writes
	configs                    // those of the declassified types too
)

var errOddIdentity = errors.New("not an identity")

// parseRecord reads the raw answer: client-go's own types put numbers into
// float64.
func (c *Client) parseRecord(ctx context.Context, raw json.RawMessage, shown shown) (bridge.Identity, error) {
	var j recordJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return bridge.Identity{}, errOddIdentity // not err, which would repeat the body
	}
	if j.ID == uuid.Nil || j.SchemaID == "" || j.State != stateActive && j.State != stateInactive {
		return bridge.Identity{}, errOddIdentity
	}
	trait, err := c.emailAt(ctx, j.SchemaID)
	if err != nil {
		return bridge.Identity{}, err
	}
	i := bridge.Identity{
		ID: j.ID, ExternalID: j.ExternalID, SchemaID: j.SchemaID, Active: j.State == stateActive,
		CreatedAt: j.CreatedAt, StateChangedAt: j.StateChangedAt,
		Traits: j.Traits, MetadataPublic: present(j.MetadataPublic),
	}
	i.Mark, i.MetadataAdmin, i.MarkForeign = takeMark(present(j.MetadataAdmin))
	i.EmailTrait = trait
	i.Email, i.EmailIndex = j.email(trait, shown == types || j.Credentials != nil)
	i.EmailVerified = i.EmailIndex >= 0 && j.VerifiableAddresses[i.EmailIndex].Verified
	i.Identifiers = slices.Sorted(slices.Values(j.Credentials[methodPassword].Identifiers))
	i.Addresses = j.otherThan(i.Email)
	for _, method := range slices.Sorted(maps.Keys(j.Credentials)) {
		if credential, opens := j.Credentials[method].read(method, shown == configs); opens {
			i.Credentials = append(i.Credentials, credential)
		}
	}
	return i, nil
}

// otherThan gives the addresses by which the identity is reached, or signed in
// to by code, other than email.
func (j recordJSON) otherThan(email string) (others []string) {
	all := slices.Clone(j.Credentials[methodCode].Identifiers)
	for _, a := range slices.Concat(j.VerifiableAddresses, j.RecoveryAddresses) {
		all = append(all, a.Value)
	}
	for _, value := range all {
		if value = strings.ToLower(value); value != email && !slices.Contains(others, value) {
			others = append(others, value)
		}
	}
	slices.Sort(others)
	return others
}

func present(raw json.RawMessage) json.RawMessage {
	if missing(raw) {
		return nil
	}
	return raw
}

// email gives the address that Kratos sends email to: that of the trait at path,
// in the spelling of the addresses that Kratos keeps beside the traits; empty if
// Kratos takes it for no address and no identifier, as far as those are shown. At
// is its position among the verifiable ones; -1: it is none of them.
func (j recordJSON) email(path string, shown bool) (email string, at int) {
	value := j.Traits
	for name := range strings.SplitSeq(path, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			return "", -1
		}
		value = object[name]
	}
	var trait string
	if json.Unmarshal(value, &trait) != nil || trait == "" {
		return "", -1
	}
	email = canonical(trait)
	for i, address := range j.VerifiableAddresses {
		if address.Via == viaEmail && canonical(address.Value) == email {
			return email, i
		}
	}
	if shown && !j.knows(email) {
		return "", -1
	}
	return email, -1
}

// canonical is what Kratos makes of identifiers and addresses. What is alike by
// the rules of Unicode alone, such as s and U+017F, is not the same.
func canonical(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// knows says whether Kratos takes a canonical text for an identifier of the
// identity, or for an address to recover it by.
func (j recordJSON) knows(text string) bool {
	is := func(other string) bool { return canonical(other) == text }
	for _, c := range j.Credentials {
		if slices.ContainsFunc(c.Identifiers, is) {
			return true
		}
	}
	return slices.ContainsFunc(j.RecoveryAddresses, func(a addressJSON) bool { return is(a.Value) })
}
