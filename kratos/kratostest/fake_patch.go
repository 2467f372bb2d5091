package kratostest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

type shownAddress struct {
	ID         uuid.UUID `json:"id"`
	Value      string    `json:"value"`
	Verified   bool      `json:"verified"`
	Via        string    `json:"via"`
	Status     string    `json:"status"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// keepMailbox keeps what is known of the address, as long as it is that of the
// traits.
func (i *fakeIdentity) keepMailbox() {
	if i.mailbox.Value != i.address {
		i.mailbox = shownAddress{ID: uuid.New(), Value: i.address, Via: "email", Status: "pending"}
	}
}

// patchOp is an operation of a JSON Patch.
type patchOp struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

const addressesPath = "/verifiable_addresses/"

// patch takes any content type, as Kratos does.
func (f *Fake) patch(id uuid.UUID, body []byte) reply {
	var answer reply
	found, _ := f.identity.change(id, func(i *fakeIdentity) bool {
		if r, ok := i.patch(body, f.options.ExternalIDs); !ok {
			answer = r
			return false
		}
		answer = jsonReply(http.StatusOK, i.show(nil))
		return true
	})
	if !found {
		return notFound()
	}
	return answer
}

// patch knows the members of the one verifiable address. hugeNumbers says that
// it can patch around a number too large for floating point.
func (i *fakeIdentity) patch(body []byte, hugeNumbers bool) (reply, bool) {
	bad := func(err error) (reply, bool) {
		return refusal(http.StatusBadRequest, "the JSON patch cannot be applied", err.Error()), false
	}
	var ops []patchOp
	if err := json.Unmarshal(body, &ops); err != nil {
		return bad(err)
	}
	// Kratos v1.3.1 keeps such a number, and then refuses any PATCH.
	for _, raw := range []json.RawMessage{i.Traits, i.MetadataPublic, i.MetadataAdmin} {
		var value any
		if !hugeNumbers && len(raw) > 0 && json.Unmarshal(raw, &value) != nil {
			return bad(fmt.Errorf("cannot unmarshal %s", raw))
		}
	}
	for _, op := range ops {
		switch {
		case op.Op != "replace" && op.Op != "add":
			return bad(fmt.Errorf("unsupported operation: %s", op.Op))
		case slices.Contains([]string{"/id", "/stateChangedAt", "/credentials"}, op.Path):
			return bad(fmt.Errorf("patch includes denied path: %s", op.Path))
		}
		at, name, ok := strings.Cut(strings.TrimPrefix(op.Path, addressesPath), "/")
		if !ok || !strings.HasPrefix(op.Path, addressesPath) {
			return refusal(http.StatusNotImplemented, "the fake patches verifiable addresses alone", "not implemented"), false
		}
		place, err := strconv.ParseUint(at, 10, 31)
		if err != nil {
			return bad(err)
		}
		if place > 0 {
			continue // Kratos makes room for it, and then drops what the traits do not have
		}
		member, err := json.Marshal(map[string]json.RawMessage{name: op.Value})
		if err != nil {
			return bad(err)
		}
		if err := json.Unmarshal(member, &i.mailbox); err != nil {
			return bad(err)
		}
	}
	if i.mailbox.Verified && i.mailbox.VerifiedAt.IsZero() {
		i.mailbox.VerifiedAt = time.Now().UTC()
	}
	i.keepMailbox()
	return reply{}, true
}
