package pgstore

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// PostgreSQL has no NUL in texts. Two characters that no one types stand for it and
// for themselves, so that different texts stay different.
var (
	escaper   = strings.NewReplacer("\x00", "\x01\x02", "\x01", "\x01\x01")
	unescaper = strings.NewReplacer("\x01\x02", "\x00", "\x01\x01", "\x01")
)

// A pointer of one of these types reads a column and writes it: it refers to a
// field of a row.
type (
	text         string          // a text that may contain NUL
	texts        []string        // a list of them; empty and nil are the same
	durations    []time.Duration // in nanoseconds; empty and nil are the same
	moment       time.Time       // UTC, to the microsecond
	optionalTime time.Time       // zero: null
	id           uuid.UUID
	optionalID   uuid.UUID // zero: null
)

// TextValue implements [pgtype.TextValuer].
func (t *text) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: escaper.Replace(string(*t)), Valid: true}, nil
}

// ScanText implements [pgtype.TextScanner].
func (t *text) ScanText(v pgtype.Text) error {
	*t = text(unescaper.Replace(v.String))
	return nil
}

// Dimensions implements [pgtype.ArrayGetter].
func (l *texts) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(*l)), LowerBound: 1}} //nolint:gosec // a list of a few texts
}

// Index implements [pgtype.ArrayGetter].
func (l *texts) Index(i int) any { return (*text)(&(*l)[i]) }

// IndexType implements [pgtype.ArrayGetter].
func (*texts) IndexType() any { return new(text) }

// SetDimensions implements [pgtype.ArraySetter].
func (l *texts) SetDimensions(dimensions []pgtype.ArrayDimension) error {
	*l = nil
	if len(dimensions) > 0 {
		*l = make(texts, dimensions[0].Length)
	}
	return nil
}

// ScanIndex implements [pgtype.ArraySetter].
func (l *texts) ScanIndex(i int) any { return (*text)(&(*l)[i]) }

// ScanIndexType implements [pgtype.ArraySetter].
func (*texts) ScanIndexType() any { return new(text) }

// Dimensions implements [pgtype.ArrayGetter].
func (l *durations) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(*l)), LowerBound: 1}} //nolint:gosec // a list of a few durations
}

// Index implements [pgtype.ArrayGetter].
func (l *durations) Index(i int) any { return (*int64)(&(*l)[i]) }

// IndexType implements [pgtype.ArrayGetter].
func (*durations) IndexType() any { return new(int64) }

// SetDimensions implements [pgtype.ArraySetter].
func (l *durations) SetDimensions(dimensions []pgtype.ArrayDimension) error {
	*l = nil
	if len(dimensions) > 0 {
		*l = make(durations, dimensions[0].Length)
	}
	return nil
}

// ScanIndex implements [pgtype.ArraySetter].
func (l *durations) ScanIndex(i int) any { return (*int64)(&(*l)[i]) }

// ScanIndexType implements [pgtype.ArraySetter].
func (*durations) ScanIndexType() any { return new(int64) }

// TimestamptzValue implements [pgtype.TimestamptzValuer].
func (m *moment) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: time.Time(*m), Valid: true}, nil
}

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (m *moment) ScanTimestamptz(v pgtype.Timestamptz) error {
	if v.InfinityModifier != pgtype.Finite {
		return errors.New("an infinite time")
	}
	*m = moment(v.Time.UTC())
	return nil
}

// TimestamptzValue implements [pgtype.TimestamptzValuer].
func (o *optionalTime) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: time.Time(*o), Valid: !time.Time(*o).IsZero()}, nil
}

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (o *optionalTime) ScanTimestamptz(v pgtype.Timestamptz) error {
	*o = optionalTime{}
	if !v.Valid {
		return nil
	}
	return (*moment)(o).ScanTimestamptz(v)
}

// UUIDValue implements [pgtype.UUIDValuer].
func (i *id) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: *i, Valid: true}, nil }

// ScanUUID implements [pgtype.UUIDScanner].
func (i *id) ScanUUID(v pgtype.UUID) error {
	*i = v.Bytes
	return nil
}

// UUIDValue implements [pgtype.UUIDValuer].
func (o *optionalID) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: *o, Valid: uuid.UUID(*o) != uuid.Nil}, nil
}

// ScanUUID implements [pgtype.UUIDScanner].
func (o *optionalID) ScanUUID(v pgtype.UUID) error {
	*o = v.Bytes // zero if null
	return nil
}

// document reads and writes a JSON column: null for a value that is empty.
type document struct {
	to    any // a pointer to the value
	empty bool
}

// Value implements [driver.Valuer].
func (d *document) Value() (driver.Value, error) {
	if d.empty {
		return nil, nil
	}
	raw, err := json.Marshal(d.to)
	return string(raw), err
}

// Scan implements [sql.Scanner].
func (d *document) Scan(src any) error {
	switch raw := src.(type) {
	case string:
		return json.Unmarshal([]byte(raw), d.to)
	case []byte:
		return json.Unmarshal(raw, d.to)
	}
	return nil
}
