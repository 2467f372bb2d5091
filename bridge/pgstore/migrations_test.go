package pgstore

import "testing"

// TestMigrations: the status names pending, applied and later migrations, and asking
// for it creates nothing.
func TestMigrations(t *testing.T) {
	status := func(dsn string) []Migration {
		t.Helper()
		list, err := Migrations(t.Context(), dsn)
		if err != nil || len(list) == 0 {
			t.Fatalf("got %v, %v", list, err)
		}
		return list
	}
	dsn := emptyDatabase(t)
	for range 2 {
		for _, m := range status(dsn) {
			if m.Status != StatusPending || m.AppliedAt != nil || m.Name == "" {
				t.Errorf("before: %+v", m)
			}
		}
	}
	if err := Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	before := status(dsn)
	for _, m := range before {
		if m.Status != StatusApplied || m.AppliedAt == nil || m.Name == "" {
			t.Errorf("after: %+v", m)
		}
	}
	execute(t, dsn, "INSERT INTO invitebridge.goose_db_version (version_id, is_applied) VALUES (9999, true)")
	list := status(dsn)
	if last := list[len(list)-1]; len(list) != len(before)+1 || last.Version != 9999 || last.Name != "" || last.Status != StatusApplied {
		t.Errorf("a later release: %+v", list)
	}
}
