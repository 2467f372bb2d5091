package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"invitebridge/bridge"
)

// invitations holds the counters of invitations and their messages.
type invitations struct {
	created, sent, opened, accepted, expired, revoked, givenUp, unreadable prometheus.Counter
	rows                                                                   *prometheus.CounterVec
	age                                                                    prometheus.Histogram
}

const minute, hour, day = 60.0, 3600.0, 86400.0

func newInvitations() invitations {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name + "_total", Help: help})
	}
	rows := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "import_rows_total", Help: "Rows of imports and dry runs that got a result.",
	}, []string{"result"})
	for _, result := range bridge.ImportResults() {
		rows.WithLabelValues(string(result))
	}
	return invitations{
		rows:     rows,
		created:  counter("invitations_created", "Invitations created. Inviting the same address again and resending are not counted."),
		sent:     counter("invitations_sent", "Emails to invitees that the mail server accepted. An invitation may have several."),
		opened:   counter("invitations_opened", "Previews of a valid token, including those by mail scanners."),
		accepted: counter("invitations_accepted", "Invitations accepted."),
		expired:  counter("invitations_expired", "Invitations expired. A revived invitation can expire again."),
		revoked:  counter("invitations_revoked", "Invitations revoked, or closed because their identity was deleted, used or changed."),
		givenUp:  counter("outbox_given_up", "Messages that failed for good, unless retried by hand."),
		unreadable: counter("unreadable_identities",
			"Failed reads of identities in sweeps while Kratos is ready. Each is retried, after pauses of up to an hour."),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "invitation_acceptance_seconds", Help: "Time from creation of an invitation to its acceptance.",
			Buckets: []float64{minute, 5 * minute, 15 * minute, hour, 4 * hour, 12 * hour, day, 2 * day, 4 * day, 7 * day, 14 * day, 30 * day},
		}),
	}
}

func (i invitations) collectors() []prometheus.Collector {
	return []prometheus.Collector{i.created, i.sent, i.opened, i.accepted, i.expired, i.revoked, i.givenUp, i.unreadable, i.rows, i.age}
}

func (i invitations) count(t bridge.Counters) {
	i.created.Add(float64(t.Created))
	i.sent.Add(float64(t.Sent))
	i.opened.Add(float64(t.Opened))
	i.accepted.Add(float64(len(t.Accepted)))
	i.expired.Add(float64(t.Expired))
	i.revoked.Add(float64(t.Revoked))
	i.givenUp.Add(float64(t.GivenUp))
	i.unreadable.Add(float64(t.Unreadable))
	for _, result := range bridge.ImportResults() {
		i.rows.WithLabelValues(string(result)).Add(float64(t.ImportRows.Count(result)))
	}
	for _, took := range t.Accepted {
		i.age.Observe(took.Seconds())
	}
}
