package webhook

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"invitebridge/bridge"
)

const (
	maxMessages = 20
	maxText     = 1 << 10 // bytes of a text, a pointer or a whole context
)

// refusalBody is the body by which a Kratos web hook interrupts a flow.
//
// https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks
type refusalBody struct {
	Messages []struct {
		InstancePtr string `json:"instance_ptr"`
		Messages    []struct {
			ID      int             `json:"id"`
			Text    string          `json:"text"`
			Type    string          `json:"type"`
			Context json.RawMessage `json:"context"`
		} `json:"messages"`
	} `json:"messages"`
}

// parseRefusal returns the messages of a refusal as a flat list of at most
// maxMessages. ok is false if there is none, or if the body has another format.
func parseRefusal(body []byte) (messages []bridge.UIText, ok bool) {
	var refusal refusalBody
	if json.Unmarshal(body, &refusal) != nil {
		return nil, false
	}
	for _, field := range refusal.Messages {
		for _, m := range field.Messages {
			text := clean(m.Text)
			if text == "" {
				continue
			}
			if len(messages) == maxMessages {
				return messages, true
			}
			kind := "info"
			if m.Type == "error" {
				kind = "error"
			}
			messages = append(messages, bridge.UIText{
				ID: m.ID, Text: text, Type: kind, Context: parseContext(m.Context), InstancePtr: clean(field.InstancePtr),
			})
		}
	}
	return messages, len(messages) > 0
}

// parseContext returns nil for a context that is too long or not an object: a
// message is understandable without it.
func parseContext(raw json.RawMessage) map[string]any {
	var context map[string]any
	if len(raw) > maxText || json.Unmarshal(raw, &context) != nil {
		return nil
	}
	cleaned, _ := cleanAll(context).(map[string]any)
	return cleaned
}

func cleanAll(value any) any {
	switch value := value.(type) {
	case string:
		return clean(value)
	case []any:
		for i := range value {
			value[i] = cleanAll(value[i])
		}
	case map[string]any:
		cleaned := make(map[string]any, len(value))
		for key, inner := range value {
			cleaned[clean(key)] = cleanAll(inner)
		}
		return cleaned
	}
	return value
}

// clean replaces line breaks and tabs by spaces, removes other control characters,
// and truncates to maxText bytes between two characters.
func clean(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text))
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
