package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// writeRecord writes a line for each member, and lists as tables below.
func writeRecord(w io.Writer, r record) error {
	var below bytes.Buffer
	t := newTable(w)
	for _, m := range r {
		rows, ok := m.list()
		if counts, are := m.numbers(); are {
			fmt.Fprintf(&below, "\n%s\n", countsTitle(r, m))
			if err := writeRecord(&below, counts); err != nil {
				return err
			}
			continue
		}
		if !ok {
			fmt.Fprintf(t, "%s\t%s\n", title(m.name), m.text())
			continue
		}
		fmt.Fprintf(&below, "\n%s\n", title(m.name))
		if err := writeRows(&below, rows, names(rows)); err != nil {
			return err
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := below.WriteTo(w)
	return err
}

func writeRecords(w io.Writer, rows []record) error {
	for i, r := range rows {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := writeRecord(w, r); err != nil {
			return err
		}
	}
	return nil
}

// names returns the distinct names of all members.
func names(rows []record) (names []string) {
	seen := make(map[string]bool)
	for _, r := range rows {
		for _, m := range r {
			if !seen[m.name] {
				names = append(names, m.name)
			}
			seen[m.name] = true
		}
	}
	return names
}

func writeRows(w io.Writer, rows []record, columns []string) error {
	return writeRowsBelow(w, rows, columns, true)
}

// writeRowsBelow is writeRows without a header, unless withHeader.
func writeRowsBelow(w io.Writer, rows []record, columns []string, withHeader bool) error {
	t := newTable(w)
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = title(c)
	}
	if withHeader {
		fmt.Fprintln(t, strings.Join(header, "\t"))
	}
	for _, r := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = r.text(c)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 8, 2, ' ', 0) }

// countsTitle is title for numbers of an object. A dry run has done nothing of what its
// numbers say.
func countsTitle(r record, m member) string {
	if r.text("dry_run") == "true" {
		return "WOULD BE"
	}
	return title(m.name)
}

// title formats the name of a member as Kratos' tables do; of a path, its last member.
func title(name string) string {
	name = name[strings.LastIndexByte(name, '.')+1:]
	return strings.ToUpper(strings.ReplaceAll(name, "_", " "))
}
