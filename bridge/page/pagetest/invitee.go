package pagetest

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Special keys for Press.
const (
	Enter     = kb.Enter
	TabKey    = kb.Tab
	Backspace = kb.Backspace
)

// Visit opens a URL and waits until the page is loaded.
func (tab *Tab) Visit(address string) {
	tab.t.Helper()
	run(tab, chromedp.Navigate(address))
}

// See waits until the page contains a text, ignoring case.
func (tab *Tab) See(words string) {
	tab.t.Helper()
	tab.waitUntil("the text "+quote(words), `document.body !== null && document.body.innerText.toLowerCase().includes(`+quote(words)+`.toLowerCase())`)
}

// Await waits until an element that matches a CSS selector is visible.
func (tab *Tab) Await(selector string) {
	tab.t.Helper()
	tab.waitUntil(selector, `[...document.querySelectorAll(`+quote(selector)+`)].some((e) => e.checkVisibility({visibilityProperty: true}))`)
}

// At waits until the page's URL has a prefix.
func (tab *Tab) At(prefix string) {
	tab.t.Helper()
	tab.waitUntil("the URL "+prefix, `location.href.startsWith(`+quote(prefix)+`)`)
}

// Follow calls what, which must lead to another document, and waits until that is
// loaded. It returns the HTTP status of the document.
func (tab *Tab) Follow(what func()) int {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, browserTimeout)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, chromedp.Func(func(context.Context, *chromedp.Target) error {
		what()
		return nil
	}))
	if err != nil {
		tab.t.Fatalf("no other document was loaded: %v (at %s)", err, tab.log.currentURL())
	}
	return int(answer.Status)
}

// Press presses the keys of a text, one after the other, at the current focus.
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	run(tab, chromedp.KeyEvent(keys))
}

// Fill replaces the content of a field at once, as a password manager does.
func (tab *Tab) Fill(selector, text string) {
	tab.t.Helper()
	evaluate[chromedp.Void](tab, `{ const field = document.querySelector(`+quote(selector)+`); field.focus(); field.select() }`)
	command(tab, input.InsertText, input.InsertTextParams{Text: text})
}

// Click clicks the middle of an element, and hits any element that covers it. It
// does not wait for the result.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	at := tab.middle(selector)
	run(tab, chromedp.MouseClickXY(at[0], at[1]))
}

// ClickTwice clicks, and clicks the same place again while the request of the
// first click is in flight, as users do on a slow network. The server must delay
// its response until then. The test fails if the first click causes no request.
func (tab *Tab) ClickTwice(selector string) {
	tab.t.Helper()
	at := tab.middle(selector)
	before := tab.log.count()
	run(tab, chromedp.MouseClickXY(at[0], at[1]))
	// While a navigation is pending the browser cannot evaluate scripts in the page.
	if !tab.log.await(tab.ctx, func() bool { return len(tab.log.requests) > before }) {
		tab.t.Fatalf("%s: the click caused no request", selector)
	}
	run(tab, chromedp.MouseClickXY(at[0], at[1]))
}

// middle scrolls an element into view and returns the position of its center in
// the window.
func (tab *Tab) middle(selector string) [2]float64 {
	tab.t.Helper()
	tab.Await(selector)
	return evaluate[[2]float64](tab, `(() => {
		const element = document.querySelector(`+quote(selector)+`);
		element.scrollIntoView({ block: "center", behavior: "instant" });
		const box = element.getBoundingClientRect();
		return [box.left + box.width / 2, box.top + box.height / 2];
	})()`)
}

// DoubleSubmit clicks twice before the page can react, as a trembling hand does.
// For a plain form a browser sends only the second request.
func (tab *Tab) DoubleSubmit(selector string) {
	tab.t.Helper()
	evaluate[chromedp.Void](tab, `{ const button = document.querySelector(`+quote(selector)+`); button.click(); button.click() }`)
}

// Reload reloads the page. A submitted form is submitted again, as if the invitee
// had confirmed that.
func (tab *Tab) Reload() {
	tab.t.Helper()
	run(tab, chromedp.Reload())
}

// Back goes back by one page.
func (tab *Tab) Back() {
	tab.t.Helper()
	run(tab, chromedp.WaitEvent(page.FrameNavigated, nil, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		history, err := cdp.Call(ctx, target, page.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return err
		}
		if history.CurrentIndex == 0 {
			return errors.New("there is no page before this one")
		}
		before := history.Entries[history.CurrentIndex-1]
		_, err = cdp.Call(ctx, target, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: before.ID})
		return err
	})))
	tab.waitUntil("the previous page", `document.readyState === "complete"`)
}

// Disconnect cuts the network connection.
func (tab *Tab) Disconnect() { tab.t.Helper(); tab.network(network.Conditions{Offline: true}) }

// SlowNetwork makes the network as slow as a bad mobile connection.
func (tab *Tab) SlowNetwork() {
	tab.t.Helper()
	tab.network(network.Conditions{Latency: 400, DownloadThroughput: 50_000, UploadThroughput: 50_000})
}

// Reconnect restores the network connection at full speed.
func (tab *Tab) Reconnect() {
	tab.t.Helper()
	tab.network(network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
}

func (tab *Tab) network(c network.Conditions) {
	tab.t.Helper()
	command(tab, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{&c},
	})
}

// Value returns the value of a field.
func (tab *Tab) Value(selector string) string {
	tab.t.Helper()
	return evaluate[string](tab, `document.querySelector(`+quote(selector)+`).value`)
}

// Text returns the text of an element.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	return evaluate[string](tab, `document.querySelector(`+quote(selector)+`).innerText.trim()`)
}

// Link returns the URL of a link.
func (tab *Tab) Link(selector string) string {
	tab.t.Helper()
	return evaluate[string](tab, `document.querySelector(`+quote(selector)+`).href`)
}

// Focused returns a short selector of the focused element, or "body".
func (tab *Tab) Focused() string {
	tab.t.Helper()
	return evaluate[string](tab, surveyScript+`.name(document.activeElement)`)
}

// quote returns a text as a JavaScript expression.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // cannot fail for strings
	}
	return string(quoted)
}
