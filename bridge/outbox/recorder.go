package outbox

import (
	"context"
	"log/slog"
	"time"

	"invitebridge/bridge"
)

const (
	// recordDelay is how long the first result waits for others, so that they share
	// a commit. If the process dies meanwhile, the messages are sent again.
	recordDelay = 50 * time.Millisecond
	// maxRecorded bounds the results of one commit. While as many wait for the
	// store, attempts keep their slots.
	maxRecorded = 128
)

// recorder commits the results of attempts. It is shared by all endpoints.
type recorder struct {
	queue   Queue
	log     *slog.Logger
	wake    func(endpoint string)
	results chan bridge.FinishedMessage
	done    chan struct{}
}

func newRecorder(queue Queue, log *slog.Logger, wake func(endpoint string)) *recorder {
	r := &recorder{queue: queue, log: log, wake: wake, results: make(chan bridge.FinishedMessage, maxRecorded), done: make(chan struct{})}
	go r.run()
	return r
}

// close commits what is left. No attempt may be running.
func (r *recorder) close() {
	close(r.results)
	<-r.done
}

func (r *recorder) run() {
	defer close(r.done)
	for first := range r.results {
		r.commit(r.gather(first))
	}
}

// gather returns the results that share a commit with the first one.
func (r *recorder) gather(first bridge.FinishedMessage) []bridge.FinishedMessage {
	group := []bridge.FinishedMessage{first}
	timer := time.NewTimer(recordDelay)
	defer timer.Stop()
	for len(group) < maxRecorded {
		select {
		case f, ok := <-r.results:
			if !ok {
				return group
			}
			group = append(group, f)
		case <-timer.C:
			return group
		}
	}
	return group
}

// commit commits even during shutdown: otherwise the messages would be sent twice.
func (r *recorder) commit(group []bridge.FinishedMessage) {
	err := r.queue.FinishMessages(context.Background(), group...)
	for _, f := range group {
		d := f.Claimed.Dispatch
		if err != nil {
			r.log.Error("the result of an attempt could not be recorded; the attempt will be repeated", "endpoint", d.Endpoint, "message_id", d.MessageID, "cause", err.Error())
		}
		if err != nil || f.Result.Outcome == bridge.AttemptRetry {
			r.wake(d.Endpoint) // the next due time has changed
		}
	}
}
