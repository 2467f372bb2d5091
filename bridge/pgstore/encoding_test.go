package pgstore

import (
	"errors"
	"strings"
	"testing"
)

// TestEncoding: a database that cannot store the names of all people is refused, with
// what to do, and nothing is created in it.
func TestEncoding(t *testing.T) {
	newDatabase(t) // the server has a template now
	dsn := createDatabase(t, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	err := Migrate(t.Context(), dsn)
	if err == nil {
		inv := sample(1)
		inv.InviterName = "Łukasz"
		put(t, open(t, dsn), inv)
	}
	if !errors.Is(err, ErrEncoding) || !strings.Contains(err.Error(), adviceUTF8) {
		t.Errorf("Migrate: got %v, want %v and %q", err, ErrEncoding, adviceUTF8)
	}
	if _, err := Open(t.Context(), dsn); !errors.Is(err, ErrEncoding) {
		t.Errorf("Open: got %v, want %v", err, ErrEncoding)
	}
}
