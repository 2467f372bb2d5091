package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// translation holds the texts in one language.
type translation struct {
	tag      language.Tag
	text     map[string]string
	months   []string
	weekdays []string // from Sunday on
}

// loadLanguages reads all language files. Custom texts override built-in ones.
// English comes first in the result.
func loadLanguages(sources []source) ([]translation, error) {
	var errs []error
	texts := map[string]map[string]string{}
	where := map[string]string{} // the last file of each language, for messages
	var english map[string]string
	for _, s := range sources {
		for _, name := range s.languages {
			read, err := readTexts(s, name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			tag := strings.TrimSuffix(name, languageExt)
			if texts[tag] == nil {
				texts[tag] = map[string]string{}
			}
			if english != nil { // a custom text
				keepOwnInvited(read)
			}
			maps.Copy(texts[tag], read)
			where[tag] = s.path(name)
		}
		if english == nil {
			english = maps.Clone(texts["en"]) // before custom texts override it
		}
	}
	languages := []translation{{}}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		w, problems := newTranslation(name, texts[name], english)
		for _, problem := range problems {
			errs = append(errs, fmt.Errorf("%s: %w", where[name], problem))
		}
		if name == "en" {
			languages[0] = w
		} else {
			languages = append(languages, w)
		}
	}
	return languages, errors.Join(errs...)
}

func readTexts(s source, name string) (map[string]string, error) {
	content, err := fs.ReadFile(s.files, name)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", s.path(name), reason(err))
	}
	var texts map[string]string
	if err := json.Unmarshal(content, &texts); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object of texts: %w", s.path(name), err)
	}
	return texts, nil
}

// placeholder matches a word in braces.
var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// newTranslation checks the texts of a language against the built-in English
// ones, which have every key.
func newTranslation(name string, text, english map[string]string) (translation, []error) {
	w := translation{text: text, months: strings.Fields(text["months"])}
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	var err error
	if w.tag, err = language.Parse(name); err != nil {
		add("%q is not a language tag such as fr or pt-br; rename the file", name)
	}
	var missing []string
	for _, key := range slices.Sorted(maps.Keys(english)) {
		older, isNew := addedKeys[key]
		if isNew && text[key] == "" {
			text[key] = text[older]
		}
		if isNew && text[key] == text[older] {
			continue // problems are reported for the older key
		}
		if key == "weekdays" && !strings.Contains(text["date"], "{weekday}") {
			continue
		}
		want, have := placeholders(english[key]), placeholders(text[key])
		if strings.TrimSpace(text[key]) == "" {
			missing = append(missing, key)
		} else if !slices.Equal(have, want) && (key != "date" || !slices.Equal(have, legacyDatePlaceholders)) {
			add("%s must contain each of %v once, but contains %v", key, want, have)
		}
	}
	if len(missing) > 0 {
		add("these texts are missing or empty: %s", strings.Join(missing, ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(text)) {
		if _, known := english[key]; !known && !slices.Contains(retiredKeys, key) {
			add("%s is not a known key; remove it", key)
		}
	}
	if d := text["direction"]; d != "" && d != "ltr" && d != "rtl" {
		add("direction is %q; it must be ltr or rtl", d)
	}
	if n := len(w.months); n != 0 && n != 12 {
		add("months has %d words; it must have 12, separated by spaces", n)
	}
	w.weekdays = strings.Fields(text["weekdays"])
	if n := len(w.weekdays); n != 0 && n != 7 {
		add("weekdays has %d words; it must have 7 from Sunday on, separated by spaces", n)
	}
	return w, problems
}

// keepOwnInvited keeps a custom sentence where an upgrade added a more specific
// built-in one.
func keepOwnInvited(text map[string]string) {
	for _, key := range []string{"invited_to", "invited_by_to"} {
		if older, given := text[addedKeys[key]]; given && text[key] == "" {
			text[key] = older
		}
	}
}

// After an upgrade, custom texts of an earlier release must neither prevent the
// bridge from starting nor put two languages on one page.
var (
	// addedKeys maps each new key to the older text that is used where a language
	// lacks the new one.
	addedKeys = map[string]string{
		"again_heading": "renew", "again_text": "expired_renew_text", "again_email": "account",
		"asked_heading": "renewed_heading", "asked_text": "renewed_text", "problem_email": "problem_unread",
		"early_heading": "unavailable_heading", "early_text": "unavailable_text",
		"invited_by_to": "invited_by", "invited_to": "invited", "sign_in_now": "accepted_text",
	}
	// retiredKeys lists keys of texts that no page shows any more.
	retiredKeys = []string{"active_heading", "active_text"}
	// legacyDatePlaceholders lists the placeholders of date texts from the time when
	// all dates were in UTC.
	legacyDatePlaceholders = []string{"{day}", "{month}", "{time}", "{year}"}
)

func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

func newMatcher(languages []translation) language.Matcher {
	tags := make([]language.Tag, 0, len(languages))
	for _, w := range languages {
		tags = append(tags, w.tag)
	}
	return language.NewMatcher(tags)
}

// language selects the translation as described at [Page.Render].
func (p *Page) language(accepted, locale string) translation {
	for _, preferred := range []string{accepted, locale} {
		if len(preferred) > 500 {
			continue // no browser sends this, and parsing it is expensive
		}
		tags, _, err := language.ParseAcceptLanguage(preferred)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := p.matcher.Match(tags...); confidence > language.No {
			return p.languages[i]
		}
	}
	return p.languages[0]
}

const languageExt = ".json"

func isLanguage(name string) bool { return path.Ext(name) == languageExt }
