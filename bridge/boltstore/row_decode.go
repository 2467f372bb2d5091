package boltstore

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
)

// decode returns the row that json.Unmarshal reads. The row shares no memory with
// raw.
func (c codec[T]) decode(raw []byte) (T, error) {
	row := new(T)
	r := rowReader{text: string(raw), raw: raw}
	if r.object(reflect.ValueOf(row).Elem(), c.fields) && r.at == len(raw) {
		return *row, nil
	}
	row = new(T)
	err := json.Unmarshal(raw, row)
	return *row, err
}

// rowReader reads rows as a codec writes them. Its methods return false if
// anything is different: then encoding/json has to decide, which also knows the
// errors.
type rowReader struct {
	text string // texts are parts of it, so that they need no memory of their own
	raw  []byte
	at   int
}

func (r *rowReader) skip(c byte) bool {
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

// object reads an object whose members are in the order of fields.
func (r *rowReader) object(v reflect.Value, fields []rowField) bool {
	if !r.skip('{') {
		return false
	}
	if r.skip('}') {
		return true
	}
	for i := range fields {
		f := &fields[i]
		if !strings.HasPrefix(r.text[r.at:], f.name) {
			continue
		}
		r.at += len(f.name)
		if !r.value(v.Field(f.index), f) {
			return false
		}
		if !r.skip(',') {
			return r.skip('}')
		}
	}
	return false
}

func (r *rowReader) value(v reflect.Value, f *rowField) bool {
	switch f.kind {
	case textKind:
		text, ok := r.string()
		v.SetString(text)
		return ok
	case integerKind:
		n, ok := r.integer()
		v.SetInt(n)
		return ok && v.Int() == n
	case timeKind:
		raw, ok := r.quoted()
		return ok && v.Addr().Interface().(*time.Time).UnmarshalText(raw) == nil
	case uuidKind:
		raw, ok := r.quoted()
		return ok && v.Addr().Interface().(*uuid.UUID).UnmarshalText(raw) == nil
	case structKind:
		return r.object(v, f.fields)
	case pointerKind:
		v.Set(reflect.New(v.Type().Elem()))
		return r.object(v.Elem(), f.fields)
	case listKind:
		return r.list(v, f.fields)
	case rawKind:
		raw := r.raw[r.at:][:r.span()]
		r.at += len(raw)
		v.SetBytes(bytes.Clone(raw))
		return isCompact(raw) && json.Valid(raw)
	default:
		return r.other(v.Addr().Interface())
	}
}

func (r *rowReader) list(v reflect.Value, fields []rowField) bool {
	if !r.skip('[') {
		return false
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	if r.skip(']') {
		return true
	}
	for n := 0; ; n++ {
		v.Grow(1)
		v.SetLen(n + 1)
		if !r.object(v.Index(n), fields) {
			return false
		}
		if !r.skip(',') {
			return r.skip(']')
		}
	}
}

// string reads a text.
func (r *rowReader) string() (string, bool) {
	start := r.at
	raw, ok := r.quoted()
	if !ok {
		return "", false
	}
	if text := r.text[start+1:][:len(raw)]; isPlain(text) {
		return text, true
	}
	r.at = start
	var text string
	ok = r.other(&text)
	return text, ok
}

// quoted returns what is between two quotes.
func (r *rowReader) quoted() ([]byte, bool) {
	if !r.skip('"') {
		return nil, false
	}
	end := bytes.IndexByte(r.raw[r.at:], '"')
	if end < 0 {
		return nil, false
	}
	raw := r.raw[r.at:][:end]
	r.at += end + 1
	return raw, true
}

// integer reads a number of at most 18 digits.
func (r *rowReader) integer() (n int64, ok bool) {
	negative := r.skip('-')
	start := r.at
	for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
		n = n*10 + int64(r.text[r.at]-'0')
		r.at++
	}
	digits := r.at - start
	if negative {
		n = -n
	}
	return n, digits > 0 && digits <= 18 && (digits == 1 || r.text[start] != '0')
}

// other reads a value of any kind with encoding/json.
func (r *rowReader) other(to any) bool {
	raw := r.raw[r.at:][:r.span()]
	r.at += len(raw)
	return json.Unmarshal(raw, to) == nil
}

// span returns the length of the next value, provided that it is valid: it ends
// before a comma or a bracket that is neither in a text nor within the value.
func (r *rowReader) span() int {
	depth, quoted := 0, false
	rest := r.text[r.at:]
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == '}' || c == ']'):
			return i
		case c == '}' || c == ']':
			depth--
		}
	}
	return len(rest)
}
