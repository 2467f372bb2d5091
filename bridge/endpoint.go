package bridge

import (
	"context"
	"crypto/sha256"
	"time"
)

// Endpoint is a destination of messages: a hook, or EndpointCourier. The JSON is
// that of the admin API.
type Endpoint struct {
	ID    string        `json:"id"`
	State EndpointState `json:"state"`
	// DisabledAt is the start of the attempt that disabled it.
	DisabledAt time.Time `json:"disabled_at,omitzero"`
}

// DisabledEndpoint is an endpoint that its receiver has disabled, as the processes
// that share a store know it. Settings is the digest of its configuration: another
// configuration is another endpoint.
type DisabledEndpoint struct {
	ID       string
	Settings [sha256.Size]byte
	At       time.Time
}

// EndpointState is whether messages to an endpoint are attempted.
type EndpointState string

// The states. A receiver disables its endpoint, see [AttemptDisabled].
const (
	EndpointEnabled  EndpointState = "enabled"
	EndpointDisabled EndpointState = "disabled"
)

// EndpointStates returns every state.
func EndpointStates() []EndpointState { return []EndpointState{EndpointEnabled, EndpointDisabled} }

// Outbox provides the endpoints of the delivering process. It is safe for
// concurrent use. Endpoints and Reserve do not block.
type Outbox interface {
	// Endpoints returns all endpoints, sorted by id.
	Endpoints() []Endpoint
	// Enable resumes deliveries to a disabled endpoint, in all processes that share
	// the store; due messages are attempted immediately. An enabled endpoint is left
	// unchanged. It returns false if there is no such endpoint. Errors are those of
	// the store.
	Enable(ctx context.Context, id string) (bool, error)
	// Reserve returns a slot for one attempt to an endpoint, and for how long the
	// attempt must be claimed. The slot is nil unless the endpoint is enabled and
	// waits for messages: one that is written now must not overtake those that are
	// due.
	Reserve(endpoint string) (slot Slot, lease time.Duration)
}

// Slot is the permission to make one attempt. Exactly one of its methods is called,
// once; neither blocks.
type Slot interface {
	// Start makes the attempt. The message was claimed by a commit for this attempt.
	Start(m ClaimedMessage)
	// Release gives the slot up.
	Release()
}

// Endpoints returns all endpoints, sorted by id; none without an outbox.
func (s *Service) Endpoints() []Endpoint {
	if s.config.Outbox == nil {
		return nil
	}
	return s.config.Outbox.Endpoints()
}

// EnableEndpoint enables a disabled endpoint.
//
// Errors: ErrEndpointNotFound, ErrStoreUnavailable.
func (s *Service) EnableEndpoint(ctx context.Context, id string) (Endpoint, error) {
	found := false
	if s.config.Outbox != nil {
		var err error
		if found, err = s.config.Outbox.Enable(ctx, id); err != nil {
			return Endpoint{}, storeError(err)
		}
	}
	if !found {
		return Endpoint{}, ErrEndpointNotFound
	}
	return Endpoint{ID: id, State: EndpointEnabled}, nil
}

// disabled reports whether an endpoint is disabled.
func (s *Service) disabled(id string) bool {
	for _, e := range s.Endpoints() {
		if e.ID == id {
			return e.State == EndpointDisabled
		}
	}
	return false
}
