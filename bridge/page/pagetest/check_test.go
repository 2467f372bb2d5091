package pagetest

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/good.html
var good string

func TestCheckGood(t *testing.T) {
	for name, o := range map[string]Options{
		"laptop": {}, "mobile": {Width: 390, Height: 844, Mobile: true}, "no script": {NoScript: true}, "narrow": {Width: 320},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := Open(t, o)
			tab.Visit(serve(t, good))
			for _, v := range Check(tab) {
				t.Error(v)
			}
			if err := tab.Log().Quiet(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Each fault is put into the good document alone, and is found by its rule
// alone.
func TestCheckFaults(t *testing.T) {
	const script = "</body>"
	for _, fault := range []struct {
		name     string
		old, new string
		rule     Rule
	}{
		{"image without alt", ` alt="Acme"`, ``, RuleAlternative},
		{"drawing that hides nothing", `<svg class="spin" aria-hidden="true">`, `<svg class="spin" role="img">`, RuleAlternative},
		{"no main", `<main>`, `<div>`, RuleLandmark},
		{"two mains", `<header>`, `<main><p>Hello</p></main><header>`, RuleLandmark},
		{"no h1", `<h1>Welcome to Acme</h1>`, `<h2>Welcome to Acme</h2>`, RuleHeadings},
		{"two h1", `<h2>Your password</h2>`, `<h1>Your password</h1>`, RuleHeadings},
		{"skipped level", `<h2>Your password</h2>`, `<h3>Your password</h3>`, RuleHeadings},
		{"empty heading", `<h2>Your password</h2>`, `<h2></h2>`, RuleHeadings},
		{"reference to nothing", `aria-describedby="hint wrong"`, `aria-describedby="hint wrong gone"`, RuleReference},
		{"label for nothing", `<h2>Your password</h2>`, `<h2>Your password</h2><label for="gone">More</label>`, RuleReference},
		{"same id twice", `<p id="status"`, `<p id="hint"`, RuleID},
		{"shown in another order", `<form method="post">`, `<form method="post" style="display: flex; flex-direction: column-reverse">`, RuleSequence},
		{"no autocomplete", ` autocomplete="new-password"`, ``, RulePurpose},
		{"autocomplete off", `autocomplete="username"`, `autocomplete="off"`, RulePurpose},
		{"link told by colour", `<a id="terms"`, `<a style="color: #14532d; text-decoration: none" id="terms"`, RuleLinkColour},
		{"pale text", `.hint { color: #595959 }`, `.hint { color: #777 }`, RuleContrast},
		{"transparent text", `.hint { color: #595959 }`, `.hint { color: #595959; opacity: .8 }`, RuleContrast},
		{"small text as pale as a large one may be", `h1 { font-size: 28px; color: #767676 }`, `h1 { font-size: 18px; font-weight: 400; color: #808080 }`, RuleContrast},
		{"pale value", `color: #222; border: 1px`, `color: #999; border: 1px`, RuleContrast},
		{"pale placeholder", `.hint {`, `input::placeholder { color: #aaa } .hint {`, RuleContrast},
		{"text on a picture", `.hint { color: #595959 }`, `.hint { color: #595959; background: linear-gradient(#fff, #fff) }`, RuleContrast},
		{"pale in modern colours", `.hint { color: #595959 }`, `.hint { color: oklch(75% 0 0) }`, RuleContrast},
		{"pale text drawn by style", `.hint {`, `h2::after { content: " (new)"; color: #aaa } .hint {`, RuleContrast},
		{"zoom forbidden", `initial-scale=1`, `initial-scale=1, user-scalable=no`, RuleZoom},
		{"zoom bounded", `initial-scale=1`, `initial-scale=1, maximum-scale=1`, RuleZoom},
		{"no viewport", `<meta name="viewport" content="width=device-width, initial-scale=1">`, ``, RuleZoom},
		{"too wide", `main { max-width: 30rem }`, `main { width: 30rem }`, RuleReflow},
		{"cut off", `.hint { color: #595959 }`, `.hint { color: #595959; height: 12px; overflow: hidden }`, RuleClipped},
		{"cut off when set wider", `.hint { color: #595959 }`, `.hint { color: #595959; width: max-content; line-height: 1.2; height: 1.2em; overflow: hidden }`, RuleSpacing},
		{"pale border", `border: 1px solid #767676`, `border: 1px solid #ccc`, RuleControl},
		{"no border", `border: 1px solid #767676; background: #fff`, `border: 0; background: #fff`, RuleControl},
		{"pale focus", `outline: 3px solid #1d4ed8`, `outline: 3px solid #ccc`, RuleFocusContrast},
		{"no focus to be seen", `outline: 3px solid #1d4ed8`, `outline: none`, RuleFocusVisible},
		{"focus under a cover", `</main>`, `</main><div style="position: fixed; inset: 0; pointer-events: auto"></div>`, RuleFocusObscured},
		{"not reached", `<button id="show"`, `<button tabindex="-1" id="show"`, RuleKeyboard},
		{"click without a key", script, `<script>document.querySelector("h2").addEventListener("click", () => {})</script></body>`, RuleKeyboard},
		{"trap", script, `<script>document.querySelector("#password").addEventListener("keydown", (e) => { if (e.key === "Tab") e.preventDefault() })</script></body>`, RuleTrap},
		{"waiting refresh", `<title>`, `<meta http-equiv="refresh" content="600; url=/next"><title>`, RuleTiming},
		{"motion not asked for", `{ .spin { animation: none } }`, `{ .spin { color: #333 } }`, RuleMotion},
		{"sliding button", `button:disabled {`, `button { transition: transform 200ms } button:disabled {`, RuleMotion},
		{"no title", `<title>Invitation</title>`, `<title> </title>`, RuleTitle},
		{"order of its own", `<button id="accept"`, `<button tabindex="1" id="accept"`, RuleFocusOrder},
		{"called otherwise", `<button id="accept"`, `<button aria-label="Send" id="accept"`, RuleLabelInName},
		{"low button", `button { min-height: 44px`, `button { height: 36px`, RuleTargetEnhanced},
		{"small link", `.aside { display: inline-block; padding: 4px }`, `.aside { display: block; width: 60px; font-size: 12px; line-height: 16px }`, RuleTarget},
		{"no language", `<html lang="en">`, `<html>`, RuleLanguage},
		{"no such language", `lang="en"`, `lang="english please"`, RuleLanguage},
		{"error without a text", `aria-describedby="hint wrong"`, ``, RuleError},
		{"error text not shown", `<p id="hint" class="hint">Eight characters or more.</p>
<p id="wrong" role="alert">This is too short.</p>`, `<p id="hint" hidden>Eight.</p><p id="wrong" role="alert" hidden>This is too short.</p>`, RuleError},
		{"placeholder for a label", `<label for="password">Password</label>`, ``, RuleLabel},
		{"label not seen", `<label for="password">`, `<label class="away" for="password">`, RuleLabel},
		{"field without a name", `<label for="place">Language</label>`, ``, RuleName},
		{"no paste", `<input id="password"`, `<input onpaste="return false" id="password"`, RulePaste},
		{"button without a name", `>Show it</button>`, `></button>`, RuleName},
		{"no such role", `<p id="status" role="status">`, `<p id="status" role="news">`, RuleName},
		{"hidden from screen readers alone", `<button id="show"`, `<button aria-hidden="true" id="show"`, RuleHidden},
		{"error nobody hears", `<p id="wrong" role="alert">`, `<p id="wrong">`, RuleStatus},
		{"news in a new region", script, `<script>addEventListener("load", () => { const p = document.createElement("p"); p.role = "status"; p.textContent = "Done"; document.querySelector("main").append(p) })</script></body>`, RuleStatus},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			wrong := strings.ReplaceAll(good, fault.old, fault.new)
			if wrong == good {
				t.Fatalf("the good document has no %s", fault.old)
			}
			tab := Open(t, Options{Width: 600, Height: 900})
			tab.Visit(serve(t, wrong))
			found := Check(tab)
			if len(found) == 0 {
				t.Errorf("not found, by %s", fault.rule)
			}
			for _, v := range found {
				if v.Rule != fault.rule {
					t.Errorf("%v is not meant, but %s", v, fault.rule)
				}
			}
		})
	}
}

// What is readable on white is not where the browser itself paints dark.
func TestCheckDark(t *testing.T) {
	half := strings.ReplaceAll(good, `; background: #fff }
main`, `; color-scheme: light dark }
main`)
	for dark, want := range map[bool]Rule{false: "", true: RuleContrast} {
		tab := Open(t, Options{Dark: dark})
		tab.Visit(serve(t, half))
		found := Check(tab)
		if want == "" && len(found) > 0 {
			t.Errorf("in light: %v", found)
		}
		if want != "" && !slices.ContainsFunc(found, func(v Violation) bool { return v.Rule == want }) {
			t.Errorf("in dark: %v", found)
		}
	}
}

func TestCheckInSight(t *testing.T) {
	t.Run("a field that is wrong may be focused instead", func(t *testing.T) {
		tab := Open(t, Options{})
		tab.Visit(serve(t, strings.ReplaceAll(strings.ReplaceAll(good, ` role="alert"`, ``), `<input id="password"`, `<input autofocus id="password"`)))
		tab.Await(":focus")
		for _, v := range Check(tab) {
			t.Error(v)
		}
	})
	t.Run("a region that was there may be filled", func(t *testing.T) {
		tab := Open(t, Options{})
		tab.Visit(serve(t, strings.Replace(good, "</body>", `<script>addEventListener("load", () => { document.querySelector("#status").textContent = "Done" })</script></body>`, 1)))
		tab.See("Done")
		for _, v := range Check(tab) {
			t.Error(v)
		}
	})
}
