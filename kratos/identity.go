package kratos

import (
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

var errOddIdentity = errors.New("not an identity")

// parseRecord reads the raw answer: client-go's own types put numbers into
// float64. Declassified says that the config of credentials was asked for.
func (c *Client) parseRecord(raw json.RawMessage, declassified bool) (bridge.Identity, error) {
	var j recordJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return bridge.Identity{}, errOddIdentity // not err, which would repeat the body
	}
	if j.ID == uuid.Nil || j.SchemaID == "" || j.State != stateActive && j.State != stateInactive {
		return bridge.Identity{}, errOddIdentity
	}
	i := bridge.Identity{
		ID: j.ID, ExternalID: j.ExternalID, SchemaID: j.SchemaID, Active: j.State == stateActive,
		CreatedAt: j.CreatedAt, StateChangedAt: j.StateChangedAt,
		Traits: j.Traits, MetadataPublic: present(j.MetadataPublic),
	}
	i.Mark, i.MetadataAdmin, i.MarkForeign = takeMark(present(j.MetadataAdmin))
	i.Email, i.EmailIndex = c.emailOf(j)
	i.EmailVerified = i.EmailIndex >= 0 && j.VerifiableAddresses[i.EmailIndex].Verified
	i.Identifiers = slices.Sorted(slices.Values(j.Credentials[methodPassword].Identifiers))
	i.Addresses = j.otherThan(i.Email)
	for _, method := range slices.Sorted(maps.Keys(j.Credentials)) {
		if credential, opens := j.Credentials[method].read(method, declassified); opens {
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

// emailOf gives the address that Kratos sends email to: that of the email trait,
// in the spelling of the addresses that Kratos keeps beside the traits. At is its
// position among the verifiable ones; -1: it is none of them.
func (c *Client) emailOf(j recordJSON) (email string, at int) {
	value := j.Traits
	for name := range strings.SplitSeq(c.config.EmailTrait, ".") {
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
	for i, address := range j.VerifiableAddresses {
		if address.Via == viaEmail && strings.EqualFold(address.Value, trait) {
			return strings.ToLower(address.Value), i
		}
	}
	return strings.ToLower(trait), -1
}
