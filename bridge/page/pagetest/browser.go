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
)

// EnvChromium names the browser's program where it is not found by its name.
const EnvChromium = "CHROMIUM_BIN"

var errNoChromium = errors.New("no Chromium: install it (on Debian, apt-get install chromium), or name its program in " + EnvChromium)

// shared is the browser of this test binary. Its start is put off until a test
// wants it, and its life is that of Main.
var shared struct {
	sync.Mutex
	inMain bool
	ctx    context.Context
	stop   func()
	err    error
}

// Main runs the tests of a binary, a *[testing.M] or what runs one, ends the
// browser they used and returns the exit code.
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

// running gives the context of the running browser.
func running(t testing.TB) context.Context {
	t.Helper()
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
	program, err := find()
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		// Whatever a page, or the browser itself, wants of another host stays here.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en-US"),
	)
	if os.Geteuid() == 0 { // where Chromium refuses to start with its sandbox
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

// find gives the browser's program.
func find() (string, error) {
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
