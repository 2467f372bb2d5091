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

	"invitebridge/bridge/testenv"
)

// browserTimeout bounds every wait for the browser.
const browserTimeout = testenv.Limit

// Options describes the invitee's browser. The zero value is a laptop in light
// mode with English as its language.
type Options struct {
	Width, Height int64  // of the window, in CSS pixels; default 1280 by 800
	Mobile        bool   // a touch screen that honors the page's viewport
	Dark          bool   // the invitee prefers dark mode
	Language      string // of the browser and of Accept-Language, such as "de-DE"
	NoScript      bool   // pages cannot run scripts
}

// Tab is a browser tab with its own cookies and cache. Its methods fail the test
// if the browser cannot do what they request. It is not safe for concurrent use.
type Tab struct {
	t       testing.TB
	ctx     context.Context
	options Options
	log     *recorder
}

// Open returns an empty tab. It is closed when the test ends.
func Open(t testing.TB, o Options) *Tab {
	t.Helper()
	o.Width, o.Height, o.Language = cmp.Or(o.Width, 1280), cmp.Or(o.Height, 800), cmp.Or(o.Language, "en-US")
	tab := &Tab{t: t, options: o, log: newRecorder()}
	parent := browserContext(t)
	ctx, closeTab := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(tab.log.record))
	t.Cleanup(closeTab)
	tab.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // opens the tab until this context ends
		t.Fatal(err)
	}
	version := command(tab, browser.GetVersion, cdp.Empty{})
	command(tab, network.Enable, network.EnableParams{})
	command(tab, audits.Enable, cdp.Empty{})
	command(tab, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		// Otherwise a page could recognize a headless browser by its name.
		UserAgent:      strings.Replace(version.UserAgent, "HeadlessChrome", "Chrome", 1),
		AcceptLanguage: o.Language,
	})
	command(tab, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: strings.ReplaceAll(o.Language, "-", "_")})
	// Several tabs are active at once; each must behave as if it had the focus.
	command(tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	command(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript})
	command(tab, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: o.Mobile})
	command(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: liveRegionWatcher, WorldName: isolatedWorld})
	tab.resize(o.Width, o.Height, o.Mobile)
	tab.setMotionPreference("no-preference")
	return tab
}

// resize sets the size of the window.
func (tab *Tab) resize(width, height int64, mobile bool) {
	tab.t.Helper()
	command(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: mobile,
	})
}

// setMotionPreference sets prefers-reduced-motion to "reduce" or "no-preference".
func (tab *Tab) setMotionPreference(motion string) {
	tab.t.Helper()
	scheme := "light"
	if tab.options.Dark {
		scheme = "dark"
	}
	command(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
	}})
}

// command sends one command to the browser and returns its result.
func command[P, R any](tab *Tab, c cdp.Command[P, R], params P) R {
	tab.t.Helper()
	return run(tab, func(ctx context.Context, target *chromedp.Target) (R, error) { return cdp.Call(ctx, target, c, params) })
}

// run runs an action, limited by browserTimeout.
func run[R any](tab *Tab, action chromedp.Action[R]) R {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, browserTimeout)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		tab.t.Fatalf("%v (at %s)", err, tab.log.currentURL())
	}
	return result
}

// evaluate returns the value of an expression in the page, in a world that is
// invisible to the page's own scripts.
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
		w, err := cdp.Call(ctx, target, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: isolatedWorld})
		if err != nil {
			return nothing, err
		}
		return chromedp.Evaluate[R](expression, func(p *runtime.EvaluateParams) { p.ContextID = w.ExecutionContextID })(ctx, target)
	}
}

// waitUntil waits until an expression is true. It tries again if the page is being
// replaced.
func (tab *Tab) waitUntil(what, expression string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, browserTimeout)
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
			tab.t.Fatal(fmt.Errorf("%s: not within %v; %s shows\n%s", what, browserTimeout, tab.log.currentURL(), text))
		}
	}
}
