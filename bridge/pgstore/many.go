package pgstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// insertMany returns a statement that inserts rows in their order. Its parameters are
// those of arrays, so one statement, and one plan, is for any number of rows.
func (t table[T]) insertMany() string {
	names, arrays, values := make([]string, len(t.columns)), make([]string, len(t.columns)), make([]string, len(t.columns))
	for i, v := range t.args(new(T)) {
		names[i] = t.columns[i].name
		element, cast := elementOf(v)
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, element)
		values[i] = fmt.Sprintf("n.%s%s", names[i], cast)
	}
	columns := strings.Join(names, ", ")
	return fmt.Sprintf("INSERT INTO invitebridge.%s (%s) SELECT %s FROM unnest(%s) n (%s)",
		t.name, columns, strings.Join(values, ", "), strings.Join(arrays, ", "), columns)
}

// elementOf returns the type in an array of the values of a column, and how they are
// converted to the type of the column.
func elementOf(v any) (element, cast string) {
	switch v.(type) {
	case *id, *optionalID:
		return "uuid", ""
	case *moment, *optionalTime, *lease:
		return "timestamptz", ""
	case *text:
		return "text", ""
	case *texts:
		return "text", "::text[]"
	case *durations:
		return "text", "::bigint[]"
	case *bool:
		return "boolean", ""
	case *string, *document, *rawJSON:
		return "text", "::json"
	}
	return "bigint", ""
}

// arrays returns an array of each column of the rows.
func (t table[T]) arrays(rows []*T) []any {
	list := make([]*values, len(t.columns))
	args := make([]any, len(t.columns))
	for i := range list {
		list[i] = &values{}
		args[i] = list[i]
	}
	for _, row := range rows {
		t.appendTo(args, row)
	}
	return args
}

// appendTo adds a row to what arrays has returned.
func (t table[T]) appendTo(arrays []any, row *T) {
	for i, c := range t.columns {
		list := arrays[i].(*values)
		v := c.field(row)
		switch several := v.(type) {
		case *texts:
			v = several.literal()
		case *durations:
			v = several.literal()
		}
		*list = append(*list, v)
	}
}

// values is an array of the values of a column.
type values []any

// Dimensions implements [pgtype.ArrayGetter].
func (v *values) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(*v)), LowerBound: 1}} //nolint:gosec // a group of rows
}

// Index implements [pgtype.ArrayGetter].
func (v *values) Index(i int) any { return (*v)[i] }

// IndexType implements [pgtype.ArrayGetter].
func (*values) IndexType() any { return nil }

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// literal returns the list as PostgreSQL writes an array in a text: arrays of lists of
// different lengths do not exist.
func (l *texts) literal() string {
	quoted := make([]string, len(*l))
	for i, s := range *l {
		quoted[i] = `"` + quoter.Replace(escaper.Replace(s)) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

func (l *durations) literal() string {
	list := make([]string, len(*l))
	for i, d := range *l {
		list[i] = strconv.FormatInt(int64(d), 10)
	}
	return "{" + strings.Join(list, ",") + "}"
}
