package page

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"invitebridge/bridge"
)

// interpolate splits a text at each placeholder that values, a list of names and
// values, has a value for, and inserts the value.
func interpolate(text string, values ...string) []Part {
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

// invited returns who invites to what, and what to do: to choose a password or, without
// one, to continue.
func (w translation) invited(inviter, title string, password bool) []Part {
	key, name := "invited", bridge.PersonName(inviter)
	if name != "" {
		key = "invited_by"
	}
	if title != "" {
		key += "_to"
	}
	if !password {
		key += "_continue"
	}
	return interpolate(w.text[key], "inviter", name, "title", title)
}

func (w translation) date(t time.Time, timeZone string) string {
	if !strings.Contains(w.text["date"], "{zone}") {
		timeZone = "" // a custom text of an earlier release states UTC itself
	}
	t, zone := bridge.LocalTime(t, timeZone)
	weekday := ""
	if len(w.weekdays) > 0 { // otherwise the text has no {weekday}
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

func (w translation) withLimit(key string, limit int) string {
	return strings.ReplaceAll(w.text[key], "{limit}", strconv.Itoa(limit))
}

func (w translation) rules(policy bridge.PasswordPolicy, identifiers []string) []Rule {
	var rules []Rule
	add := func(name string, limit int, broken string) {
		rules = append(rules, Rule{
			Name: name, Limit: limit, Text: w.withLimit("rule_"+name, limit), Broken: w.withLimit(broken, limit),
		})
	}
	if policy.MinLength > 1 {
		add("min", policy.MinLength, "too_short")
	}
	if policy.CheckSimilarity {
		add("similar", 0, "similar")
		list, _ := json.Marshal(identifiers) // cannot fail for strings
		rules[len(rules)-1].Identifiers = string(list)
	}
	if policy.Breaches != nil {
		add("breached", 0, "breached")
	}
	add("max", bridge.MaxPasswordLength, "too_long")
	return rules
}

// problemKeys maps the id of each error that has a text of its own to the key of
// that text. All other errors show problem_other.
var problemKeys = map[string]string{
	bridge.ErrPasswordPolicyViolation.ID: "problem_password",
	bridge.ErrEmailInvalid.ID:            "problem_email",
	bridge.ErrHookRefused.ID:             "problem_refused",
	bridge.ErrKratosRejected.ID:          "problem_refused",
	bridge.ErrIdentityConflict.ID:        "problem_refused",
	bridge.ErrTooManyRequests.ID:         "problem_busy",
	bridge.ErrAcceptInProgress.ID:        "problem_twice",
	bridge.ErrKratosUnavailable.ID:       "problem_away",
	bridge.ErrHookUnavailable.ID:         "problem_away",
	bridge.ErrStoreUnavailable.ID:        "problem_away",
	bridge.ErrUnsupportedMediaType.ID:    "problem_unread",
	bridge.ErrBodyTooLarge.ID:            "problem_unread",
	bridge.ErrBadRequest.ID:              "problem_unread",
}

// problemTexts returns in the reader's language why a form is shown again. field
// reports whether the problem is the password.
func (w translation) problemTexts(problem *bridge.Error) (texts []string, field bool) {
	if problem == nil {
		return nil, false
	}
	isPassword := problem.ID == bridge.ErrPasswordPolicyViolation.ID
	for _, m := range problem.Messages {
		text := ""
		if isPassword {
			text = w.message(m)
		}
		if text == "" { // a hook's or Kratos' own text
			text = bridge.Truncate(bridge.OneLine(m.Text), maxHookMessage)
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) > 0 {
		return texts, isPassword
	}
	key, known := problemKeys[problem.ID]
	if !known {
		key = "problem_other"
	}
	return []string{w.text[key]}, isPassword
}

// maxHookMessage is how many runes of a hook's message the page shows.
const maxHookMessage = 300

// message translates Kratos' messages about passwords. It returns "" for others.
func (w translation) message(m bridge.UIText) string {
	switch m.ID {
	case 4000002:
		return w.text["missing"]
	case 4000031:
		return w.text["similar"]
	case 4000032:
		if limit, ok := number(m.Context["min_length"]); ok {
			return w.withLimit("too_short", limit)
		}
	case 4000033:
		return w.withLimit("too_long", bridge.MaxPasswordLength)
	case 4000034:
		return w.text["breached"]
	}
	return ""
}

// number returns value as an int, also if it was decoded from JSON.
func number(value any) (int, bool) {
	switch n := value.(type) {
	case int:
		return n, true
	case float64:
		return int(n), n >= 0 && n <= bridge.MaxPasswordLength
	}
	return 0, false
}
