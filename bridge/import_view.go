package bridge

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// ImportView is the public form of an import, in responses and events. Empty members
// are omitted.
type ImportView struct {
	ID            uuid.UUID    `json:"id"`
	State         ImportState  `json:"state"`
	DryRun        bool         `json:"dry_run,omitempty"`
	CreatedBy     Creator      `json:"created_by,omitzero"`
	CreatedAt     time.Time    `json:"created_at"`
	UpdatedAt     time.Time    `json:"updated_at"`
	StartAt       time.Time    `json:"start_at,omitzero"`
	FinishedAt    time.Time    `json:"finished_at,omitzero"`
	Rows          int          `json:"rows"`
	Waiting       int          `json:"waiting"` // rows without a result
	Counts        ImportCounts `json:"counts"`
	RowsPerSecond float64      `json:"rows_per_second,omitempty"`
	WaitingFor    Dependency   `json:"waiting_for,omitempty"`
	WaveSize      int          `json:"wave_size,omitempty"`
	WaveEvery     string       `json:"wave_every,omitempty"`   // a duration such as "24h0m0s"
	WaveRunning   bool         `json:"wave_running,omitempty"` // rows of a wave that has begun have no result
	NextWaveAt    time.Time    `json:"next_wave_at,omitzero"`
	Reinvite      []State      `json:"reinvite,omitempty"`
}

// UnmarshalJSON also reads what earlier releases stored in messages: created_by was the
// name of the API key.
func (v *ImportView) UnmarshalJSON(text []byte) error {
	type plain ImportView // without this method
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	var key string
	if json.Unmarshal(members["created_by"], &key) == nil {
		var err error
		if members["created_by"], err = json.Marshal(ByKey(key)); err != nil {
			return err
		}
		if text, err = json.Marshal(members); err != nil {
			return err
		}
	}
	return json.Unmarshal(text, (*plain)(v))
}
