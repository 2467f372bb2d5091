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

// words are the texts in one language.
type words struct {
	tag    language.Tag
	text   map[string]string
	months []string
	// weekdays begin with Sunday.
	weekdays []string
}

// loadLanguages reads the files of all languages, a team's texts over ours.
// English comes first.
func loadLanguages(sources []source) ([]words, error) {
	var errs []error
	texts := map[string]map[string]string{}
	where := map[string]string{} // the last file of each language
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
			if english != nil { // a team's
				keepInvited(read)
			}
			maps.Copy(texts[tag], read)
			where[tag] = s.path(name)
		}
		if english == nil {
			english = maps.Clone(texts["en"]) // before a team changed it
		}
	}
	languages := []words{{}}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		w, problems := newWords(name, texts[name], english)
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
	content, err := fs.ReadFile(s.fs, name)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", s.path(name), reason(err))
	}
	var texts map[string]string
	if err := json.Unmarshal(content, &texts); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object of texts: %w", s.path(name), err)
	}
	return texts, nil
}

// placeholder finds the words in braces.
var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// newWords compares with the built-in English texts, which have every key.
func newWords(name string, text, english map[string]string) (words, []error) {
	w := words{text: text, months: strings.Fields(text["months"])}
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	var err error
	if w.tag, err = language.Parse(name); err != nil {
		add("%q is not the name of a language, such as fr or pt-br; rename the file", name)
	}
	var missing []string
	for _, key := range slices.Sorted(maps.Keys(english)) {
		older, isNew := added[key]
		if isNew && text[key] == "" {
			text[key] = text[older]
		}
		if isNew && text[key] == text[older] {
			continue // what is wrong with it is said of the older one
		}
		if key == "weekdays" && !strings.Contains(text["date"], "{weekday}") {
			continue
		}
		want, have := placeholders(english[key]), placeholders(text[key])
		if strings.TrimSpace(text[key]) == "" {
			missing = append(missing, key)
		} else if !slices.Equal(have, want) && (key != "date" || !slices.Equal(have, earlierDate)) {
			add("%s must have %v in it, each once, and has %v", key, want, have)
		}
	}
	if len(missing) > 0 {
		add("give a text for each of %s", strings.Join(missing, ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(text)) {
		if _, known := english[key]; !known && !slices.Contains(retired, key) {
			add("remove %s, which is not the key of any text", key)
		}
	}
	if d := text["direction"]; d != "" && d != "ltr" && d != "rtl" {
		add("direction is %q; give ltr or rtl", d)
	}
	if n := len(w.months); n != 0 && n != 12 {
		add("months has %d words; give 12, with spaces between", n)
	}
	w.weekdays = strings.Fields(text["weekdays"])
	if n := len(w.weekdays); n != 0 && n != 7 {
		add("weekdays has %d words; give 7 from Sunday on, with spaces between", n)
	}
	return w, problems
}

// keepInvited has a team's own sentence stay where one was added that says more.
func keepInvited(text map[string]string) {
	for _, key := range []string{"invited_to", "invited_by_to"} {
		if older, given := text[added[key]]; given && text[key] == "" {
			text[key] = older
		}
	}
}

// An upgrade must not keep a bridge from starting because of a team's texts, nor
// have it speak two languages on one page.
var (
	// added has keys that are new, and the older text that stands in where a
	// language lacks one.
	added = map[string]string{
		"early_heading": "unavailable_heading", "early_text": "unavailable_text",
		"invited_by_to": "invited_by", "invited_to": "invited", "sign_in_now": "accepted_text",
	}
	// retired has those of texts that no page shows any more.
	retired = []string{"active_heading", "active_text"}
	// earlierDate has what dates were made of while all were in UTC.
	earlierDate = []string{"{day}", "{month}", "{time}", "{year}"}
)

func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

func newMatcher(languages []words) language.Matcher {
	tags := make([]language.Tag, 0, len(languages))
	for _, w := range languages {
		tags = append(tags, w.tag)
	}
	return language.NewMatcher(tags)
}

// language chooses among the languages; see [Page.Render].
func (p *Page) language(accepted, locale string) words {
	for _, wish := range []string{accepted, locale} {
		if len(wish) > 500 {
			continue // no reader's wish, and costly to read
		}
		tags, _, err := language.ParseAcceptLanguage(wish)
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
