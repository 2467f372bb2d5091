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

// recorder collects the browser's events. Those of one request arrive in any order.
type recorder struct {
	mu        sync.Mutex
	changed   chan struct{} // closed and replaced with each event
	requests  []*trackedRequest
	extraInfo map[network.RequestID][]*network.EventRequestWillBeSentExtraInfo
	pageURL   string // the URL of the page
	Log
}

type trackedRequest struct {
	id      network.RequestID
	done    bool
	headers bool // the headers as sent are known
	Request
}

func newRecorder() *recorder {
	return &recorder{changed: make(chan struct{}), extraInfo: make(map[network.RequestID][]*network.EventRequestWillBeSentExtraInfo)}
}

func (r *recorder) record(event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		r.sent(e)
	case *network.EventRequestWillBeSentExtraInfo:
		r.extraInfo[e.RequestID] = append(r.extraInfo[e.RequestID], e)
		r.match(e.RequestID)
	case *network.EventResponseReceived:
		r.updateOpen(e.RequestID, func(x *trackedRequest) { x.Status = int(e.Response.Status) })
	case *network.EventLoadingFinished:
		r.updateOpen(e.RequestID, func(x *trackedRequest) { x.Size, x.done = int64(e.EncodedDataLength), true })
	case *network.EventLoadingFailed:
		r.updateOpen(e.RequestID, func(x *trackedRequest) { x.Failure, x.done = e.ErrorText, true })
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			r.pageURL = e.Frame.URL
		}
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork { // failed requests are recorded with their status
			r.complain("%s: %s", e.Entry.Source, e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		r.complain("console.%s: %s", e.Type, consoleText(e.Args))
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

// sent records a request, which may be the continuation of a redirected one.
func (r *recorder) sent(e *network.EventRequestWillBeSent) {
	if strings.HasPrefix(e.Request.URL, "data:") {
		return
	}
	if answer := e.RedirectResponse; answer != nil {
		r.updateOpen(e.RequestID, func(x *trackedRequest) {
			x.Status, x.Size, x.done = int(answer.Status), int64(answer.EncodedDataLength), true
		})
	}
	r.requests = append(r.requests, &trackedRequest{id: e.RequestID, Request: Request{
		Method: e.Request.Method, URL: e.Request.URL, Type: string(e.Type), Initiator: string(e.Initiator.Type),
		Header:   header(e.Request.Headers),
		Blocking: e.RenderBlockingBehavior == network.RenderBlockingBehaviorBlocking || e.RenderBlockingBehavior == network.RenderBlockingBehaviorInBodyParserBlocking,
	}})
	r.match(e.RequestID)
}

// match assigns received headers to the requests of an id, in order.
func (r *recorder) match(id network.RequestID) {
	for _, x := range r.requests {
		if x.id == id && !x.headers && len(r.extraInfo[id]) > 0 {
			x.Header, x.headers = header(r.extraInfo[id][0].Headers), true
			r.extraInfo[id] = r.extraInfo[id][1:]
		}
	}
}

// updateOpen changes the unfinished request of an id.
func (r *recorder) updateOpen(id network.RequestID, change func(*trackedRequest)) {
	for _, x := range r.requests {
		if x.id == id && !x.done {
			change(x)
		}
	}
}

func (r *recorder) currentURL() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pageURL
}

// count returns the number of requests made.
func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.requests)
}

// await waits, limited by browserTimeout, until the condition such holds. It calls
// such with the recorder locked. It reports whether such holds.
func (r *recorder) await(ctx context.Context, such func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, browserTimeout)
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

// whenIdle returns the log once no request is unfinished.
func (r *recorder) whenIdle(ctx context.Context) Log {
	var l Log
	r.await(ctx, func() bool {
		l = Log{Complaints: slices.Compact(slices.Sorted(slices.Values(r.Complaints)))}
		for _, x := range r.requests {
			l.Requests = append(l.Requests, x.Request)
		}
		return !slices.ContainsFunc(r.requests, func(x *trackedRequest) bool { return !x.done })
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

// consoleText returns the text of a console message.
func consoleText(args []*runtime.RemoteObject) string {
	var words []string
	for _, arg := range args {
		words = append(words, cmp.Or(strings.Trim(string(arg.Value), `"`), arg.Description))
	}
	return strings.Join(words, " ")
}
