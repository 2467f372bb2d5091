package page

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"invitebridge/bridge"
)

// parts divides a text at each word in braces that values, in pairs, has a value
// for, and gives that.
func parts(text string, values ...string) []Part {
	var divided []Part
	end := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		for pair := range slices.Chunk(values, 2) {
			if text[at[0]:at[1]] == "{"+pair[0]+"}" {
				divided = append(divided, Part{Text: text[end:at[0]]}, Part{Text: pair[1], Given: true})
				end = at[1]
			}
		}
	}
	return append(divided, Part{Text: text[end:]})
}

func (w words) invited(inviter, title string) []Part {
	key, name := "invited", bridge.PersonName(inviter)
	if name != "" {
		key = "invited_by"
	}
	if title != "" {
		key += "_to"
	}
	return parts(w.text[key], "inviter", name, "title", title)
}

func (w words) date(t time.Time, timeZone string) string {
	if !strings.Contains(w.text["date"], "{zone}") {
		timeZone = "" // a text of an earlier release says UTC itself
	}
	t, zone := bridge.LocalTime(t, timeZone)
	weekday := ""
	if len(w.weekdays) > 0 { // else the text has no place for it
		weekday = w.weekdays[t.Weekday()]
	}
	return strings.NewReplacer(
		"{weekday}", weekday,
		"{zone}", zone,
		"{day}", strconv.Itoa(t.Day()),
		"{month}", w.months[t.Month()-1],
		"{year}", strconv.Itoa(t.Year()),
		"{time}", t.Format("15:04"),
	).Replace(w.text["date"])
}

func (w words) limited(key string, limit int) string {
	return strings.ReplaceAll(w.text[key], "{limit}", strconv.Itoa(limit))
}

func (w words) rules(policy bridge.PasswordPolicy, identifiers []string) []Rule {
	var rules []Rule
	add := func(name string, limit int, broken string) {
		rules = append(rules, Rule{
			Name: name, Limit: limit, Text: w.limited("rule_"+name, limit), Broken: w.limited(broken, limit),
		})
	}
	if policy.MinLength > 1 {
		add("min", policy.MinLength, "too_short")
	}
	if policy.CheckSimilarity {
		add("similar", 0, "similar")
		list, _ := json.Marshal(identifiers) // texts always can be
		rules[len(rules)-1].Identifiers = string(list)
	}
	if policy.Breaches != nil {
		add("breached", 0, "breached")
	}
	add("max", bridge.MaxPasswordLength, "too_long")
	return rules
}

// problems has the key of the text for each error that needs more than to be
// told that something went wrong.
var problems = map[string]string{
	bridge.ErrPasswordPolicy.ID:   "problem_password",
	bridge.ErrHookRefused.ID:      "problem_refused",
	bridge.ErrKratosRejected.ID:   "problem_refused",
	bridge.ErrIdentityConflict.ID: "problem_refused",
	bridge.ErrTooMany.ID:          "problem_busy",
	bridge.ErrAcceptInProgress.ID: "problem_twice",
	bridge.ErrKratosAway.ID:       "problem_away",
	bridge.ErrHookUnavailable.ID:  "problem_away",
	bridge.ErrStoreAway.ID:        "problem_away",
	bridge.ErrUnsupportedMedia.ID: "problem_unread",
	bridge.ErrTooLarge.ID:         "problem_unread",
	bridge.ErrBadRequest.ID:       "problem_unread",
}

// faults says in the reader's language why a form is shown again, and whether
// another password would help.
func (w words) faults(problem *bridge.Error) (texts []string, field bool) {
	if problem == nil {
		return nil, false
	}
	isPassword := problem.ID == bridge.ErrPasswordPolicy.ID
	for _, m := range problem.Messages {
		text := ""
		if isPassword {
			text = w.message(m)
		}
		if text == "" { // an operator's, in its own words
			text = bridge.Shorten(bridge.OneLine(m.Text), maxForeign)
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) > 0 {
		return texts, isPassword
	}
	key, known := problems[problem.ID]
	if !known {
		key = "problem_other"
	}
	return []string{w.text[key]}, isPassword
}

// maxForeign bounds what a hook's message can take of the page, in runes.
const maxForeign = 300

// message knows Kratos' messages about passwords; empty: it is another.
func (w words) message(m bridge.UIText) string {
	switch m.ID {
	case 4000002:
		return w.text["missing"]
	case 4000031:
		return w.text["similar"]
	case 4000032:
		if limit, ok := number(m.Context["min_length"]); ok {
			return w.limited("too_short", limit)
		}
	case 4000033:
		return w.limited("too_long", bridge.MaxPasswordLength)
	case 4000034:
		return w.text["breached"]
	}
	return ""
}

// number reads an int that may have been through JSON.
func number(value any) (int, bool) {
	switch n := value.(type) {
	case int:
		return n, true
	case float64:
		return int(n), n >= 0 && n <= bridge.MaxPasswordLength
	}
	return 0, false
}
