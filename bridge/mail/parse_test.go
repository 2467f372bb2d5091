package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
)

// parsedEmail is an email as a mail program sees it.
type parsedEmail struct {
	raw        []byte
	header     mail.Header
	count      int // of header fields
	subject    string
	text, html string
	logo       *multipart.Part // nil: there is none
	image      []byte          // of the logo
}

func parse(t *testing.T, raw []byte) parsedEmail {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	p := parsedEmail{raw: raw, header: msg.Header}
	for _, values := range msg.Header {
		p.count += len(values)
	}
	if p.subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	body := msg.Body
	mediaType, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err == nil && mediaType == "multipart/related" {
		related := multipart.NewReader(msg.Body, params["boundary"])
		part, partErr := related.NextRawPart()
		if partErr != nil {
			t.Fatal(partErr)
		}
		content, readErr := io.ReadAll(part)
		if readErr != nil {
			t.Fatal(readErr)
		}
		body = bytes.NewReader(content)
		mediaType, params, err = mime.ParseMediaType(part.Header.Get("Content-Type"))
		if p.logo, partErr = related.NextRawPart(); partErr != nil {
			t.Fatal(partErr)
		}
		if p.image, readErr = io.ReadAll(base64.NewDecoder(base64.StdEncoding, p.logo)); readErr != nil {
			t.Fatal(readErr)
		}
		if _, err := related.NextRawPart(); err != io.EOF {
			t.Fatalf("after the logo: %v", err)
		}
	}
	if err != nil || mediaType != "multipart/alternative" {
		t.Fatalf("Content-Type %q, %v", mediaType, err)
	}
	parts := multipart.NewReader(body, params["boundary"])
	p.text = nextPart(t, parts, "text/plain")
	p.html = nextPart(t, parts, "text/html")
	if _, err := parts.NextPart(); err != io.EOF {
		t.Fatalf("after two parts: %v", err)
	}
	return p
}

func nextPart(t *testing.T, parts *multipart.Reader, wantType string) string {
	t.Helper()
	part, err := parts.NextPart() // decodes quoted-printable
	if err != nil {
		t.Fatal(err)
	}
	mediaType, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil || mediaType != wantType || !strings.EqualFold(params["charset"], "utf-8") {
		t.Fatalf("part is %q %v, %v; want %s", mediaType, params, err, wantType)
	}
	body, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(body), "\r\n", "\n")
}
