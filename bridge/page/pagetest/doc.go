// Package pagetest opens the invitee's page in a real browser and reports what
// happened: the network requests, accessibility problems, and a screenshot.
//
// It is for tests only. A test binary that uses it stops the browser with
//
//	func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }
//
// and a test follows what an invitee does:
//
//	tab := pagetest.Open(t, pagetest.Options{Width: 390, Mobile: true, Language: "de-DE"})
//	tab.Visit(link)
//	tab.See("Passwort")
//	for _, v := range pagetest.Check(tab) {
//		t.Error(v)
//	}
//	pagetest.Shot(tab, "form-de")
//	tab.Fill("input[type=password]", "correct horse battery staple")
//	tab.Follow(func() { tab.Press(pagetest.Enter) })
//	tab.See("Willkommen")
//	if err := tab.Log().Quiet(); err != nil {
//		t.Error(err)
//	}
//
// All tabs of a test binary share one Chromium. Each has its own cookies and
// cache, and reaches no host but this machine. A step that a Tab cannot complete
// in time fails the test. Without Chromium, tests are skipped, or fail if the
// environment has CI=true.
package pagetest
