package boltstore

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// TestRows: rows of all kinds of values are the JSON of encoding/json, and are
// read as it reads them.
func TestRows(t *testing.T) {
	t.Run("invitations", func(t *testing.T) { randomRows(t, invitationRows) })
	t.Run("tokens", func(t *testing.T) { randomRows(t, tokenRows) })
	t.Run("messages", func(t *testing.T) { randomRows(t, messageRows) })
	t.Run("imports", func(t *testing.T) { randomRows(t, importCodec) })
	t.Run("rows of imports", func(t *testing.T) { randomRows(t, importRowCodec) })
	t.Run("requests", func(t *testing.T) { randomRows(t, requestCodec) })
}

func randomRows[T any](t *testing.T, c codec[T]) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 5000 {
		var row T
		randomValue(random, reflect.ValueOf(&row).Elem(), n%4)
		want, wantErr := json.Marshal(row)
		got, err := c.encode(&row)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if err != nil {
			continue
		}
		if string(got) != string(want) {
			t.Fatalf("encoded\n%s, want\n%s", got, want)
		}
		sameRow(t, c, want)
		if r := (rowReader{text: string(want), raw: want}); !r.object(reflect.New(reflect.TypeFor[T]()).Elem(), c.fields) {
			t.Fatalf("left to encoding/json as a whole:\n%s", want)
		}
	}
}

// sameRow checks that the codec reads a row as encoding/json does, also when the
// memory of raw is used for something else afterwards.
func sameRow[T any](t *testing.T, c codec[T], raw []byte) {
	t.Helper()
	var want T
	wantErr := json.Unmarshal(raw, &want)
	copied := append([]byte{}, raw...)
	got, err := c.decode(copied)
	clear(copied)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("error %v, want %v, for\n%s", err, wantErr, raw)
	}
	if err != nil {
		return
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.String() == b.String() })); diff != "" {
		t.Fatalf("%s\n(-want +got):\n%s", raw, diff)
	}
}

// texts are not all that bridge puts into a row, but all that the types allow.
var texts = []string{
	"", "plain", "ann@example.com", "a&b=<c>", `"quoted" \ and \n`, "two\nlines\t\x01", "\u2028\u2029", "naïve 日本語 🙂", "\x7f",
	"not \xff utf-8", `,"state":`, "[{]}",
}

var raws = []string{
	`{}`, `{"email":"ann@example.com","traits":{"name":{"first":"Ann, \"}{"}}}`, ` {"a": [1, 2.50e3, null]}` + "\n", `{"a":"b","a":"<&>"}`,
	`"\u0000\ud83d \\"`, "\"\u2028\"", `"naïve – 日本語 🙂"`, "\"not \xff utf-8\"", `{"a":}`, `{"open":"`, `1 2`, `"\`, `null`, `12345678901234567890`,
}

// randomValue sets a value. The lower the density, the more of it stays zero.
func randomValue(random *rand.Rand, v reflect.Value, density int) {
	if random.IntN(4) > density {
		return
	}
	switch to := v.Addr().Interface().(type) {
	case *time.Time:
		*to = time.UnixMicro(random.Int64N(5e15)).UTC()
		switch random.IntN(6) {
		case 0:
			*to = to.Add(time.Duration(random.IntN(1000)))
		case 1:
			*to = to.In(time.FixedZone("", 3600*(random.IntN(28)-13)))
		case 2:
			*to = to.Truncate(time.Second)
		}
		return
	case *uuid.UUID:
		for i := range to {
			to[i] = byte(random.Uint32())
		}
		return
	case *bridge.Digest:
		to[random.IntN(len(to))] = byte(random.Uint32())
		return
	case *json.RawMessage:
		*to = json.RawMessage(raws[random.IntN(len(raws))])
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{-1, 1, 10, 1e16, 9e17, -9e17}[random.IntN(6)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat([]float64{-1, 0.5, 1e21, 1234.5678}[random.IntN(4)])
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Tag.Get("json"); name != "-" {
				randomValue(random, v.Field(i), density)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		randomValue(random, v.Elem(), density)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(3), 4))
		for i := range v.Len() {
			randomValue(random, v.Index(i), density)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"b": texts[random.IntN(len(texts))], "a<": "c", "": ""}))
	default:
		panic("a row with a " + v.Type().String())
	}
}

// TestRows_unusual: what a codec does not write is read as encoding/json reads it.
func TestRows_unusual(t *testing.T) {
	for _, raw := range []string{
		``, ` `, `null`, `{}`, `{ }`, `[]`, `{"id":null}`, `{"send_count":1,"epoch":2}`, `{"epoch":1,}`, `{"epoch":01}`, `{"epoch":-0}`,
		`{"lifespan":9000000000000000000}`, `{"epoch":1.0}`, `{"epoch":1e2}`, `{"epoch":}`, `{"epoch":-}`, `{"epoch":99999999999999999999}`, `{"epoch":1}x`, `{"epoch":1} `,
		`{"epoch":1,"unknown":{"a":[1,"}"]},"send_count":2}`, `{"EPOCH":3}`, `{"epoch":3,"epoch":4}`, `{"email":"a","email":"b"}`,
		`{"email":"open`, `{"email":"open\"}`, `{"email":"\ud83d\ude42 \ud83d"}`, `{"email":"\x00"}`, `{"email":"` + "\n" + `"}`,
		`{"created_at":"2026-01-02T03:04:05+02:00"}`, `{"created_at":"2026-01-02 03:04:05Z"}`, `{"created_at":"2026-01-02T03:04:05,5Z"}`,
		`{"id":"0197a3c2-1111-7000-8000-00000000000"}`, `{"id":"urn:uuid:0197a3c2-1111-7000-8000-000000000001"}`,
		`{"identifiers":[]}`, `{"identifiers":["a",null]}`, `{"identifiers":["a",]}`, `{"identifiers":["a"`, `{"traits":{}}`,
		`{"baseline":{"state_changed_at":"2026-01-02T03:04:05Z","credentials":[]}}`, `{"baseline":{"credentials":[{},]}}`, `{"baseline":{}}`,
		`{"claim":null}`, `{"claim":{"id":"0197a3c2-1111-7000-8000-000000000001"},"looks":1}`,
	} {
		sameRow(t, invitationRows, []byte(raw))
	}
	for _, raw := range []string{
		`{"index":1,"line":2,"body":{"a":1}}`, `{"index":1,"line":2,"body": {"a":1} }`, `{"index":1,"line":2,"body":{"a": 1}}`, `{"index":1,"line":2,"body":null}`,
		`{"index":1,"line":2,"body":}`, `{"index":1,"line":2,"body":{"a":}}`, `{"index":1,"line":2,"body":{"a":"}"}`, `{"index":1,"line":2,"body":[1}}`,
		`{"index":1,"line":2,"body":"<","key":"k"}`, `{"index":1,"line":2,"body":"\u003c","key":"k"}`, `{"index":1,"line":2,"body":"\\","key":"k"}`,
		`{"index":1,"line":2,"body":1 2}`, `{"index":1,"line":2,"body":truex}`, `{"index":1,"line":2,"body":{"a":"` + "\n" + `"}}`,
	} {
		sameRow(t, importRowCodec, []byte(raw))
	}
}

func FuzzRows(f *testing.F) {
	inv, _ := sample(1)
	inv.Identifiers, inv.Traits, inv.Claim = []string{"a<b"}, map[string]string{"a": "b"}, &bridge.Claim{Checks: 2}
	inv.Baseline = &bridge.Baseline{Credentials: []bridge.Credential{{Type: "oidc", Identifiers: []string{"idp:1"}}}}
	message := sampleMessage(1)
	for _, row := range []any{inv, message, sampleImport(), sampleRow(0), sampleRequest(0), importMessage(), bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI}} {
		raw, err := json.Marshal(row)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		sameRow(t, invitationRows, raw)
		sameRow(t, messageRows, raw)
		sameRow(t, tokenRows, raw)
		sameRow(t, importCodec, raw)
		sameRow(t, importRowCodec, raw)
		sameRow(t, requestCodec, raw)
	})
}
