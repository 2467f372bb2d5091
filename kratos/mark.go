package kratos

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// markKey is the bridge's own key in metadata_admin.
const markKey = bridge.MetadataKey

// markTime has the precision of the bridge's clock.
const markTime = "2006-01-02T15:04:05.000000Z07:00"

type markJSON struct {
	ID         string `json:"id"`
	AcceptedAt string `json:"accepted_at,omitempty"`
	Origin     string `json:"origin,omitempty"`
	Method     string `json:"method,omitempty"`
}

// splitMark splits metadata into the mark and the rest, which is nil if nothing
// remains. conflict reports that a mark cannot be added. A value under the key
// that is not a mark belongs to another program and stays in the rest.
func splitMark(metadata json.RawMessage) (mark bridge.Mark, rest json.RawMessage, conflict bool) {
	if metadata == nil {
		return bridge.Mark{}, nil, false
	}
	members, err := parseObject(metadata)
	if err != nil {
		return bridge.Mark{}, metadata, true
	}
	at := slices.IndexFunc(members, isMark)
	if at >= 0 {
		var ok bool
		mark, ok = parseMark(members[at].value)
		members = slices.Delete(members, at, at+1)
		if !ok || slices.ContainsFunc(members, isMark) { // duplicate keys: none counts
			return bridge.Mark{}, metadata, true
		}
	}
	switch {
	case len(members) == 0:
		return mark, nil, false
	case at < 0:
		return mark, metadata, false
	}
	return mark, printObject(members), false
}

var (
	errMetadataNotObject = errors.New("metadata_admin is not an object, so the bridge cannot store its mark in it")
	errMetadataKeyTaken  = errors.New("the key \"" + markKey + "\" of metadata_admin is reserved for the bridge, but holds another value")
)

// addMark adds the mark to metadata that has none.
//
// Errors: errMetadataNotObject, errMetadataKeyTaken.
func addMark(rest json.RawMessage, mark bridge.Mark) (json.RawMessage, error) {
	var members members
	if !missing(rest) {
		var err error
		if members, err = parseObject(rest); err != nil {
			return nil, errMetadataNotObject
		}
	}
	if slices.ContainsFunc(members, isMark) {
		return nil, errMetadataKeyTaken
	}
	return printObject(append(members, member{name: markKey, value: printMark(mark)})), nil
}

func isMark(m member) bool { return m.name == markKey }

func printMark(mark bridge.Mark) json.RawMessage {
	text := markJSON{ID: mark.InvitationID.String(), Origin: string(mark.Origin), Method: string(mark.Method)}
	if mark.Origin == bridge.OriginCreated {
		text.Origin = "" // the default in every release
	}
	if !mark.AcceptedAt.IsZero() {
		text.AcceptedAt = mark.AcceptedAt.UTC().Format(markTime)
	}
	out, _ := json.Marshal(text) // cannot fail for strings
	return out
}

func parseMark(raw json.RawMessage) (bridge.Mark, bool) {
	var text markJSON
	if parse(raw, &text) != nil {
		return bridge.Mark{}, false
	}
	id, err := uuid.Parse(text.ID)
	if err != nil || id == uuid.Nil {
		return bridge.Mark{}, false
	}
	mark := bridge.Mark{InvitationID: id, Origin: bridge.Origin(text.Origin)}
	if method := bridge.AcceptMethod(text.Method); method == bridge.AcceptKratos {
		mark.Method = method
	}
	if text.AcceptedAt != "" {
		at, err := time.Parse(time.RFC3339Nano, text.AcceptedAt)
		if err != nil {
			return bridge.Mark{}, false
		}
		mark.AcceptedAt = at.UTC().Truncate(time.Microsecond)
	}
	return mark, true
}
