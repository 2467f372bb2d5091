package mail

import (
	"testing"
	"time"
)

func TestExpiry(t *testing.T) {
	all, problems := loadLetters("")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	now := time.Date(2030, 3, 3, 14, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		left   time.Duration
		en, de string
	}{
		{-time.Hour, "in 1 minute", "in 1 Minute"},
		{0, "in 1 minute", "in 1 Minute"},
		{time.Minute, "in 1 minute", "in 1 Minute"},
		{90 * time.Minute, "in 90 minutes", "in 90 Minuten"},
		{2*time.Hour - time.Second, "in 2 hours", "in 2 Stunden"},
		{47*time.Hour + 55*time.Minute, "in 47 hours", "in 47 Stunden"},
		{48*time.Hour - 3*time.Second, "in 2 days", "in 2 Tagen"},
		{71 * time.Hour, "in 2 days", "in 2 Tagen"},
		{7*24*time.Hour - 3*time.Second, "in 7 days", "in 7 Tagen"},
	} {
		moment := momentOf(now.Add(test.left), now)
		for language, want := range map[string]string{"en": test.en, "de": test.de} {
			if got, err := inWords(all[language].expiry, "in", moment); err != nil || got != want {
				t.Errorf("%v: got %q, %v; want %q", test.left, got, err, want)
			}
		}
	}

	// Whatever the zone it came in, it is told in UTC.
	zone := time.FixedZone("", 9*60*60)
	moment := momentOf(time.Date(2030, 3, 6, 0, 30, 0, 0, zone), now)
	for language, want := range map[string]string{
		"en": "on Tuesday, 5 March 2030, 15:30 UTC",
		"de": "am Dienstag, dem 5. März 2030, um 15:30 Uhr UTC",
	} {
		if got, err := inWords(all[language].expiry, "on", moment); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestChoose(t *testing.T) {
	en, de, ptBR := &letter{language: "en"}, &letter{language: "de"}, &letter{language: "pt-br"}
	all := letters{"en": en, "de": de, "pt-br": ptBR}
	for locale, want := range map[string]*letter{
		"": en, "en": en, "en-GB": en, "de": de, "DE": de, "de-AT": de, "de_DE": de, "de_DE.UTF-8": de, "de@euro": de,
		"de-Latn-DE-1996": de, " de ": de, "de-AT,en;q=0.8": de, "de;q=1": de, "pt_BR": ptBR, "pt-BR-x": ptBR,
		"pt": en, "fr": en, "deu": en, "-": en, "-de": en, "de-": de, "..": en, "../de": en, ";": en, "\x00": en, "日本": en,
	} {
		if got := all.choose(locale); got != want {
			t.Errorf("%q: got %v, want %s", locale, got, want.language)
		}
	}
}
