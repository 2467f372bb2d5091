package pagetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"invitebridge/bridge/testenv"
)

// EnvChromium is the environment variable with the path of Chromium, for when it
// is not in PATH under its usual names.
const EnvChromium = "CHROMIUM_BIN"

var errNoChromium = errors.New("no Chromium found: install it (on Debian: apt-get install chromium), or set its path in " + EnvChromium)

// shared is the browser of this test binary. It is started by the first test that
// needs it and stopped by Main.
var shared struct {
	sync.Mutex
	inMain bool
	ctx    context.Context
	stop   func()
	err    error
}

// Main runs the tests of a binary, stops the browser they used and returns the
// exit code. m is a *[testing.M] or a wrapper of one.
func Main(m interface{ Run() int }) int {
	shared.Lock()
	shared.inMain = true
	shared.Unlock()
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.stop != nil {
		shared.stop()
	}
	return code
}

// browserContext returns the context of the browser, which it starts if needed.
func browserContext(t testing.TB) context.Context {
	t.Helper()
	testenv.SkipIfShort(t, "Chromium")
	shared.Lock()
	defer shared.Unlock()
	if !shared.inMain {
		t.Fatal("TestMain of this package does not call pagetest.Main")
	}
	if shared.ctx == nil && shared.err == nil {
		shared.ctx, shared.stop, shared.err = start()
	}
	if errors.Is(shared.err, errNoChromium) && os.Getenv("CI") != "true" {
		t.Skip(shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.ctx
}

func start() (context.Context, func(), error) {
	program, err := findChromium()
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		// Neither the page nor the browser itself reaches another host.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en-US"),
	)
	if os.Geteuid() == 0 { // as root, Chromium refuses to start with its sandbox
		options = append(options, chromedp.NoSandbox)
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	stop := func() { closeBrowser(); release() }
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, fmt.Errorf("starting %s: %w", program, err)
	}
	return ctx, stop, nil
}

// findChromium returns the path of the browser.
func findChromium() (string, error) {
	if program := os.Getenv(EnvChromium); program != "" {
		path, err := exec.LookPath(program)
		if err != nil {
			return "", fmt.Errorf("%s: %w", EnvChromium, err)
		}
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoChromium
}
