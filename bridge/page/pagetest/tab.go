package pagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds every wait for the browser.
const patience = 15 * time.Second

// Options is the browser an invitee has. Its zero value is a laptop with a
// light scheme that asks for English.
type Options struct {
	Width, Height int64  // of the window, in CSS pixels; default 1280 by 800
	Mobile        bool   // a touch screen that heeds the page's viewport
	Dark          bool   // the invitee prefers a dark scheme
	Language      string // such as "de-DE": of the browser, and what it accepts
	NoScript      bool   // scripts of pages do not run
}

// Tab is one tab with cookies and cache of its own. Its methods fail the test
// where the browser cannot do what is asked. It is for one goroutine.
type Tab struct {
	t       testing.TB
	ctx     context.Context
	options Options
	log     *recorder
}

// Open gives an empty tab that is closed when the test ends.
func Open(t testing.TB, o Options) *Tab {
	t.Helper()
	o.Width, o.Height, o.Language = cmp.Or(o.Width, 1280), cmp.Or(o.Height, 800), cmp.Or(o.Language, "en-US")
	tab := &Tab{t: t, options: o, log: newRecorder()}
	parent := running(t)
	ctx, closeTab := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(tab.log.see))
	t.Cleanup(closeTab)
	tab.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // opens it; its life is that of this context
		t.Fatal(err)
	}
	version := command(tab, browser.GetVersion, cdp.Empty{})
	command(tab, network.Enable, network.EnableParams{})
	command(tab, audits.Enable, cdp.Empty{})
	command(tab, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		// The name alone would let a page tell this browser from an invitee's.
		UserAgent:      strings.Replace(version.UserAgent, "HeadlessChrome", "Chrome", 1),
		AcceptLanguage: o.Language,
	})
	command(tab, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: strings.ReplaceAll(o.Language, "-", "_")})
	// Several tabs are in front at once: each believes that it has the keyboard.
	command(tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	command(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript})
	command(tab, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: o.Mobile})
	command(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: witness, WorldName: world})
	tab.size(o.Width, o.Height, o.Mobile)
	tab.prefer("no-preference")
	return tab
}

// size gives the window a size.
func (tab *Tab) size(width, height int64, mobile bool) {
	tab.t.Helper()
	command(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: mobile,
	})
}

// prefer has the invitee want this of motion, "reduce" or "no-preference".
func (tab *Tab) prefer(motion string) {
	tab.t.Helper()
	scheme := "light"
	if tab.options.Dark {
		scheme = "dark"
	}
	command(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
	}})
}

// command has the browser do one thing.
func command[P, R any](tab *Tab, c cdp.Command[P, R], params P) R {
	tab.t.Helper()
	return run(tab, func(ctx context.Context, target *chromedp.Target) (R, error) { return cdp.Call(ctx, target, c, params) })
}

// run takes an action, within the bound.
func run[R any](tab *Tab, action chromedp.Action[R]) R {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		tab.t.Fatalf("%v (at %s)", err, tab.log.where())
	}
	return result
}

// evaluate gives what an expression is worth in the page, in a world that the
// page's own scripts cannot see.
func evaluate[R any](tab *Tab, expression string) R {
	tab.t.Helper()
	return run(tab, inWorld[R](expression))
}

func inWorld[R any](expression string) chromedp.Action[R] {
	return func(ctx context.Context, target *chromedp.Target) (R, error) {
		var nothing R
		tree, err := cdp.Call(ctx, target, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return nothing, err
		}
		w, err := cdp.Call(ctx, target, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: world})
		if err != nil {
			return nothing, err
		}
		return chromedp.Evaluate[R](expression, func(p *runtime.EvaluateParams) { p.ContextID = w.ExecutionContextID })(ctx, target)
	}
}

// until waits until an expression is true. A page that is just leaving is asked
// again.
func (tab *Tab) until(what, expression string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		yes, err := chromedp.Run(ctx, inWorld[bool](expression))
		if yes {
			return
		}
		var thrown *chromedp.ExceptionError
		if errors.As(err, &thrown) {
			tab.t.Fatal(err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			text := evaluate[string](tab, `document.documentElement.innerText`)
			tab.t.Fatal(fmt.Errorf("%s: not within %v; at %s there is\n%s", what, patience, tab.log.where(), text))
		}
	}
}
