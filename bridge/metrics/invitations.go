package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"invitebridge/bridge"
)

// invitations counts what has happened to invitations, and their messages.
type invitations struct {
	created, sent, opened, accepted, expired, revoked, givenUp, unreadable prometheus.Counter
	age                                                                    prometheus.Histogram
}

const minute, hour, day = 60.0, 3600.0, 86400.0

func newInvitations() invitations {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name + "_total", Help: help})
	}
	return invitations{
		created:  counter("invitations_created", "Invitations that were created. Inviting somebody again, or a resend, is not counted."),
		sent:     counter("invitations_sent", "Letters to invitees that the mail system took over; an invitation may have several."),
		opened:   counter("invitations_opened", "Looks at a token that can be used, whoever looked: scanners of mail do so too."),
		accepted: counter("invitations_accepted", "Invitations that were accepted."),
		expired:  counter("invitations_expired", "Invitations that expired. One that is revived can expire again."),
		revoked:  counter("invitations_revoked", "Invitations that were revoked, or closed because their identity is gone, or was used or changed by others."),
		givenUp:  counter("outbox_given_up", "Messages that will not be attempted again, unless somebody retries them."),
		unreadable: counter("unreadable_identities",
			"Looks of a sweep at identities that Kratos could not show. Each is looked at again, after pauses of up to an hour."),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "invitation_acceptance_seconds", Help: "Time from the creation of an invitation to its acceptance.",
			Buckets: []float64{minute, 5 * minute, 15 * minute, hour, 4 * hour, 12 * hour, day, 2 * day, 4 * day, 7 * day, 14 * day, 30 * day},
		}),
	}
}

func (i invitations) collectors() []prometheus.Collector {
	return []prometheus.Collector{i.created, i.sent, i.opened, i.accepted, i.expired, i.revoked, i.givenUp, i.unreadable, i.age}
}

func (i invitations) count(t bridge.Tally) {
	i.created.Add(float64(t.Created))
	i.sent.Add(float64(t.Sent))
	i.opened.Add(float64(t.Opened))
	i.accepted.Add(float64(len(t.Accepted)))
	i.expired.Add(float64(t.Expired))
	i.revoked.Add(float64(t.Revoked))
	i.givenUp.Add(float64(t.GivenUp))
	i.unreadable.Add(float64(t.Unreadable))
	for _, took := range t.Accepted {
		i.age.Observe(took.Seconds())
	}
}
