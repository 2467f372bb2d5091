package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"

	"go.yaml.in/yaml/v3"

	"invitebridge/bridge/httpapi"
)

// Formats of results.
const (
	formatTable      = "table"
	formatJSON       = "json"
	formatJSONPretty = "json-pretty"
	formatYAML       = "yaml"
)

var formats = []string{formatTable, formatJSON, formatJSONPretty, formatYAML}

// presenter writes results. It derives every format from their JSON, so that all
// formats use the names of the API.
type presenter struct {
	out    io.Writer
	format string
	quiet  bool // ids only, in any format
}

// printOne prints a single result.
func printOne[T any](p *presenter, item T) error {
	return p.print(item, []any{item}, func(rows []record) error { return writeRecord(p.out, rows[0]) })
}

// printMany prints several results as a list; in table format without columns,
// one table below the other.
func printMany[T any](p *presenter, items []T, columns []string) error {
	list := asList(items)
	return p.print(list, list, func(rows []record) error {
		switch {
		case len(rows) == 0:
			return nil
		case columns == nil:
			return writeRecords(p.out, rows)
		}
		return writeRows(p.out, rows, columns)
	})
}

// printPage prints a page of a list, and the token of the next page.
func printPage[T any](p *presenter, page httpapi.Page[T], columns []string) error {
	return p.print(page, asList(page.Items), func(rows []record) error {
		if err := writeRows(p.out, rows, columns); err != nil || page.NextPageToken == "" {
			return err
		}
		_, err := fmt.Fprintf(p.out, "\nNEXT PAGE TOKEN  %s\n", printable(page.NextPageToken))
		return err
	})
}

// asList never returns nil, which JSON would show as null.
func asList[T any](items []T) []any {
	list := make([]any, len(items))
	for i, item := range items {
		list[i] = item
	}
	return list
}

// print writes document or, in table format and quiet mode, its items.
func (p *presenter) print(document any, items []any, table func([]record) error) error {
	if !p.quiet && p.format != formatTable {
		return p.encode(document)
	}
	rows := make([]record, len(items))
	for i, item := range items {
		var err error
		if rows[i], err = newRecord(item); err != nil {
			return err
		}
	}
	if !p.quiet {
		return table(rows)
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(p.out, row.text("id")); err != nil {
			return err
		}
	}
	return nil
}

func (p *presenter) encode(document any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // links have ampersands
	if p.format == formatJSONPretty {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(document); err != nil {
		return err
	}
	if p.format == formatYAML {
		return writeYAML(p.out, text.Bytes())
	}
	_, err := p.out.Write(escapeControls(text.Bytes()))
	return err
}

// escapeControls escapes the control characters that JSON allows unescaped:
// terminals interpret some of U+0080 to U+009F.
func escapeControls(text []byte) []byte {
	var out bytes.Buffer
	for _, r := range string(text) {
		if r == '\n' || !unicode.IsControl(r) {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

// writeYAML converts JSON, which is YAML in flow style, so that names and their
// order are the same in both.
func writeYAML(w io.Writer, document []byte) error {
	var escaped bytes.Buffer
	for _, r := range string(document) {
		if r < 0x7f {
			escaped.WriteRune(r)
		} else { // YAML allows fewer unescaped characters than JSON
			fmt.Fprintf(&escaped, `\U%08x`, r)
		}
	}
	var node yaml.Node
	if err := yaml.Unmarshal(escaped.Bytes(), &node); err != nil {
		return err
	}
	plain(&node)
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(&node); err != nil {
		return err
	}
	return e.Close()
}

func plain(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		plain(child)
	}
}
