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

// maxDepth limits the nesting of a body: far more than traits need, and far less
// than what overflows the stack of programs behind the bridge.
const maxDepth = 64

// byteOrderMark starts the texts of some programs. RFC 8259, section 8.1, allows
// parsers to ignore it.
var byteOrderMark = []byte("\ufeff")

// decode decodes a JSON body strictly: exactly one object, no unknown or repeated
// members, valid UTF-8, only numbers that fit a float64, no trailing data. The
// reasons of its errors name places in the body, never values, which may be
// passwords.
//
// Errors: ErrUnsupportedMediaType, ErrBodyTooLarge, ErrBadRequest.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	_, err := decodeRaw(w, r, into)
	return err
}

// decodeRaw is decode. It also returns the body as it was sent.
func decodeRaw(w http.ResponseWriter, r *http.Request, into any) (raw []byte, err error) {
	raw, err = readBody(w, r, "application/json")
	if err != nil {
		return nil, err
	}
	return raw, decodeBytes(bytes.TrimPrefix(raw, byteOrderMark), into)
}

// decodeBytes is decode for a body that was read. Members that it does not have leave
// into as it is.
//
// Errors: ErrBadRequest.
func decodeBytes(body []byte, into any) error {
	if err := checkValues(body); err != nil {
		return err
	}
	err := json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	var semantic *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		return bridge.ErrBadRequest.WithReasonf("The body has an unknown field: %s.", pointer(semantic.JSONPointer))
	case errors.As(err, &semantic):
		return bridge.ErrBadRequest.WithReasonf("The body has a field of the wrong type: %s.", pointer(semantic.JSONPointer))
	}
	return bridge.ErrBadRequest.WithReasonf("The body is not valid JSON.")
}

// mediaType returns the media type of a body in UTF-8; empty if it is malformed or in
// another encoding.
func mediaType(r *http.Request) string {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || charset != "" && charset != "utf-8" && charset != "utf8" {
		return ""
	}
	return media
}

// readBody reads a body of the media type want, in UTF-8, of at most
// maxBodyBytes.
func readBody(w http.ResponseWriter, r *http.Request, want string) ([]byte, error) {
	if mediaType(r) != want {
		return nil, bridge.ErrUnsupportedMediaType
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
		return nil, bridge.ErrBadRequest.WithReasonf("The body did not arrive completely and in time.").WithCause(err)
	}
	return body, nil
}

// tooLarge closes the connection after this response and stops reading the body:
// otherwise net/http reads some hundred KiB more, to see whether the body ends.
func tooLarge(w http.ResponseWriter) error {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // if this fails, the server only reads more
	return bridge.ErrBodyTooLarge
}

// checkValues walks the whole body once. Traits and metadata are passed on to
// Kratos unchanged, so it rejects what later readers could not process.
func checkValues(body []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() != '{' {
		return bridge.ErrBadRequest.WithReasonf("The body must be a JSON object.")
	}
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return notJSON(d, err)
		}
		if d.StackDepth() > maxDepth {
			return bridge.ErrBadRequest.WithReasonf("The body is nested more than %d levels deep.", maxDepth)
		}
		if token.Kind() == '0' {
			if _, err := strconv.ParseFloat(token.String(), 64); err != nil {
				return bridge.ErrBadRequest.WithReasonf("The body contains a number that is too large: %s.", pointer(d.StackPointer()))
			}
		}
	}
}

func notJSON(d *jsontext.Decoder, err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return bridge.ErrBadRequest.WithReasonf("The body repeats a field, in %s.", pointer(d.StackPointer()))
	}
	return bridge.ErrBadRequest.WithReasonf("The body is not valid JSON, at byte %d.", d.InputOffset())
}

// pointer quotes a place in the body, truncated for responses and logs.
func pointer(p jsontext.Pointer) string {
	const limit = 100
	if text := strconv.Quote(string(p)); len(text) <= limit {
		return text
	}
	return strconv.Quote(string(p)[:limit/2] + "…")
}
