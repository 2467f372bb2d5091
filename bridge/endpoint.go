package bridge

import (
	"context"
	"time"
)

// Endpoint is a place that messages go to: a hook, or EndpointCourier. The JSON
// is that of the admin API.
type Endpoint struct {
	ID    string        `json:"id"`
	State EndpointState `json:"state"`
	// DisabledAt is when the attempt began that disabled it.
	DisabledAt time.Time `json:"disabled_at,omitzero"`
}

// EndpointState says whether messages are attempted.
type EndpointState string

// The states. A receiver disables its endpoint, see [Disabled].
const (
	EndpointEnabled  EndpointState = "enabled"
	EndpointDisabled EndpointState = "disabled"
)

// EndpointStates returns every state.
func EndpointStates() []EndpointState { return []EndpointState{EndpointEnabled, EndpointDisabled} }

// Outbox knows the endpoints of the process that delivers. It is safe for
// concurrent use, and none of its methods blocks.
type Outbox interface {
	// Endpoints gives all endpoints, sorted by id.
	Endpoints() []Endpoint
	// Enable has a disabled endpoint attempted again, with what is due at once.
	// One that is enabled stays as it is. False: there is no such endpoint.
	Enable(id string) bool
}

// Endpoints gives all endpoints, sorted by id; none without an outbox.
func (s *Service) Endpoints() []Endpoint {
	if s.config.Outbox == nil {
		return nil
	}
	return s.config.Outbox.Endpoints()
}

// EnableEndpoint ends the disabling of an endpoint. ErrEndpointNotFound.
func (s *Service) EnableEndpoint(_ context.Context, id string) (Endpoint, error) {
	if s.config.Outbox == nil || !s.config.Outbox.Enable(id) {
		return Endpoint{}, ErrEndpointNotFound
	}
	return Endpoint{ID: id, State: EndpointEnabled}, nil
}

// disabled says whether an endpoint is attempted no more.
func (s *Service) disabled(id string) bool {
	for _, e := range s.Endpoints() {
		if e.ID == id {
			return e.State == EndpointDisabled
		}
	}
	return false
}
