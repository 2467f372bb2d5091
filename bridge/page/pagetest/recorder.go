package pagetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// recorder takes the browser's events. Those of one request come in any order.
type recorder struct {
	mu       sync.Mutex
	changed  chan struct{} // closed and renewed with each event
	requests []*exchange
	late     map[network.RequestID][]*network.EventRequestWillBeSentExtraInfo
	at       string // the address of the page
	Log
}

type exchange struct {
	id      network.RequestID
	done    bool
	headers bool // as they went out are known
	Request
}

func newRecorder() *recorder {
	return &recorder{changed: make(chan struct{}), late: make(map[network.RequestID][]*network.EventRequestWillBeSentExtraInfo)}
}

func (r *recorder) see(event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		r.sent(e)
	case *network.EventRequestWillBeSentExtraInfo:
		r.late[e.RequestID] = append(r.late[e.RequestID], e)
		r.match(e.RequestID)
	case *network.EventResponseReceived:
		r.each(e.RequestID, func(x *exchange) { x.Status = int(e.Response.Status) })
	case *network.EventLoadingFinished:
		r.each(e.RequestID, func(x *exchange) { x.Size, x.done = int64(e.EncodedDataLength), true })
	case *network.EventLoadingFailed:
		r.each(e.RequestID, func(x *exchange) { x.Failure, x.done = e.ErrorText, true })
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			r.at = e.Frame.URL
		}
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork { // the request tells its status itself
			r.complain("%s: %s", e.Entry.Source, e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		r.complain("console.%s: %s", e.Type, spoken(e.Args))
	case *runtime.EventExceptionThrown:
		r.complain("exception: %s", (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *audits.EventIssueAdded:
		details, _ := json.Marshal(e.Issue.Details)
		r.complain("issue: %s %s", e.Issue.Code, details)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *recorder) complain(format string, a ...any) {
	r.Complaints = append(r.Complaints, fmt.Sprintf(format, a...))
}

// sent notes a request, which may be what a redirect made of the one before.
func (r *recorder) sent(e *network.EventRequestWillBeSent) {
	if strings.HasPrefix(e.Request.URL, "data:") {
		return
	}
	if answer := e.RedirectResponse; answer != nil {
		r.each(e.RequestID, func(x *exchange) {
			x.Status, x.Size, x.done = int(answer.Status), int64(answer.EncodedDataLength), true
		})
	}
	r.requests = append(r.requests, &exchange{id: e.RequestID, Request: Request{
		Method: e.Request.Method, URL: e.Request.URL, Type: string(e.Type), Initiator: string(e.Initiator.Type),
		Header:   header(e.Request.Headers),
		Blocking: e.RenderBlockingBehavior == network.RenderBlockingBehaviorBlocking || e.RenderBlockingBehavior == network.RenderBlockingBehaviorInBodyParserBlocking,
	}})
	r.match(e.RequestID)
}

// match gives the requests of an id their headers, first to first.
func (r *recorder) match(id network.RequestID) {
	for _, x := range r.requests {
		if x.id == id && !x.headers && len(r.late[id]) > 0 {
			x.Header, x.headers = header(r.late[id][0].Headers), true
			r.late[id] = r.late[id][1:]
		}
	}
}

// each changes the open request of an id.
func (r *recorder) each(id network.RequestID, change func(*exchange)) {
	for _, x := range r.requests {
		if x.id == id && !x.done {
			change(x)
		}
	}
}

func (r *recorder) where() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

// count gives the number of requests made.
func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.requests)
}

// await waits, within the bound, until such holds after an event. such reads
// the recorder, which is locked.
func (r *recorder) await(ctx context.Context, such func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		r.mu.Lock()
		holds, changed := such(), r.changed
		r.mu.Unlock()
		if holds {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// settled gives the log once no request is open.
func (r *recorder) settled(ctx context.Context) Log {
	var l Log
	r.await(ctx, func() bool {
		l = Log{Complaints: slices.Compact(slices.Sorted(slices.Values(r.Complaints)))}
		for _, x := range r.requests {
			l.Requests = append(l.Requests, x.Request)
		}
		return !slices.ContainsFunc(r.requests, func(x *exchange) bool { return !x.done })
	})
	return l
}

func header(sent network.Headers) http.Header {
	h := make(http.Header)
	for name, value := range sent {
		h.Set(name, fmt.Sprint(value))
	}
	return h
}

// spoken gives what was written to the console.
func spoken(args []*runtime.RemoteObject) string {
	var words []string
	for _, arg := range args {
		words = append(words, cmp.Or(strings.Trim(string(arg.Value), `"`), arg.Description))
	}
	return strings.Join(words, " ")
}
