package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
)

func TestParseRefusal(t *testing.T) {
	long := strings.Repeat("ä", maxText)
	many := `{"messages":[{"messages":[` + strings.Repeat(`{"text":"x"},`, 50) + `{"text":"y"}]}]}`
	twenty := make([]bridge.UIText, maxMessages)
	for i := range twenty {
		twenty[i] = bridge.UIText{Text: "x", Type: "info"}
	}
	for name, c := range map[string]struct {
		body string
		want []bridge.UIText
	}{
		"two fields": {
			`{"messages":[
				{"instance_ptr":"#/traits/email","messages":[{"id":1,"text":"a","type":"error"},{"id":2,"text":"b","type":"validation"}]},
				{"messages":[{"id":-3,"text":"c"}]}]}`,
			[]bridge.UIText{
				{ID: 1, Text: "a", Type: "error", InstancePtr: "#/traits/email"},
				{ID: 2, Text: "b", Type: "info", InstancePtr: "#/traits/email"},
				{ID: -3, Text: "c", Type: "info"},
			},
		},
		"control characters": {
			`{"messages":[{"instance_ptr":"#/\u0000a","messages":[{"text":"\u001b[31mred\r\nnext\u0085\u007f ","context":{"k\u0007":["\u001bv",{"d":1}]}}]}]}`,
			[]bridge.UIText{{Text: "[31mred  next", Type: "info", InstancePtr: "#/a", Context: map[string]any{"k": []any{"v", map[string]any{"d": 1.0}}}}},
		},
		"long text":             {`{"messages":[{"messages":[{"text":"` + long + `"}]}]}`, []bridge.UIText{{Text: long[:maxText], Type: "info"}}},
		"cut in a character":    {`{"messages":[{"messages":[{"text":"x` + long + `"}]}]}`, []bridge.UIText{{Text: "x" + long[:maxText-2], Type: "info"}}},
		"long context":          {`{"messages":[{"messages":[{"text":"x","context":{"a":"` + long + `"}}]}]}`, []bridge.UIText{{Text: "x", Type: "info"}}},
		"context not an object": {`{"messages":[{"messages":[{"text":"x","context":[1]}]}]}`, []bridge.UIText{{Text: "x", Type: "info"}}},
		"too many":              {many, twenty},
		"invalid UTF-8":         {"{\"messages\":[{\"messages\":[{\"text\":\"a\xff\"}]}]}", []bridge.UIText{{Text: "a\ufffd", Type: "info"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := parseRefusal([]byte(c.body))
			if diff := cmp.Diff(c.want, got); diff != "" || !ok {
				t.Error(ok, diff)
			}
		})
	}
}

func FuzzParseRefusal(f *testing.F) {
	f.Add([]byte(`{"messages":[{"instance_ptr":"#/a","messages":[{"id":1,"text":"a","type":"error","context":{"k":["v",{}]}}]}]}`))
	f.Add([]byte(`{"messages":[{"messages":[{"text":"\u001b"}]}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		messages, ok := parseRefusal(body)
		if ok != (len(messages) > 0) || len(messages) > maxMessages {
			t.Fatal(ok, len(messages))
		}
		for _, m := range messages {
			if m.Text == "" || len(m.Text) > maxText || len(m.InstancePtr) > maxText || (m.Type != "error" && m.Type != "info") {
				t.Fatalf("%+v", m)
			}
			printed := fmt.Sprint(m)
			if strings.ContainsFunc(printed, unicode.IsControl) || !utf8.ValidString(printed) {
				t.Fatalf("%q", printed)
			}
			if _, err := json.Marshal(m); err != nil {
				t.Fatal(err)
			}
		}
	})
}
