// Package tlsfault explains TLS errors between the bridge and the servers that it
// connects to, with the same texts for email, hooks, Kratos and doctor.
//
// It imports package bridge and the standard library, and any package may import
// it: it is a vocabulary, not a replaceable technology.
package tlsfault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"invitebridge/bridge"
)

// Error is a TLS error as a text without secrets, and without data from the server
// other than the names in its certificate.
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// Errors that [Observer.Explain] returns. Other alerts have texts of their own.
const (
	NoTLS       Error = "TLS: the server does not speak it on this port"
	BadVersion  Error = "TLS: no common protocol version; the bridge supports TLS 1.2 and 1.3"
	NoCipher    Error = "TLS: no common cipher suite"
	WantsClient Error = "TLS: the server requires a client certificate, and the bridge has none"
	UnknownName Error = "TLS: the server does not recognize the host name (SNI)"
	NoProtocol  Error = "TLS: no common application protocol (ALPN)"
	Untrusted   Error = "TLS: the certificate is signed by an unknown authority"
	OtherName   Error = "TLS: the certificate is for another name"
	Expired     Error = "TLS: the certificate has expired or is not yet valid"
	Invalid     Error = "TLS: the certificate is not valid"
	Failed      Error = "TLS: the handshake failed"
)

// alerts maps the alerts (RFC 8446, 6) that have a specific cause. The bridge never
// sends a certificate, so a server that rejects one requires one.
var alerts = map[tls.AlertError]Error{
	40: NoCipher, 71: NoCipher,
	42: WantsClient, 43: WantsClient, 44: WantsClient, 45: WantsClient, 46: WantsClient, 48: WantsClient, 116: WantsClient,
	70:  BadVersion,
	112: UnknownName,
	120: NoProtocol,
}

// Explain returns err as an [Error] if it is a TLS error, else unchanged.
func (o *Observer) Explain(err error) error {
	asked := o.asked.Load()
	fault := explain(err)
	switch {
	case fault == NoCipher && asked, fault == "" && asked && isDisconnect(err):
		// TLS 1.2 has one alert for both causes, and a server may close the
		// connection before its alert is read.
		return WantsClient
	case fault != "":
		return fault
	}
	return err
}

func explain(err error) Error {
	var (
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return Untrusted
	case errors.As(err, &name):
		return OtherName + namesOf(name.Certificate)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Expired
	case errors.As(err, &invalid), errors.As(err, &untrusted):
		return Invalid
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return NoTLS
	}
	return handshake(err)
}

func isDisconnect(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func namesOf(certificate *x509.Certificate) Error {
	if certificate == nil || len(certificate.DNSNames) == 0 {
		return ""
	}
	return ": " + Error(bridge.Truncate(bridge.OneLine(strings.Join(certificate.DNSNames, ", ")), 100))
}

// handshake finds the alert in err. Over TCP, crypto/tls wraps an alert of an
// unexported type in a net.OpError, and returns its own errors as plain texts.
func handshake(err error) Error {
	var alert tls.AlertError // over QUIC
	var op *net.OpError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &alert):
		return alertText(alert)
	case errors.As(err, &op) && op.Op == "remote error" && op.Err != nil:
		for code := range 256 {
			if alert = tls.AlertError(code); alert.Error() == op.Err.Error() {
				return alertText(alert)
			}
		}
	case strings.Contains(err.Error(), "tls: server selected unsupported protocol version"):
		return BadVersion
	case strings.Contains(err.Error(), "tls: "):
		return Failed
	}
	return ""
}

func alertText(alert tls.AlertError) Error {
	if text := alerts[alert]; text != "" {
		return text
	}
	return "TLS: the server sent an alert: " + Error(strings.TrimPrefix(alert.Error(), "tls: "))
}
