package httpapi_test

import (
	"bytes"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
)

// onRows sets a function that is called when the rows of the next report are read: that
// is its second call of the store, after it has read the import.
func (a *api) onRows(do func()) {
	var calls atomic.Int64
	a.Store.OnCall(func() {
		if calls.Add(1) == 2 {
			do()
		}
	})
}

// beginReport begins a report about the rows of an import. finish lets it read them, and
// waits for the response.
func (a *api) beginReport(id string) (finish func() answer) {
	a.t.Helper()
	begun, resume, done := make(chan struct{}), make(chan struct{}), make(chan answer, 1)
	a.onRows(func() {
		close(begun)
		<-resume
	})
	go func() { done <- a.asAdmin(http.MethodGet, "/imports/"+id+"/rows", nil) }()
	select {
	case <-begun:
	case got := <-done:
		a.t.Fatalf("the report does not wait: %d %s", got.status, got.body)
	case <-time.After(testenv.Limit):
		a.t.Fatal("the report has not begun")
	}
	a.Store.OnCall(nil)
	return func() answer {
		close(resume)
		return <-done
	}
}

// TestConcurrentReports: four reports at a time. Others are refused with a reason for
// people, and uploads are not affected.
func TestConcurrentReports(t *testing.T) {
	a := start(t)
	id := a.importFile("email\nada@example.com\n", "").ID
	c := newClient(t, a.admin)
	rows := func() (string, error) {
		var out bytes.Buffer
		err := c.ImportRows(t.Context(), uuid.MustParse(id), httpapi.ImportRowsQuery{MediaType: httpapi.MediaTypeCSV}, &out)
		return out.String(), err
	}
	var finish []func() answer
	for range 4 {
		finish = append(finish, a.beginReport(id))
	}
	for _, end := range finish {
		for _, other := range []string{key, "another-key-here"} {
			got := do(t, request(t, http.MethodGet, a.admin+base+"/imports/"+id+"/rows", nil, "Authorization", "Bearer "+other))
			if got.status != http.StatusTooManyRequests || got.errorID() != "too_many_requests" || got.header.Get("Retry-After") != "10" {
				t.Errorf("%d %v %s", got.status, got.header, got.body)
			}
		}
		var refused *httpapi.Error
		out, err := rows()
		if !errors.Is(err, bridge.ErrTooManyRequests) || !errors.As(err, &refused) || refused.RetryAfter != 10*time.Second || out != "" {
			t.Errorf("%v, %q", err, out)
		}
		if want := "4 reports about rows are being downloaded. Retry when one has finished."; refused != nil && refused.Reason != want {
			t.Errorf("got %q, want %q", refused.Reason, want)
		}
		if got := a.asAdmin(http.MethodGet, "/imports/"+uuid.NewString()+"/rows", nil); got.status != http.StatusNotFound {
			t.Errorf("of an unknown import: %d %s", got.status, got.body)
		}
		if got := a.asAdmin(http.MethodHead, "/imports/"+id+"/rows", nil); got.status != http.StatusOK {
			t.Errorf("HEAD: %d", got.status)
		}
		a.importFile("email\nbob@example.com\n", "")

		if got := end(); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
		if _, err := rows(); err != nil {
			t.Errorf("when one has finished: %v", err)
		}
		defer a.beginReport(id)() // in its place
	}
}

// TestFailedReports: reports that failed are not counted any more.
func TestFailedReports(t *testing.T) {
	a := start(t)
	id := a.importFile("email\nada@example.com\n", "").ID
	for range 5 {
		a.onRows(func() { panic("a defect") })
		if got := a.asAdmin(http.MethodGet, "/imports/"+id+"/rows", nil); got.status != http.StatusInternalServerError {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	a.Store.OnCall(nil)
	if got := a.asAdmin(http.MethodGet, "/imports/"+id+"/rows", nil); got.status != http.StatusOK {
		t.Errorf("after failures: %d %s", got.status, got.body)
	}
}
