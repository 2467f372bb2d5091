package webhook

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Values of the samples. None of them is a secret.
var (
	sampleInvitation   = uuid.MustParse("01970c5e-8a11-7c3e-9f54-3c1d2a7b9e60")
	sampleIdentity     = uuid.MustParse("5f0c2f36-0b7a-4d5a-8a0e-6f0f2ac1d9b4")
	sampleImport       = uuid.MustParse("01970c5e-8a10-7a4f-b1c5-0e6f7d3a9c42")
	sampleMessage      = uuid.MustParse("01970c5e-8a12-7d0b-8c64-a1f09b7c52aa")
	sampleInviter      = uuid.MustParse("8d1f6c1e-2f0b-4b57-9a60-1c55a8e1f7d3")
	sampleOrganization = uuid.MustParse("c0a1f3b2-7a4e-4f0e-8a77-3b1d5f2e9c10")
	sampleEntry        = uuid.MustParse("01970c5e-8a13-7e5c-a2d9-6b0c4f8e1d37")
	sampleTime         = time.Date(2026, 5, 26, 9, 0, 0, 123456000, time.UTC)
)

const (
	sampleToken = "q83vEjRWTHiavN7wEjRWeA" //nolint:gosec // of no invitation
	sampleLink  = "https://join.example.com/invite/" + sampleToken
)

// fullSample returns a payload of event in which every possible field is set.
func fullSample(event bridge.Event) bridge.Payload {
	p := bareSample(event)
	if event == bridge.EventPreInviter {
		p.Data.Inviter.OrganizationID = sampleOrganization
		p.Data.Inviter.Traits = json.RawMessage(`{"email":"grace@example.com","name":"Grace Hopper"}`)
		p.Data.Inviter.MetadataPublic = json.RawMessage(`{"roles":["lead"]}`)
		return p
	}
	view, data := &p.Data.Invitation, &p.Data
	if event == bridge.EventImportFinished {
		data.Import.CreatedBy, data.Import.StartAt, data.Import.Reinvite = bridge.ByKey("backend"), sampleTime.Add(time.Minute), []bridge.State{bridge.StateExpired}
		data.Import.WaveSize, data.Import.WaveEvery = 500, "24h0m0s"
		return p
	}
	view.CreatedBy, view.ImportID = bridge.ByKey("backend"), sampleImport
	view.InviterID, view.InviterName, view.Locale, view.ReturnTo = "42", "Grace Hopper", "en", "https://app.example.com/welcome"
	view.InviterEmail, view.TimeZone, view.Traits = "grace@example.com", "Europe/Berlin", map[string]string{"name.first": "Ada"}
	if view.State == bridge.StatePending {
		view.NextReminderAt = view.ExpiresAt.Add(-2 * time.Hour)
	}
	if event == bridge.EventPreInvitation {
		data.Reactivate = true
		return p
	}
	view.Origin = bridge.OriginCreated
	view.SentAt, view.SendCount, view.Delivery = sampleTime.Add(2*time.Second), 1, bridge.DeliverySent
	view.ReminderCount = 1
	switch event {
	case bridge.EventReminder:
		view.Delivery = bridge.DeliveryQueued
		data.Token, data.Link = sampleToken, sampleLink
	case bridge.EventTokenCreated:
		data.Token, data.Link = sampleToken, sampleLink
	case bridge.EventDeliveryFailed:
		data.Message.Detail = "the mail server refused the address"
		view.SentAt, view.SendCount, view.Delivery = time.Time{}, 0, bridge.DeliveryFailed
	case bridge.EventPrePassword:
		data.Method = bridge.AcceptPassword
	case bridge.EventPostPassword:
		data.Method = bridge.AcceptPassword
		view.Origin, view.Cleaned = bridge.OriginReactivated, []string{"password", "sessions"}
		view.Method = bridge.AcceptPassword
		view.RevokedAt, data.Late = sampleTime.Add(59*time.Minute), true
	case bridge.EventInvitationRevoked:
		view.RevokeRequestedAt = sampleTime.Add(59 * time.Minute)
	case bridge.EventHistoryEntry:
		view.CreatedBy, view.Delivery = bridge.ByKey("backend"), bridge.DeliveryQueued
		view.SentAt, view.SendCount, view.ReminderCount = time.Time{}, 0, 0
		p.Timestamp, data.Entry.At, data.Entry.Action = sampleTime, sampleTime, bridge.ActionInvited
		data.Entry.By, data.Entry.RequestID = view.CreatedBy.Actor(), "9b2d6c1e-4f0a-4c7b-8e3d-5a1f0c9b7d62"
	case bridge.EventInvitationExpired, bridge.EventPreInvitation, bridge.EventPreInviter, bridge.EventImportFinished:
	}
	return p
}

// bareSample returns a payload of event without any optional field.
func bareSample(event bridge.Event) bridge.Payload {
	if event == bridge.EventImportFinished {
		return importSample()
	}
	if event == bridge.EventPreInviter {
		return bridge.Payload{Type: event, Timestamp: sampleTime, Data: bridge.PayloadData{
			Inviter: &bridge.Inviter{ID: sampleInviter, SchemaID: "default", AAL: "aal1"},
		}}
	}
	p := bridge.Payload{Type: event, Timestamp: sampleTime, Data: bridge.PayloadData{Invitation: bridge.InvitationView{
		ID: sampleInvitation, Email: "ada@example.com", State: bridge.StatePending, SchemaID: "default",
		CreatedAt: sampleTime, UpdatedAt: sampleTime, ExpiresAt: sampleTime.Add(24 * time.Hour), Delivery: bridge.DeliveryOff,
	}}}
	view, data := &p.Data.Invitation, &p.Data
	if event != bridge.EventPreInvitation {
		data.IdentityID, view.IdentityID = sampleIdentity, sampleIdentity
	}
	later := sampleTime.Add(time.Hour)
	switch event {
	case bridge.EventReminder:
		view.ReminderCount, p.Timestamp = 1, view.ExpiresAt.Add(-6*time.Hour)
	case bridge.EventPostPassword:
		view.State, view.AcceptedAt, view.UpdatedAt, p.Timestamp = bridge.StateAccepted, later, later, later
	case bridge.EventInvitationRevoked:
		view.State, view.RevokedAt, view.UpdatedAt, p.Timestamp = bridge.StateRevoked, later, later, later
		data.Reason = bridge.ReasonRequested
	case bridge.EventInvitationExpired:
		view.State, p.Timestamp = bridge.StateExpired, view.ExpiresAt
		view.UpdatedAt = view.ExpiresAt
	case bridge.EventDeliveryFailed:
		data.Message = &bridge.FailedMessage{ID: sampleMessage, Event: bridge.EventTokenCreated, Endpoint: bridge.EndpointCourier}
	case bridge.EventHistoryEntry:
		p.Timestamp = view.ExpiresAt.Add(-6 * time.Hour)
		data.Entry = &bridge.HistoryEntry{
			ID: sampleEntry, InvitationID: sampleInvitation, At: p.Timestamp, Action: bridge.ActionReminded, By: bridge.Actor{Kind: bridge.ActorBridge},
		}
	case bridge.EventPreInvitation, bridge.EventPreInviter, bridge.EventTokenCreated, bridge.EventPrePassword, bridge.EventImportFinished:
	}
	return p
}

func importSample() bridge.Payload {
	end := sampleTime.Add(time.Hour)
	return bridge.Payload{Type: bridge.EventImportFinished, Timestamp: end, Data: bridge.PayloadData{Import: &bridge.ImportView{
		ID: sampleImport, State: bridge.ImportFinished, CreatedAt: sampleTime, UpdatedAt: end, FinishedAt: end,
		Rows: 1000, Counts: bridge.ImportCounts{Invited: 990, AlreadyActive: 7, Duplicate: 1, Failed: 2},
	}}}
}
