package pagetest

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
)

// form is a site with a form. Its response shows what was sent and redirects to
// another page.
type form struct {
	*httptest.Server
	sent  atomic.Int32
	hold  bool // the first submission gets no response
	icons atomic.Int32
}

func newForm(t *testing.T) *form {
	t.Helper()
	f := &form{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch {
		case r.URL.Path == "/favicon.ico":
			f.icons.Add(1)
		case r.Method == http.MethodPost:
			password, n := r.FormValue("password"), f.sent.Add(1)
			if f.hold && n == 1 {
				<-r.Context().Done()
				return
			}
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprintf(w, `<!doctype html><title>Sent</title><meta http-equiv="refresh" content="0; url=/next"><p>Number %d is %q</p>`, n, password)
		case r.URL.Path == "/next":
			fmt.Fprint(w, `<!doctype html><title>Next</title><p>On we go</p>`)
		default:
			fmt.Fprint(w, `<!doctype html><title>Form</title><link rel="icon" href="data:,">
<form method="post"><input aria-label="Password" type="password" name="password" value="old"><button>Send</button></form>
<p id="script"></p><noscript>No script</noscript>
<script>document.querySelector("#script").textContent = [navigator.language, matchMedia("(prefers-color-scheme: dark)").matches, innerWidth].join(" ")</script>`)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func TestTabOptions(t *testing.T) {
	f := newForm(t)
	for _, c := range []struct {
		options Options
		see     string
	}{
		{Options{}, "en-US false 1280"},
		{Options{Language: "de-DE", Dark: true, Width: 390}, "de-DE true 390"},
		{Options{NoScript: true}, "No script"},
	} {
		tab := Open(t, c.options)
		tab.Visit(f.URL)
		tab.See(c.see)
	}
	if n := f.icons.Load(); n != 0 {
		t.Errorf("%d requests for an icon that is embedded in the page", n)
	}
}

func TestKeyboardOnly(t *testing.T) {
	for _, noScript := range []bool{false, true} {
		f := newForm(t)
		tab := Open(t, Options{NoScript: noScript})
		tab.Visit(f.URL)
		tab.Press(TabKey)
		if got := tab.Focused(); got != "input[name=password]" {
			t.Fatalf("the focus is on %q", got)
		}
		tab.Press("grün")
		if got := tab.Value("input"); got != "grün" {
			t.Fatalf("typed %q", got)
		}
		if status := tab.Follow(func() { tab.Press(Enter) }); status != http.StatusAccepted {
			t.Errorf("status %d", status)
		}
		tab.See("On we go")
		tab.At(f.URL + "/next")
		tab.Back()
		if n := f.sent.Load(); n != 1 {
			t.Errorf("sent %d times", n)
		}
	}
}

func TestMouse(t *testing.T) {
	f := newForm(t)
	tab := Open(t, Options{})
	tab.Visit(f.URL)
	tab.Fill("input", "new")
	tab.Follow(func() { tab.Click("button") })
	tab.At(f.URL + "/next")
	if l := tab.Log(); l.Requests[1].Method != http.MethodPost || l.Requests[1].Status != http.StatusAccepted {
		t.Errorf("the log contains %+v", l.Requests)
	}
	tab.Reload()
	tab.See("On we go")
}

func TestDoubleSubmit(t *testing.T) {
	f := newForm(t)
	tab := Open(t, Options{})
	tab.Visit(f.URL)
	run(tab, chromedp.Evaluate[chromedp.Void](`document.querySelector("button").addEventListener("click", () => fetch("?", { method: "POST" }))`))
	tab.Follow(func() { tab.DoubleSubmit("button") })
	tab.At(f.URL + "/next")
	if n := f.sent.Load(); n != 3 {
		t.Errorf("sent %d times, want twice by the script and once by the form", n)
	}
}

func TestClickTwice(t *testing.T) {
	f := newForm(t)
	f.hold = true
	tab := Open(t, Options{})
	tab.Visit(f.URL)
	tab.ClickTwice("button")
	tab.See("On we go")
	if n := f.sent.Load(); n != 2 {
		t.Errorf("sent %d times", n)
	}
}

func TestNetwork(t *testing.T) {
	f := newForm(t)
	tab := Open(t, Options{})
	tab.Visit(f.URL)
	tab.Disconnect()
	tab.Click("button")
	tab.At("chrome-error:")
	if n := f.sent.Load(); n != 0 {
		t.Fatalf("sent %d times without a network", n)
	}
	tab.Reconnect()
	tab.Visit(f.URL)
	tab.SlowNetwork()
	tab.Follow(func() { tab.Click("button") })
	tab.See("On we go")
}

// TestPicture: a picture is small, and the same for the same page despite cursors
// and animations.
func TestPicture(t *testing.T) {
	tab := Open(t, Options{Width: 390, Mobile: true})
	tab.Visit(serve(t, good))
	data := tab.picture()
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if width := picture.Bounds().Dx(); width != 390 || len(data) > 25_000 {
		t.Errorf("%d pixels wide, %d bytes", width, len(data))
	}
	if again := tab.picture(); !bytes.Equal(data, again) {
		t.Error("the pictures of one page differ")
	}
}
