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

// Keys that Press knows by name.
const (
	Enter     = kb.Enter
	TabKey    = kb.Tab
	Backspace = kb.Backspace
)

// Visit opens an address and waits until all of it has come.
func (tab *Tab) Visit(address string) {
	tab.t.Helper()
	run(tab, chromedp.Navigate(address))
}

// See waits for words in the page. They are compared as they stand in the
// document, whatever the style makes of their case.
func (tab *Tab) See(words string) {
	tab.t.Helper()
	tab.until("the words "+quote(words), `document.body !== null && document.body.innerText.toLowerCase().includes(`+quote(words)+`.toLowerCase())`)
}

// Await waits until something that a CSS selector finds is to be seen.
func (tab *Tab) Await(selector string) {
	tab.t.Helper()
	tab.until(selector, `[...document.querySelectorAll(`+quote(selector)+`)].some((e) => e.checkVisibility({visibilityProperty: true}))`)
}

// At waits until the page's address begins so.
func (tab *Tab) At(prefix string) {
	tab.t.Helper()
	tab.until("address "+prefix, `location.href.startsWith(`+quote(prefix)+`)`)
}

// Follow does something that leads to another document and waits until that has
// come. It returns the status of its answer.
func (tab *Tab) Follow(what func()) int {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, chromedp.Func(func(context.Context, *chromedp.Target) error {
		what()
		return nil
	}))
	if err != nil {
		tab.t.Fatalf("no other document came: %v (at %s)", err, tab.log.where())
	}
	return int(answer.Status)
}

// Press presses the keys of a text, one after the other, wherever the focus is.
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	run(tab, chromedp.KeyEvent(keys))
}

// Fill puts a text where a selector finds a field, as a password manager does:
// over what stood there, and in one piece.
func (tab *Tab) Fill(selector, text string) {
	tab.t.Helper()
	evaluate[chromedp.Void](tab, `{ const field = document.querySelector(`+quote(selector)+`); field.focus(); field.select() }`)
	command(tab, input.InsertText, input.InsertTextParams{Text: text})
}

// Click presses and releases the mouse in the middle of what a selector finds,
// and hits whatever lies there. It does not wait for what that leads to.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	at := tab.middle(selector)
	run(tab, chromedp.MouseClickXY(at[0], at[1]))
}

// ClickTwice clicks, and once more at the same place when the request that the
// first click made is on its way: what a slow network tempts to. The server has
// to let that wait. With nothing asked by the first click the test fails.
func (tab *Tab) ClickTwice(selector string) {
	tab.t.Helper()
	at := tab.middle(selector)
	before := tab.log.count()
	run(tab, chromedp.MouseClickXY(at[0], at[1]))
	// While a document is awaited a browser answers no question about the page.
	if !tab.log.await(tab.ctx, func() bool { return len(tab.log.requests) > before }) {
		tab.t.Fatalf("%s: a click asked the network for nothing", selector)
	}
	run(tab, chromedp.MouseClickXY(at[0], at[1]))
}

// middle brings what a selector finds into the window and gives its place there.
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

// DoubleSubmit clicks twice before the page has had time for anything, as a
// trembling hand does. Of a plain form a browser sends the second alone.
func (tab *Tab) DoubleSubmit(selector string) {
	tab.t.Helper()
	evaluate[chromedp.Void](tab, `{ const button = document.querySelector(`+quote(selector)+`); button.click(); button.click() }`)
}

// Reload loads the page anew; a form that was sent is sent again, as by an
// invitee who agrees to it.
func (tab *Tab) Reload() {
	tab.t.Helper()
	run(tab, chromedp.Reload())
}

// Back goes one page back.
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
	tab.until("the page before, complete", `document.readyState === "complete"`)
}

// Cut takes the network away.
func (tab *Tab) Cut() { tab.t.Helper(); tab.network(network.Conditions{Offline: true}) }

// Slow makes the network that of a bad mobile connection.
func (tab *Tab) Slow() {
	tab.t.Helper()
	tab.network(network.Conditions{Latency: 400, DownloadThroughput: 50_000, UploadThroughput: 50_000})
}

// Mend gives the network back.
func (tab *Tab) Mend() {
	tab.t.Helper()
	tab.network(network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
}

func (tab *Tab) network(c network.Conditions) {
	tab.t.Helper()
	command(tab, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{&c},
	})
}

// Value gives what stands in a field.
func (tab *Tab) Value(selector string) string {
	tab.t.Helper()
	return evaluate[string](tab, `document.querySelector(`+quote(selector)+`).value`)
}

// Focused gives what has the focus, as a short selector; "body" if nothing has.
func (tab *Tab) Focused() string {
	tab.t.Helper()
	return evaluate[string](tab, surveyor+`.name(document.activeElement)`)
}

// quote gives a text as an expression.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a text is always JSON
	}
	return string(quoted)
}
