package bridge

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Import is a list of rows that workers turn into invitations. The JSON names are
// those in the store. Times are UTC, truncated to microseconds; zero if the event has
// not happened.
type Import struct {
	ID        uuid.UUID   `json:"id"` // a UUIDv7
	State     ImportState `json:"state"`
	DryRun    bool        `json:"dry_run,omitempty"`    // judge only, write nothing in the identity system
	CreatedBy string      `json:"created_by,omitempty"` // the name of the API key
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
	// Loader is the process that stores the rows, while the import is loading.
	Loader     uuid.UUID `json:"loader,omitzero"`
	StartAt    time.Time `json:"start_at,omitzero"` // no row is begun before
	FinishedAt time.Time `json:"finished_at,omitzero"`

	// Defaults is a body of an invite whose members apply to every row that does not
	// have them; empty: none. Columns are those of the CSV file; empty: it was NDJSON.
	Defaults json.RawMessage `json:"defaults,omitempty"`
	Columns  []string        `json:"columns,omitempty"`
	// Separator is between the cells of that file; empty: a comma.
	Separator string  `json:"separator,omitempty"`
	Reinvite  []State `json:"reinvite,omitempty"` // former invitations that do not exclude a row

	WaveSize   int           `json:"wave_size,omitempty"`  // rows of a wave; 0: all rows are one wave
	WaveEvery  time.Duration `json:"wave_every,omitempty"` // between the beginnings of two waves
	WaveLeft   int           `json:"wave_left,omitempty"`  // rows of the current wave that are not begun
	NextWaveAt time.Time     `json:"next_wave_at,omitzero"`

	Rows   int          `json:"rows,omitempty"`   // all rows
	Begun  int          `json:"begun,omitempty"`  // rows with an index below this are begun
	Counts ImportCounts `json:"counts"`           // rows that have a result
	Groups []RowGroup   `json:"groups,omitempty"` // begun and not finished

	// DueAt is when the import next needs a worker: the earliest comes first. Zero: not
	// before another request changes it.
	DueAt time.Time `json:"due_at,omitzero"`
	// WaitingFor is what the latest group could not do without. No further group is begun
	// before HeldUntil. Pauses counts the groups in a row that ended so.
	WaitingFor Dependency `json:"waiting_for,omitempty"`
	HeldUntil  time.Time  `json:"held_until,omitzero"`
	Pauses     int        `json:"pauses,omitempty"`
	// RateSince and RateRows are the beginning of the latest period over which the
	// speed is measured, and the rows that had a result then.
	RateSince time.Time `json:"rate_since,omitzero"`
	RateRows  int       `json:"rate_rows,omitempty"`
}

// ImportState is the lifecycle state of an import.
type ImportState string

// The states. The last two are final.
const (
	ImportLoading   ImportState = "loading" // rows are being stored; none is begun
	ImportRunning   ImportState = "running"
	ImportPaused    ImportState = "paused"    // no group is begun
	ImportCanceling ImportState = "canceling" // no group is begun; those that are begun finish
	ImportFinished  ImportState = "finished"  // every row has a result
	ImportCanceled  ImportState = "canceled"  // rows without a result never get one
)

// ImportStates returns every state.
func ImportStates() []ImportState {
	return []ImportState{ImportLoading, ImportRunning, ImportPaused, ImportCanceling, ImportFinished, ImportCanceled}
}

// Dependency is what an import waits for.
type Dependency string

// The dependencies.
const (
	DependencyKratos Dependency = "kratos"
	DependencyHook   Dependency = "hook"
	DependencyStore  Dependency = "store"
	// DependencyRequest is another request that is inviting or accepting the same address.
	DependencyRequest Dependency = "request"
	// DependencyRepair is a defect that the log describes.
	DependencyRepair Dependency = "repair"
	// DependencyQuietHours is the end of the quiet hours. It is only in views: see
	// [Service.ViewImport].
	DependencyQuietHours Dependency = "quiet_hours"
)

// RowGroup is a group of rows that a worker has begun. The rows in it that have no
// result are those left to do.
type RowGroup struct {
	First int `json:"first"` // index of its first row
	Count int `json:"count"`
	// Claim is the right of one worker to process the group, until Until; zero: none
	// has it. Due is when it may be claimed.
	Claim uuid.UUID `json:"claim,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Run   uuid.UUID `json:"run,omitzero"` // the process that has the claim
	Due   time.Time `json:"due"`
	Tries int       `json:"tries,omitempty"` // ended claims that left rows to do
}

// NextAt returns when the group next needs a worker.
func (g RowGroup) NextAt() time.Time {
	if g.Claim != uuid.Nil {
		return g.Until
	}
	return g.Due
}

// ImportCounts are the numbers of rows by result.
type ImportCounts struct {
	Invited        int `json:"invited"`
	Adopted        int `json:"adopted"`
	AlreadyPending int `json:"already_pending"`
	AlreadyActive  int `json:"already_active"`
	SkippedRevoked int `json:"skipped_revoked"`
	SkippedExpired int `json:"skipped_expired"`
	Duplicate      int `json:"duplicate"`
	Failed         int `json:"failed"`
}
