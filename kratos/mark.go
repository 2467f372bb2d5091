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
const markKey = bridge.MarkKey

// markTime has as many digits as the bridge's clock.
const markTime = "2006-01-02T15:04:05.000000Z07:00"

type markJSON struct {
	ID         string `json:"id"`
	AcceptedAt string `json:"accepted_at,omitempty"`
	Origin     string `json:"origin,omitempty"`
}

// takeMark splits metadata into the mark and the rest; nil if nothing is left.
// Foreign says that there is no room for a mark: what is under the key and is
// no mark is somebody else's, and stays in the rest.
func takeMark(metadata json.RawMessage) (mark bridge.Mark, rest json.RawMessage, foreign bool) {
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
		if !ok || slices.ContainsFunc(members, isMark) { // twice: none of them counts
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
	errMetadataNoObject = errors.New("metadata_admin is not an object, so the bridge's note cannot be kept in it")
	errMetadataKeyTaken = errors.New("the key \"" + markKey + "\" of metadata_admin is the bridge's, and holds something else")
)

// putMark adds the mark to metadata that holds none: errMetadataNoObject,
// errMetadataKeyTaken.
func putMark(rest json.RawMessage, mark bridge.Mark) (json.RawMessage, error) {
	var members []member
	if !missing(rest) {
		var err error
		if members, err = parseObject(rest); err != nil {
			return nil, errMetadataNoObject
		}
	}
	if slices.ContainsFunc(members, isMark) {
		return nil, errMetadataKeyTaken
	}
	return printObject(append(members, member{name: markKey, value: printMark(mark)})), nil
}

func isMark(m member) bool { return m.name == markKey }

func printMark(mark bridge.Mark) json.RawMessage {
	text := markJSON{ID: mark.InvitationID.String(), Origin: string(mark.Origin)}
	if mark.Origin == bridge.OriginCreated {
		text.Origin = "" // which every release takes for it
	}
	if !mark.AcceptedAt.IsZero() {
		text.AcceptedAt = mark.AcceptedAt.UTC().Format(markTime)
	}
	out, _ := json.Marshal(text) // cannot fail for two strings
	return out
}

func parseMark(raw json.RawMessage) (bridge.Mark, bool) {
	var text markJSON
	if json.Unmarshal(raw, &text) != nil {
		return bridge.Mark{}, false
	}
	id, err := uuid.Parse(text.ID)
	if err != nil || id == uuid.Nil {
		return bridge.Mark{}, false
	}
	mark := bridge.Mark{InvitationID: id, Origin: bridge.Origin(text.Origin)}
	if text.AcceptedAt != "" {
		at, err := time.Parse(time.RFC3339Nano, text.AcceptedAt)
		if err != nil {
			return bridge.Mark{}, false
		}
		mark.AcceptedAt = at.UTC().Truncate(time.Microsecond)
	}
	return mark, true
}
