package boltstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// importGroup is how many rows one Update stores, begins or finishes.
const importGroup = 500

// BenchmarkImport measures what a store does for an import of many rows: storing
// them, beginning them, storing their results together with their invitations, and
// deleting them. It reports the rows a second of each, and the highest growth of the
// anonymous memory of the process.
func BenchmarkImport(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000} {
		b.Run(strconv.Itoa(rows), func(b *testing.B) {
			for b.Loop() {
				benchmarkImport(b, rows)
			}
		})
	}
}

func benchmarkImport(b *testing.B, rows int) {
	path := filepath.Join(b.TempDir(), "bridge.db")
	s := open(b, path)
	defer func() { _ = s.Close() }()
	i := bridge.Import{ID: uuid.Must(uuid.NewV7()), State: bridge.ImportLoading, CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
	update(b, s, func(tx bridge.Tx) error { return tx.PutImport(i) })
	idle, peak := anonymousMemory(b), int64(0)
	phase := func(name string, group func(tx bridge.Tx, first int) error) {
		start := time.Now()
		for first := 0; first < rows; first += importGroup {
			update(b, s, func(tx bridge.Tx) error { return group(tx, first) })
			if first/importGroup%20 == 0 {
				peak = max(peak, anonymousMemory(b)-idle)
			}
		}
		b.Logf("%s: %.0f rows/s", name, float64(rows)/time.Since(start).Seconds())
		b.ReportMetric(float64(rows)/time.Since(start).Seconds(), name+"-rows/s")
	}
	phase("load", func(tx bridge.Tx, first int) error { return loadGroup(tx, i.ID, first) })
	loaded := fileSize(b, path)
	phase("begin", func(tx bridge.Tx, first int) error { return beginGroup(tx, i, first) })
	phase("finish", func(tx bridge.Tx, first int) error { return finishGroup(tx, i, first) })
	finished := fileSize(b, path)
	phase("delete", func(tx bridge.Tx, _ int) error {
		n, err := tx.DeleteImportRows(i.ID, importGroup)
		if err == nil && n != importGroup {
			err = fmt.Errorf("%d rows were deleted", n)
		}
		return err
	})
	b.ReportMetric(float64(loaded)/float64(rows), "loaded-B/row")
	b.ReportMetric(float64(finished)/float64(rows), "finished-B/row")
	b.ReportMetric(float64(peak)/(1<<20), "memory-MiB")
	b.ReportMetric(0, "ns/op")
}

// loadGroup stores rows, after it has looked for duplicates.
func loadGroup(tx bridge.Tx, id uuid.UUID, first int) error {
	rows, keys := make([]bridge.ImportRow, importGroup), make([]string, importGroup)
	for n := range rows {
		rows[n] = benchmarkRow(first + n)
		keys[n] = rows[n].Key
	}
	lines, err := tx.FirstLines(id, keys...)
	if err == nil && len(lines) > 0 {
		err = fmt.Errorf("%d duplicates", len(lines))
	}
	if err != nil {
		return err
	}
	return tx.PutImportRows(id, rows...)
}

// beginGroup gives each row an invitation id, and looks for invitations of its address.
func beginGroup(tx bridge.Tx, i bridge.Import, first int) error {
	rows, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, From: first, Limit: importGroup})
	if err != nil {
		return err
	}
	emails := make([]string, len(rows))
	for n := range rows {
		inv, _ := sample(rows[n].Index)
		rows[n].InvitationID, emails[n] = inv.ID, inv.Email
	}
	if _, err := tx.InvitationsOf(emails...); err != nil {
		return err
	}
	i.State, i.Begun = bridge.ImportRunning, first+len(rows)
	if err := tx.PutImport(i); err != nil {
		return err
	}
	return tx.PutImportRows(i.ID, rows...)
}

// finishGroup stores the results of rows, and their invitations.
func finishGroup(tx bridge.Tx, i bridge.Import, first int) error {
	rows, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, From: first, Limit: importGroup})
	if err != nil {
		return err
	}
	list := make([]bridge.Invitation, len(rows))
	for n := range rows {
		list[n], _ = sample(rows[n].Index)
		list[n].ImportID, list[n].InviterID = i.ID, "school"
		rows[n].Result = bridge.ResultInvited
	}
	conflicts, err := tx.InsertInvitations(list...)
	if err == nil && len(conflicts) > 0 {
		err = fmt.Errorf("%d conflicts", len(conflicts))
	}
	if err != nil {
		return err
	}
	i.State, i.Begun = bridge.ImportRunning, first+len(rows)
	i.Counts.Invited = i.Begun
	if err := tx.PutImport(i); err != nil {
		return err
	}
	return tx.PutImportRows(i.ID, rows...)
}

func benchmarkRow(index int) bridge.ImportRow {
	inv, _ := sample(index)
	return bridge.ImportRow{
		Index: index, Line: index + 2, Key: "employee " + inv.Email,
		Body: json.RawMessage(fmt.Sprintf(`{"email":%q,"locale":"en","traits":{"name":{"first":"Person","last":"Number %d"},"department":"%d"}}`, inv.Email, index, index%50)),
	}
}

func fileSize(b *testing.B, path string) int64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// anonymousMemory returns the RssAnon of this process, without that of the mapped
// file; 0 where the kernel does not report it.
func anonymousMemory(b *testing.B) int64 {
	b.Helper()
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, found := bytes.Cut(status, []byte("RssAnon:"))
	if !found {
		return 0
	}
	var kib int64
	if _, err := fmt.Sscan(string(rest), &kib); err != nil {
		b.Fatal(err)
	}
	return kib << 10
}
