// Package pagetest shows the invitee's page to a real browser and tells what it
// saw: what was asked of the network, what is wrong for people who do not see,
// hear or point as most do, and a picture.
//
// It is for tests alone. A test binary that uses it ends the browser with
//
//	func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }
//
// and a test reads as what an invitee does:
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
// All tabs of a binary share one Chromium; each has its own cookies and cache,
// and nothing but this machine to talk to. Whatever a Tab cannot do within its
// time fails the test. Where there is no Chromium tests are skipped, and fail if
// the environment has CI=true.
package pagetest
