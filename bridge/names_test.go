package bridge_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gitlab.com/golang-commonmark/linkify"
	"golang.org/x/text/unicode/norm"
	"mvdan.cc/xurls/v2"
	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// honestNames are kept as they are.
var honestNames = []string{
	"J.R.R. Tolkien", "J. R. R. Tolkien", "J.Ö. Müller", "Д.И. Менделеев", "Dr. No", "Acme Inc.", "Acme Inc., Ltd.", "Sammy Davis Jr.",
	"O'Neil & Sons", "Zoë Müller-Lüdenscheidt", "山田 太郎", "モーニング娘。", "Владимир", "محمد علي", "ดวงใจ", "नेहा", "김민준",
	`Grace "Amazing" Hopper`, "St. John's", "Ph.D. Ada", "Ada Lovelace, Ph.D.", "S:t Eriks sjukhus", "Sales: Ada", "AC/DC", "Ada (Sales/EMEA)",
	".NET Team", "Col·lecció", "Jean-Luc", "Wait... what", "Wait…what", "Team 1.5", "v1.2.3", "می\u200cخواهم", "👩\u200d🚀 Ada", "24/7 Support", "#1 & Co. KG", "?!",
}

// linkNames would be links in some mail program, or look like one to a reader.
var linkNames = []string{
	"evil.com", "Go to evil.com now", "evil.com.", "(evil.com)", "evil.com!", "x,evil.com", "EVIL.COM", "a.b.evil.co.uk", "evil.com's", "evil.com-x", "evil.com_x",
	"evil.comé", "evil.museum", "evil.i2p", "evil.invented", "Node.js Team", "bücher.example", "bücher.рф", "пример.испытание", "例え.テスト", "उदाहरण.भारत", "한국.한국", "مثال.إختبار",
	"xn--e1afmkfd.xn--p1ai", "x.xn--p1ai", "evil\u200b.com", "evil\u200d.com", "evil.\u200dcom", "evil.c\u200com", "evil.\u2060com", "ev\u00adil.com", "evil.\ufeffcom",
	"evil\u202e.com", "evil\ufe0f.com", "evil.c\ufe0fom", "evil.\u0301com", "evil。com", "evil．com", "evil｡com", "evil﹒com", "evil․com", "ｅｖｉｌ．ｃｏｍ",
	"ⓔⓥⓘⓛ.ⓒⓞⓜ", "𝐞𝐯𝐢𝐥.𝐜𝐨𝐦", "evil.㏄", "evil.ﬁ", "evil.ⅵ", "evil⒈com", "⒈com",
	"https://evil", "https:evil", "HTTPS://x", "http:\u200d//x", "ht\u200dtps://x", "https：//x", "https﹕／／x", "mailto:eve", "mailto：eve", "mai\u200clto:eve", "tel:+4912345",
	"tel\u200d:\u200d110", "sms:110", "javascript:alert(1)", "JavaScript:x", "javascript\u00ad:x", "data:text/html,x", "vbscript:x", "ftp:x", "myapp:x", "//localhost", "///x", "localhost:80",
	"eve@evil.com", "eve@localhost", "eve＠evil", "eve﹫evil", "Ada @ Acme", "@eve", "www.3", "WWW.x", "www．x",
	"t.e/x", "x.1/y", "a.b／c", "x.b.1/y", "8.8.8.8", "at 127.0.0.1:80", "１.１.１.１", "1。1。1。1", "1.\u200d1.1.1", "::1", "fe80::1", "[::1]", "2001:db8:0:0:0:0:0:1", "a:b:c:d:e:f:1:2",
}

func TestInviterName(t *testing.T) {
	for _, name := range honestNames {
		if got := bridge.InviterName(name, nil); got != name {
			t.Errorf("%q became %q", name, got)
		}
		if found := linksIn(name); found != "" {
			t.Errorf("%q is not honest: %s", name, found)
		}
	}
	for _, name := range linkNames {
		if got := bridge.InviterName(name, []string{"Someone else"}); got != "" {
			t.Errorf("%q is kept as %q", name, got)
		}
		if got := bridge.InviterName("Ada "+name+" Lovelace", nil); got != "" {
			t.Errorf("%q is kept inside another name, as %q", name, got)
		}
	}
	for text, want := range map[string]string{
		"  Grace\t Hopper ": "Grace Hopper", "Grace\u2028Hopper": "Grace Hopper", "\u202eecarG": "ecarG", "\xffGrace": "\ufffdGrace",
		"": "", " ": "", "\u200d": "", "\u3164": "", "\u0301": "", strings.Repeat("ä", 200): strings.Repeat("ä", 200),
	} {
		if got := bridge.InviterName(text, nil); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestInviterNameAllowed(t *testing.T) {
	allowed := []string{" Node.js\tTeam ", "Ada @ Acme", "\u200d"}
	for text, want := range map[string]string{
		"Node.js Team": "Node.js Team", "Node.js  Team\n": "Node.js Team", "Node\u200b.js Team": "Node.js Team", "Ada @ Acme": "Ada @ Acme", "Grace": "Grace",
		"node.js Team": "", "Node.js Teams": "", "Node.js": "", "Node\u200d.js Team": "", "\u200d": "",
	} {
		if got := bridge.InviterName(text, allowed); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// linksIn returns the first link that two libraries find in a name: as it is,
// without joiners, with characters decomposed, and with the ideographic full
// stop as a dot, as browsers read it.
func linksIn(name string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Join_Control, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, name)
	ascii := strings.ReplaceAll(norm.NFKC.String(bare), "。", ".")
	for _, form := range []string{name, bare, ascii, strings.ToLower(ascii)} {
		if found := xurls.Relaxed().FindString(form); found != "" {
			return found
		}
		for _, found := range linkify.Links(form) {
			return form[found.Start:found.End]
		}
	}
	return ""
}

// pieces generates parts of names, among them what links are made of.
func pieces() *rapid.Generator[string] {
	label := rapid.SampledFrom([]string{
		"evil", "a", "J", "xn--p1ai", "münchen", "ｅｖｉｌ", "山田", "भारत", "محمد", "ⓔ", "𝐞", "ﬁ", "㏄", "ⅵ", "1", "192", "255", "１", "①", "fe80", "localhost", "www", "WWW", "-", "_",
	})
	domain := rapid.SampledFrom(slices.Concat(xurls.TLDs, xurls.PseudoTLDs))
	dot := rapid.SampledFrom([]string{".", ".", ".", "․", "。", "﹒", "．", "｡", "…", "‥", "·", "⒈", "㏂", "🄀"})
	invisible := rapid.SampledFrom([]string{"", "", "", "\u200c", "\u200d", "\u200b", "\u00ad", "\u2060", "\ufe0f", "\u0301", "\u034f", "\u202e", "\u3164", "\u2800"})
	return rapid.OneOf(
		label, domain, dot, invisible,
		rapid.Custom(func(t *rapid.T) string {
			return label.Draw(t, "label") + invisible.Draw(t, "before") + dot.Draw(t, "dot") + invisible.Draw(t, "after") + rapid.OneOf(label, domain).Draw(t, "last")
		}),
		rapid.SampledFrom(slices.Concat(xurls.Schemes, xurls.SchemesNoAuthority, []string{"javascript", "data"})),
		rapid.SampledFrom([]string{":", "：", "﹕", "︓", "⩴", "://", "/", "//", "／", "℅", "\\", "?", "#", "@", "＠", "﹫", "%", "[", "]"}),
		rapid.SampledFrom([]string{" ", " ", " ", "\u00a0", "\u3000", "\t", "\u2028"}),
		rapid.SampledFrom([]string{",", "'", "\"", "(", ")", "&", "-", "!", "、", "«", "+", "=", "~", "|", "¨", "₨"}),
		rapid.SampledFrom(slices.Concat(honestNames, linkNames)),
		rapid.Map(rapid.Rune(), func(r rune) string { return string(r) }),
	)
}

// TestKeptNamesHoldNoLink: link finders used by mail programs find no link in a
// name that is kept. It does not rely on a list of ours.
func TestKeptNamesHoldNoLink(t *testing.T) {
	var kept, links int
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.Map(rapid.SliceOfN(pieces(), 1, 8), func(p []string) string { return strings.Join(p, "") }), 100, 100).Draw(t, "names")
		for _, text := range names {
			if linksIn(bridge.OneLine(text)) != "" {
				links++
			}
			name := bridge.InviterName(text, nil)
			if name == "" {
				continue
			}
			kept++
			for _, shown := range []string{name, bridge.PersonName(name), bridge.InviterName(name, nil)} {
				if found := linksIn(shown); found != "" || shown == "" {
					t.Fatalf("%+q is shown as %+q, with the link %q", text, shown, found)
				}
			}
		}
	})
	if kept < 100 || links < 100 {
		t.Errorf("%d names were kept, %d held a link: too few to prove anything", kept, links)
	}
}

// TestHonestNamesAreKept: words are kept, and initials with or without a space
// after them.
func TestHonestNamesAreKept(t *testing.T) {
	word := rapid.OneOf(
		rapid.StringMatching(`\p{Lu}[\p{Ll}']{1,10}(-\p{Lu}\p{Ll}{1,10})?`), rapid.StringMatching(`(\p{Lu}\.){1,3}`),
		rapid.SampledFrom([]string{"Dr.", "Inc.", "Jr.", "St.", "&", "von", "山田", "नेहा", "محمد", "김민준", "24/7"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Join(rapid.SliceOfN(word, 1, 6).Draw(t, "words"), " ")
		if got := bridge.InviterName(name, nil); got != name {
			t.Fatalf("%q became %q", name, got)
		}
	})
}

// TestInviterNameEverywhere: a name that was dropped by Invite appears nowhere.
func TestInviterNameEverywhere(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.AllowedInviterNames = []string{"Node.js Team"} })
	for address, test := range map[string]struct{ given, want string }{
		"a@example.com": {"Go to evil.com", ""},
		"b@example.com": {"Grace \u00a0 Hopper", "Grace Hopper"},
		"c@example.com": {"Node.js Team", "Node.js Team"},
	} {
		offer := invite(t, w, bridge.InviteRequest{Email: address, InviterName: test.given})
		again := invite(t, w, bridge.InviteRequest{Email: address, InviterName: "evil.com"})
		got, err := w.Service.Get(t.Context(), offer.Invitation.ID)
		if err != nil {
			t.Fatal(err)
		}
		previewed, err := w.Service.Preview(t.Context(), offer.Token.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		listed, _, err := w.Service.List(t.Context(), bridge.InvitationQuery{Email: address, Limit: 10})
		if err != nil || len(listed) != 1 {
			t.Fatalf("%d invitations, %v", len(listed), err)
		}
		for door, name := range map[string]string{
			"offer": offer.Invitation.InviterName, "second offer": again.Invitation.InviterName,
			"get": got.InviterName, "preview": previewed.InviterName, "list": listed[0].InviterName,
		} {
			if name != test.want {
				t.Errorf("%s of %q shows %q, want %q", door, test.given, name, test.want)
			}
		}
	}
	messages, _, err := w.Service.Messages(t.Context(), bridge.MessageQuery{Limit: 100})
	if err != nil || len(messages) < 6 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	for _, m := range messages {
		raw, err := json.Marshal(m.Payload)
		if err != nil || strings.Contains(string(raw), "evil.com") {
			t.Errorf("%s to %s: %s, %v", m.Payload.Type, m.Endpoint, raw, err)
		}
	}
}
