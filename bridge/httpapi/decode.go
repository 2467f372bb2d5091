package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"invitebridge/bridge"
)

// maxDepth is how deeply a body may nest: far more than traits need, far less
// than what makes programs behind us recurse too deeply.
const maxDepth = 64

// byteOrderMark is what some programs begin every text with. RFC 8259, 8.1, lets
// readers ignore it.
var byteOrderMark = []byte("\ufeff")

// decode reads a JSON body strictly: one object, no unknown and no repeated
// members, valid UTF-8, numbers that a float64 can hold, nothing behind it.
// ErrUnsupportedMedia, ErrTooLarge, ErrBadRequest. The reasons name places in
// the body, never its values: those may be passwords.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := readBody(w, r, "application/json")
	if err != nil {
		return err
	}
	body = bytes.TrimPrefix(body, byteOrderMark)
	if err := checkValues(body); err != nil {
		return err
	}
	err = json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	var semantic *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		return bridge.ErrBadRequest.Reasonf("The body has an unknown field: %s.", pointer(semantic.JSONPointer))
	case errors.As(err, &semantic):
		return bridge.ErrBadRequest.Reasonf("The body has a field of the wrong type: %s.", pointer(semantic.JSONPointer))
	}
	return bridge.ErrBadRequest.Reasonf("The body is not valid JSON.")
}

// readBody reads what has one type, in UTF-8, up to maxBodyBytes.
func readBody(w http.ResponseWriter, r *http.Request, want string) ([]byte, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || media != want || charset != "" && charset != "utf-8" && charset != "utf8" {
		return nil, bridge.ErrUnsupportedMedia
	}
	if r.ContentLength > maxBodyBytes {
		return nil, tooLarge(w)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var exceeded *http.MaxBytesError
	switch {
	case errors.As(err, &exceeded):
		return nil, tooLarge(w)
	case err != nil:
		return nil, bridge.ErrBadRequest.Reasonf("The body did not arrive in time, or not whole.").Because(err)
	}
	return body, nil
}

// tooLarge makes this the last request of its connection, and the server read
// no more of it: else it would take some hundred KiB to see whether they end.
func tooLarge(w http.ResponseWriter) error {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // without it, it only takes longer
	return bridge.ErrTooLarge
}

// checkValues walks the body once. Traits and metadata go on to Kratos as they
// are, so what nobody could read there is refused here.
func checkValues(body []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() != '{' {
		return bridge.ErrBadRequest.Reasonf("The body must be a JSON object.")
	}
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return notJSON(d, err)
		}
		if d.StackDepth() > maxDepth {
			return bridge.ErrBadRequest.Reasonf("The body nests deeper than %d levels.", maxDepth)
		}
		if token.Kind() == '0' {
			if _, err := strconv.ParseFloat(token.String(), 64); err != nil {
				return bridge.ErrBadRequest.Reasonf("The body has a number that is too large: %s.", pointer(d.StackPointer()))
			}
		}
	}
}

func notJSON(d *jsontext.Decoder, err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return bridge.ErrBadRequest.Reasonf("The body has a field twice, in %s.", pointer(d.StackPointer()))
	}
	return bridge.ErrBadRequest.Reasonf("The body is not valid JSON, at byte %d.", d.InputOffset())
}

// pointer names a place in the body, cut to what a log line can bear.
func pointer(p jsontext.Pointer) string {
	const most = 100
	if text := strconv.Quote(string(p)); len(text) <= most {
		return text
	}
	return strconv.Quote(string(p)[:most/2] + "…")
}
