package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"invitebridge/bridge"
)

const (
	stateActive   = "active"
	stateInactive = "inactive"
	viaEmail      = "email"
)

// recordJSON is an identity in a response of the admin API.
type recordJSON struct {
	ID                  uuid.UUID                 `json:"id"`
	ExternalID          string                    `json:"external_id"`
	OrganizationID      uuid.NullUUID             `json:"organization_id"`
	SchemaID            string                    `json:"schema_id"`
	State               string                    `json:"state"`
	Traits              jsontext.Value            `json:"traits"`
	MetadataPublic      jsontext.Value            `json:"metadata_public"`
	MetadataAdmin       jsontext.Value            `json:"metadata_admin"`
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
	Identifiers []string       `json:"identifiers"`
	Config      jsontext.Value `json:"config"`
}

// credentialView is how much of the credentials a response contains.
type credentialView int

const (
	noCredentials     credentialView = iota // only a list response, which omits them unless asked
	credentialTypes                         // types and identifiers, as in responses to writes
	credentialConfigs                       // and the configs of the declassified types
)

var errMalformedIdentity = errors.New("not an identity")

// parseRecord decodes the raw response, because client-go's own types convert
// numbers to float64.
func (c *Client) parseRecord(ctx context.Context, raw json.RawMessage, shown credentialView) (bridge.Identity, error) {
	var j recordJSON
	if err := parse(raw, &j); err != nil {
		return bridge.Identity{}, errMalformedIdentity // without err, which would repeat the body
	}
	if j.ID == uuid.Nil || j.SchemaID == "" || j.State != stateActive && j.State != stateInactive {
		return bridge.Identity{}, errMalformedIdentity
	}
	trait, err := c.emailAt(ctx, j.SchemaID)
	if err != nil {
		return bridge.Identity{}, err
	}
	i := bridge.Identity{
		ID: j.ID, ExternalID: j.ExternalID, OrganizationID: j.OrganizationID.UUID, SchemaID: j.SchemaID, Active: j.State == stateActive,
		CreatedAt: j.CreatedAt, StateChangedAt: j.StateChangedAt,
		Traits: json.RawMessage(j.Traits), MetadataPublic: present(j.MetadataPublic),
	}
	i.Mark, i.MetadataAdmin, i.MetadataConflict = splitMark(present(j.MetadataAdmin))
	i.EmailTrait = trait
	i.Email, i.EmailIndex = j.email(trait, shown == credentialTypes || j.Credentials != nil)
	i.EmailVerified = i.EmailIndex >= 0 && j.VerifiableAddresses[i.EmailIndex].Verified
	i.Identifiers = sorted(j.Credentials[methodPassword].Identifiers)
	i.Addresses = j.otherAddresses(i.Email)
	for method, c := range j.Credentials {
		if credential, opens := c.read(method, shown == credentialConfigs); opens {
			i.Credentials = append(i.Credentials, credential)
		}
	}
	sortByType(i.Credentials)
	return i, nil
}

func sortByType(list []bridge.Credential) {
	slices.SortFunc(list, func(a, b bridge.Credential) int { return strings.Compare(a.Type, b.Type) })
}

// otherAddresses returns the addresses other than email at which the identity
// receives messages or signs in by code.
func (j recordJSON) otherAddresses(email string) (others []string) {
	add := func(value string) {
		if value = strings.ToLower(value); value != email && !slices.Contains(others, value) {
			others = append(others, value)
		}
	}
	for _, identifier := range j.Credentials[methodCode].Identifiers {
		add(identifier)
	}
	for _, addresses := range [][]addressJSON{j.VerifiableAddresses, j.RecoveryAddresses} {
		for _, a := range addresses {
			add(a.Value)
		}
	}
	return sorted(others)
}

// sorted sorts a list that nobody else has, and returns it.
func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

func present(raw jsontext.Value) json.RawMessage {
	if missing(raw) {
		return nil
	}
	return json.RawMessage(raw)
}

// email returns the address to which Kratos sends email: the trait at path, in
// the form of the addresses that Kratos stores beside the traits. It is empty
// if Kratos treats the trait neither as an address nor as an identifier, as far
// as the response shows. at is its index among the verifiable addresses; -1:
// not among them.
func (j recordJSON) email(path string, shown bool) (email string, at int) {
	value := json.RawMessage(j.Traits)
	for name := range strings.SplitSeq(path, ".") {
		object, err := parseObject(value)
		if err != nil {
			return "", -1
		}
		value = object.last(name)
	}
	var trait string
	if parse(value, &trait) != nil || trait == "" {
		return "", -1
	}
	email = canonical(trait)
	for i, address := range j.VerifiableAddresses {
		if address.Via == viaEmail && canonical(address.Value) == email {
			return email, i
		}
	}
	if shown && !j.recognizes(email) {
		return "", -1
	}
	return email, -1
}

// canonical normalizes identifiers and addresses as Kratos does. Texts that are
// equal only by Unicode case folding, such as s and U+017F, remain different.
func canonical(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// recognizes reports whether Kratos uses a canonical text as an identifier or a
// recovery address of the identity.
func (j recordJSON) recognizes(text string) bool {
	is := func(other string) bool { return canonical(other) == text }
	for _, c := range j.Credentials {
		if slices.ContainsFunc(c.Identifiers, is) {
			return true
		}
	}
	return slices.ContainsFunc(j.RecoveryAddresses, func(a addressJSON) bool { return is(a.Value) })
}
