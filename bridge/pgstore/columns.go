package pgstore

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// column is a column that T is written to and read from. The value of field refers
// to a part of the row and can do both.
type column[T any] struct {
	name  string
	field func(*T) any
}

// table derives the statements of a table from its columns, the first of which is
// its key. Every statement names its columns: after a migration that adds one, the
// prepared statements of an earlier release stay valid.
type table[T any] struct {
	name    string
	columns []column[T]
}

func (t table[T]) names() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = "t." + c.name
	}
	return strings.Join(names, ", ")
}

// insert returns a statement whose parameters are those of args.
func (t table[T]) insert() string {
	names, values := make([]string, len(t.columns)), make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i], values[i] = c.name, fmt.Sprintf("$%d", i+1)
	}
	return fmt.Sprintf("INSERT INTO invitebridge.%s (%s) VALUES (%s)", t.name, strings.Join(names, ", "), strings.Join(values, ", "))
}

// update returns a statement that replaces the row with the key.
func (t table[T]) update() string {
	var set []string
	for i, c := range t.columns[1:] {
		set = append(set, fmt.Sprintf("%s = $%d", c.name, i+2))
	}
	return fmt.Sprintf("UPDATE invitebridge.%s SET %s WHERE %s = $1", t.name, strings.Join(set, ", "), t.columns[0].name)
}

// excluded returns the assignments that replace a row by one that was to be inserted.
func (t table[T]) excluded() string {
	var set []string
	for _, c := range t.columns[1:] {
		set = append(set, c.name+" = excluded."+c.name)
	}
	return strings.Join(set, ", ")
}

// args returns the values of all columns.
func (t table[T]) args(row *T) []any {
	list := make([]any, len(t.columns))
	for i, c := range t.columns {
		list[i] = c.field(row)
	}
	return list
}

// scan reads all rows; each may have further columns after those of the table.
func (t table[T]) scan(rows pgx.Rows, further func(*T) []any) (list []*T, err error) {
	defer rows.Close()
	for rows.Next() {
		row := new(T)
		fields := t.args(row)
		if further != nil {
			fields = append(fields, further(row)...)
		}
		if err := rows.Scan(fields...); err != nil {
			return nil, fmt.Errorf("pgstore: a row of %s: %w", t.name, err)
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
