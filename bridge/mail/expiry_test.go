package mail

import (
	"testing"
	"time"
)

func TestExpiry(t *testing.T) {
	all, problems := loadTemplates("")
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
		moment := expiryData(now.Add(test.left), now, "")
		for language, want := range map[string]string{"en": test.en, "de": test.de} {
			if got, err := formatExpiry(all[language].expiry, "in", moment); err != nil || got != want {
				t.Errorf("%v: got %q, %v; want %q", test.left, got, err, want)
			}
		}
	}

	// The time is shown in the invitee's zone, or in UTC, whatever zone the input
	// is in.
	at := time.Date(2030, 3, 6, 0, 30, 0, 0, time.FixedZone("", 9*60*60))
	for zone, want := range map[string]map[string]string{
		"":              {"en": "on Tuesday, 5 March 2030, 15:30 UTC", "de": "am Dienstag, 5. März 2030, 15:30 Uhr (UTC)"},
		"no/zone":       {"en": "on Tuesday, 5 March 2030, 15:30 UTC", "de": "am Dienstag, 5. März 2030, 15:30 Uhr (UTC)"},
		"Europe/Berlin": {"en": "on Tuesday, 5 March 2030, 16:30 UTC+1", "de": "am Dienstag, 5. März 2030, 16:30 Uhr (UTC+1)"},
		"Asia/Tokyo":    {"en": "on Wednesday, 6 March 2030, 00:30 UTC+9", "de": "am Mittwoch, 6. März 2030, 00:30 Uhr (UTC+9)"},
	} {
		for language, want := range want {
			if got, err := formatExpiry(all[language].expiry, "on", expiryData(at, now, zone)); err != nil || got != want {
				t.Errorf("%s: got %q, %v; want %q", zone, got, err, want)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	en, de, ptBR := &emailTemplate{language: "en"}, &emailTemplate{language: "de"}, &emailTemplate{language: "pt-br"}
	all := templates{"en": en, "de": de, "pt-br": ptBR}
	for locale, want := range map[string]*emailTemplate{
		"": en, "en": en, "en-GB": en, "de": de, "DE": de, "de-AT": de, "de_DE": de, "de_DE.UTF-8": de, "de@euro": de,
		"de-Latn-DE-1996": de, " de ": de, "de-AT,en;q=0.8": de, "de;q=1": de, "pt_BR": ptBR, "pt-BR-x": ptBR,
		"pt": en, "fr": en, "deu": en, "-": en, "-de": en, "de-": de, "..": en, "../de": en, ";": en, "\x00": en, "日本": en,
	} {
		if got := all.choose(locale); got != want {
			t.Errorf("%q: got %v, want %s", locale, got, want.language)
		}
	}
}
