package kratos

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

const (
	stateActive   = "active"
	stateInactive = "inactive"
	viaEmail      = "email"
)

// record is an identity as the admin API shows it: what the bridge needs to
// know, and what it must send back.
type record struct {
	bridge.Identity
	externalID  string // since v25.4; empty: none
	identifiers []string
	verifiable  int // the place of the e-mail address among the verifiable ones; -1: none
	verified    bool
}

type recordJSON struct {
	ID                  uuid.UUID                 `json:"id"`
	ExternalID          string                    `json:"external_id"`
	SchemaID            string                    `json:"schema_id"`
	State               string                    `json:"state"`
	Traits              json.RawMessage           `json:"traits"`
	MetadataPublic      json.RawMessage           `json:"metadata_public"`
	MetadataAdmin       json.RawMessage           `json:"metadata_admin"`
	Credentials         map[string]credentialJSON `json:"credentials"`
	VerifiableAddresses []struct {
		Value    string `json:"value"`
		Via      string `json:"via"`
		Verified bool   `json:"verified"`
	} `json:"verifiable_addresses"`
}

type credentialJSON struct {
	Identifiers []string        `json:"identifiers"`
	Config      json.RawMessage `json:"config"`
}

var errOddIdentity = errors.New("not an identity")

// parseRecord reads the raw answer: client-go's own types put numbers into
// float64.
func (c *Client) parseRecord(raw json.RawMessage) (record, error) {
	var j recordJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return record{}, errOddIdentity // not err, which would repeat the body
	}
	if j.ID == uuid.Nil || j.SchemaID == "" || j.State != stateActive && j.State != stateInactive {
		return record{}, errOddIdentity
	}
	r := record{externalID: j.ExternalID, Identity: bridge.Identity{
		ID: j.ID, SchemaID: j.SchemaID, Active: j.State == stateActive,
		Traits: j.Traits, MetadataPublic: present(j.MetadataPublic),
	}}
	r.Mark, r.MetadataAdmin, r.MarkForeign = takeMark(present(j.MetadataAdmin))
	r.Email, r.verifiable = c.emailOf(j)
	r.verified = r.verifiable >= 0 && j.VerifiableAddresses[r.verifiable].Verified
	for method, credential := range j.Credentials {
		r.HasCredentials = r.HasCredentials || credential.opens(method)
		if method != methodOIDC && method != methodSAML { // whose identifiers are a provider's
			r.identifiers = append(r.identifiers, credential.Identifiers...)
		}
	}
	return r, nil
}

func present(raw json.RawMessage) json.RawMessage {
	if missing(raw) {
		return nil
	}
	return raw
}

// emailOf gives the address that Kratos sends mail to: that of the e-mail
// trait, in the spelling of the addresses that Kratos keeps beside the traits.
// At is its place among those; -1: it is none of them.
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

// answersTo says whether email is what the identity is found, or written to,
// by.
func (r record) answersTo(email string) bool {
	return r.Email == email ||
		slices.ContainsFunc(r.identifiers, func(s string) bool { return strings.EqualFold(s, email) })
}
