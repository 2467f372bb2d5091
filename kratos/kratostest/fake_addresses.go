package kratostest

import (
	"time"

	"github.com/google/uuid"
)

const viaEmail = "email"

// shownAddress is a verifiable address.
type shownAddress struct {
	ID         uuid.UUID `json:"id"`
	Value      string    `json:"value"`
	Verified   bool      `json:"verified"`
	Via        string    `json:"via"`
	Status     string    `json:"status"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

type recoveryAddress struct {
	ID    uuid.UUID `json:"id"`
	Value string    `json:"value"`
	Via   string    `json:"via"`
}

// deriveAddresses keeps the known addresses that the traits still contain, adds
// new ones and drops the others.
func (i *fakeIdentity) deriveAddresses(d derived) {
	verifiable := make([]shownAddress, 0, len(d.verifiable))
	for _, value := range d.verifiable {
		address := shownAddress{ID: uuid.New(), Value: value, Via: viaEmail, Status: "pending"}
		for _, known := range i.VerifiableAddresses {
			if known.Value == value && known.Via == viaEmail {
				address = known
				break
			}
		}
		verifiable = append(verifiable, address)
	}
	recovery := make([]recoveryAddress, 0, len(d.recovery))
	for _, value := range d.recovery {
		address := recoveryAddress{ID: uuid.New(), Value: value, Via: viaEmail}
		for _, known := range i.RecoveryAddresses {
			if known.Value == value && known.Via == viaEmail {
				address = known
				break
			}
		}
		recovery = append(recovery, address)
	}
	i.VerifiableAddresses, i.RecoveryAddresses = verifiable, recovery
}
