package boltstore

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Rows are JSON, byte for byte that of encoding/json. A codec writes and reads
// it several times as fast: it knows the fields of a type, their order, and the
// few kinds of values that rows have. Everything else it leaves to encoding/json:
// values of other kinds, texts with an escape, and rows of another shape.
type codec[T any] struct{ fields []rowField }

var (
	invitationRows = codecFor[bridge.Invitation]()
	tokenRows      = codecFor[bridge.TokenRecord]()
	messageRows    = codecFor[bridge.Message]()
	importCodec    = codecFor[bridge.Import]()
	importRowCodec = codecFor[bridge.ImportRow]()
	requestCodec   = codecFor[bridge.IdempotentRequest]()
	historyRows    = codecFor[bridge.HistoryEntry]()
)

func codecFor[T any]() codec[T] { return codec[T]{rowFields(reflect.TypeFor[T]())} }

// rowField is a field of a struct.
type rowField struct {
	index  int
	name   string // as in the row: "email":
	kind   rowKind
	fields []rowField // of a struct, of what a pointer refers to, or of an item of a list
	omit   func(reflect.Value) bool
}

type rowKind int

const (
	otherKind rowKind = iota // left to encoding/json
	textKind
	integerKind
	timeKind
	uuidKind
	structKind
	pointerKind // to a struct
	listKind    // of structs
	rawKind     // json.RawMessage
)

// rowFields returns the fields of a struct type. It panics if a field is tagged in
// a way that no row needs so far.
func rowFields(of reflect.Type) (list []rowField) {
	for i := range of.NumField() {
		field := of.Field(i)
		name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		f := rowField{index: i, name: strconv.Quote(name) + ":"}
		switch option {
		case "":
			f.omit = func(reflect.Value) bool { return false }
		case "omitempty":
			f.omit = isEmpty
		case "omitzero":
			f.omit = isZero
		}
		if name == "" || field.Anonymous || f.omit == nil {
			panic(fmt.Sprintf("boltstore: the codec does not know how to store %s.%s", of, field.Name))
		}
		f.kind, f.fields = kindOf(field.Type)
		list = append(list, f)
	}
	return list
}

func kindOf(of reflect.Type) (rowKind, []rowField) {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return timeKind, nil
	case of == reflect.TypeFor[uuid.UUID]():
		return uuidKind, nil
	case of == reflect.TypeFor[json.RawMessage]():
		return rawKind, nil
	case reflect.PointerTo(of).Implements(reflect.TypeFor[json.Marshaler]()), reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return otherKind, nil
	}
	switch of.Kind() {
	case reflect.String:
		return textKind, nil
	case reflect.Int, reflect.Int64:
		return integerKind, nil
	case reflect.Struct:
		return structKind, rowFields(of)
	case reflect.Pointer:
		if kind, fields := kindOf(of.Elem()); kind == structKind {
			return pointerKind, fields
		}
	case reflect.Slice:
		if kind, fields := kindOf(of.Elem()); kind == structKind {
			return listKind, fields
		}
	default:
	}
	return otherKind, nil
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

func isZero(v reflect.Value) bool {
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		return t.IsZero()
	}
	return v.IsZero()
}

// scratch holds buffers in which rows grow.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// encode returns the JSON of a row.
func (c codec[T]) encode(row *T) ([]byte, error) {
	buffer := scratch.Get().(*[]byte)
	defer scratch.Put(buffer)
	b, err := appendStruct((*buffer)[:0], reflect.ValueOf(row).Elem(), c.fields)
	*buffer = b
	return bytes.Clone(b), err
}

func appendStruct(b []byte, v reflect.Value, fields []rowField) (_ []byte, err error) {
	b = append(b, '{')
	first := true
	for i := range fields {
		f := &fields[i]
		value := v.Field(f.index)
		if f.omit(value) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.name...)
		if b, err = appendValue(b, value, f); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, v reflect.Value, f *rowField) (_ []byte, err error) {
	switch f.kind {
	case textKind:
		return appendText(b, v.String())
	case integerKind:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case timeKind:
		b, err = v.Addr().Interface().(*time.Time).AppendText(append(b, '"'))
		return append(b, '"'), err
	case uuidKind:
		return appendUUID(b, v.Addr().Interface().(*uuid.UUID)), nil
	case structKind:
		return appendStruct(b, v, f.fields)
	case pointerKind:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return appendStruct(b, v.Elem(), f.fields)
	case listKind:
		return appendList(b, v, f.fields)
	case rawKind:
		return appendRaw(b, v.Interface().(json.RawMessage))
	default:
		return appendOther(b, v.Interface())
	}
}

func appendList(b []byte, v reflect.Value, fields []rowField) (_ []byte, err error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendStruct(b, v.Index(i), fields); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendOther(b []byte, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	return append(b, raw...), err
}

// appendRaw appends JSON that encoding/json writes as it is: it is valid, without
// spaces between values, and without characters that have a meaning in HTML.
func appendRaw(b []byte, raw json.RawMessage) ([]byte, error) {
	if !isCompact(raw) || !json.Valid(raw) {
		return appendOther(b, raw)
	}
	return append(b, raw...), nil
}

func isCompact(raw []byte) bool {
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			quoted = !quoted
		case '\\':
			i++
		case ' ', '\t', '\n', '\r':
			if !quoted {
				return false
			}
		case '<', '>', '&':
			return false
		case 0xe2: // of U+2028 and U+2029, which encoding/json escapes
			if i+2 < len(raw) && raw[i+1] == 0x80 && raw[i+2]&^1 == 0xa8 {
				return false
			}
		}
	}
	return len(raw) > 0
}

func appendText(b []byte, text string) ([]byte, error) {
	if !isPlain(text) {
		return appendOther(b, text)
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"'), nil
}

// isPlain reports whether encoding/json writes a text as it is.
func isPlain(text string) bool {
	for i := range len(text) {
		if !plain[text[i]] {
			return false
		}
	}
	return true
}

var plain = func() (table [256]bool) {
	for c := ' '; c <= '~'; c++ {
		table[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return table
}()

func appendUUID(b []byte, id *uuid.UUID) []byte {
	b = append(b, '"')
	b = hex.AppendEncode(b, id[:4])
	for _, part := range [][]byte{id[4:6], id[6:8], id[8:10], id[10:]} {
		b = hex.AppendEncode(append(b, '-'), part)
	}
	return append(b, '"')
}
