package kratostest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/uuid"
)

// patchedIdentity is what Kratos reads from a patched document; it ignores all
// other members.
type patchedIdentity struct {
	ExternalID          string            `json:"external_id"`
	SchemaID            string            `json:"schema_id"`
	State               string            `json:"state"`
	StateChangedAt      *time.Time        `json:"state_changed_at"`
	Traits              json.RawMessage   `json:"traits"`
	MetadataPublic      json.RawMessage   `json:"metadata_public"`
	MetadataAdmin       json.RawMessage   `json:"metadata_admin"`
	CreatedAt           time.Time         `json:"created_at"`
	VerifiableAddresses []shownAddress    `json:"verifiable_addresses"`
	RecoveryAddresses   []recoveryAddress `json:"recovery_addresses"`
}

// patch accepts any content type, as Kratos does.
func (f *Fake) patch(id uuid.UUID, body []byte) reply {
	now := f.now()
	return f.edit(id, func(i *fakeIdentity) (reply, bool) {
		if r, ok := i.patch(body, f.options, now); !ok {
			return r, false
		}
		return jsonReply(http.StatusOK, i.answer(f.options)), true
	})
}

func (i *fakeIdentity) patch(body []byte, o FakeOptions, now time.Time) (reply, bool) {
	bad := func(err error) (reply, bool) {
		return refusal(http.StatusBadRequest, "the JSON patch cannot be applied", err.Error()), false
	}
	patch, err := parsePatch(body)
	if errors.Is(err, errCredentialPatch) {
		return refusal(http.StatusNotImplemented, err.Error(), "not implemented"), false
	}
	if err != nil {
		return bad(err)
	}
	if err := i.checkPatchable(); err != nil && !o.ExternalIDs {
		return bad(err)
	}
	document, err := json.Marshal(i.show(o, nil))
	if err != nil {
		return bad(err)
	}
	options := jsonpatch.NewApplyOptions()
	options.EnsurePathExistsOnAdd = true
	document, err = patch.ApplyWithOptions(document, options)
	if err != nil {
		return bad(err)
	}
	var p patchedIdentity
	if !o.ExternalIDs { // v1.3.1 keeps removed members
		p = i.unpatched()
	}
	if err := json.Unmarshal(document, &p); err != nil {
		return bad(err)
	}
	return i.applyPatched(p, o, now)
}

var errCredentialPatch = errors.New("the fake does not patch credentials")

// parsePatch is as lenient as Kratos: a replace creates a missing member,
// unless it is an element of an array.
func parsePatch(body []byte) (jsonpatch.Patch, error) {
	patch, err := jsonpatch.DecodePatch(body)
	if err != nil {
		return nil, err
	}
	add := json.RawMessage(`"add"`)
	for _, op := range patch {
		kind := op.Kind()
		if kind != "add" && kind != "replace" && kind != "remove" {
			return nil, fmt.Errorf("unsupported operation: %s", kind)
		}
		path, err := op.Path()
		if err != nil {
			return nil, err
		}
		switch lower := strings.ToLower(path); {
		case lower == "/id" || lower == "/statechangedat" || lower == "/credentials":
			return nil, fmt.Errorf("patch includes denied path: %s", path)
		case strings.HasPrefix(lower, "/credentials/"):
			return nil, errCredentialPatch
		}
		last := path[strings.LastIndexByte(path, '/')+1:]
		if _, err := strconv.Atoi(last); kind == "replace" && err != nil && last != "-" {
			op["op"] = &add
		}
	}
	return patch, nil
}

// checkPatchable rejects numbers too large for floating point, which v1.3.1
// stores but then cannot patch.
func (i *fakeIdentity) checkPatchable() error {
	for _, raw := range []json.RawMessage{i.Traits, i.MetadataPublic, i.MetadataAdmin} {
		var value any
		if len(raw) > 0 && json.Unmarshal(raw, &value) != nil {
			return fmt.Errorf("cannot unmarshal %s", raw)
		}
	}
	return nil
}

// unpatched shares nothing with i, because decoding writes into existing
// values.
func (i *fakeIdentity) unpatched() patchedIdentity {
	c := i.copy()
	p := patchedIdentity{
		ExternalID: c.ExternalID, SchemaID: c.SchemaID, State: c.State, CreatedAt: c.CreatedAt,
		Traits: bytes.Clone(c.Traits), MetadataPublic: bytes.Clone(c.MetadataPublic), MetadataAdmin: bytes.Clone(c.MetadataAdmin),
		VerifiableAddresses: c.VerifiableAddresses, RecoveryAddresses: c.RecoveryAddresses,
	}
	if !c.StateChangedAt.IsZero() {
		p.StateChangedAt = &c.StateChangedAt
	}
	return p
}

func (i *fakeIdentity) applyPatched(p patchedIdentity, o FakeOptions, now time.Time) (reply, bool) {
	i.SchemaID, i.CreatedAt = p.SchemaID, p.CreatedAt
	i.Traits, i.MetadataPublic, i.MetadataAdmin = p.Traits, p.MetadataPublic, p.MetadataAdmin
	i.VerifiableAddresses, i.RecoveryAddresses = p.VerifiableAddresses, p.RecoveryAddresses
	i.StateChangedAt = time.Time{}
	if p.StateChangedAt != nil {
		i.StateChangedAt = o.stored(*p.StateChangedAt)
	}
	if !i.setState(o, p.State, now) {
		return badRequest(fmt.Sprintf("the state %q is not valid", p.State))
	}
	if o.ExternalIDs {
		i.ExternalID, i.UpdatedAt = p.ExternalID, o.written(now)
	}
	for n := range i.VerifiableAddresses {
		if a := &i.VerifiableAddresses[n]; a.Verified && a.VerifiedAt.IsZero() {
			a.VerifiedAt = now.UTC()
		}
	}
	return i.checkAndDerive(o)
}
