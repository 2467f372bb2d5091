package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"syscall"

	"github.com/wneessen/go-mail/smtp"

	"invitebridge/bridge"
)

// wantsLogin are the replies by which a server asks for a login, or for a better
// one (RFC 4954, 4 and 6; RFC 3207, 4).
var wantsLogin = []int{530, 534, 535, 538}

// verdict turns a dialogue that went wrong into a result. It tells the server's
// reply by its codes alone: the text may quote a password or a link.
func verdict(ctx context.Context, at stage, err error) bridge.Result {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return bridge.Result{Outcome: bridge.Retry, Detail: fmt.Sprintf("%s: %s", at, describe(ctx, err))}
	}
	result := bridge.Result{
		Outcome: bridge.Retry,
		Status:  reply.Code,
		Detail:  fmt.Sprintf("%s: the server replied %d", at, reply.Code),
	}
	if enhanced := enhancedCode.FindString(reply.Msg); enhanced != "" {
		result.Detail += " " + enhanced
	}
	aboutLetter := slices.Contains([]stage{stageMail, stageRcpt, stageData, stageDot}, at)
	switch {
	case at == stageAuth, slices.Contains(wantsLogin, reply.Code):
		result.Detail += "; check the credentials in connection_uri"
	case aboutLetter && reply.Code >= 500 && reply.Code <= 599:
		result.Outcome = bridge.Failed
	}
	return result
}

// enhancedCode is a status code of RFC 3463 at the beginning of a reply's text.
var enhancedCode = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// describe puts a fault into words of our own: a protocol error's text holds
// what the server said.
func describe(ctx context.Context, err error) string {
	var (
		unknownHost *net.DNSError
		untrusted   *tls.CertificateVerificationError
		notTLS      tls.RecordHeaderError
		alert       tls.AlertError
		network     net.Error
	)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "the time was up"
	case ctx.Err() != nil:
		return "it was interrupted"
	case errors.Is(err, errNoStartTLS), errors.Is(err, errNoMechanism), errors.Is(err, errTooMuch):
		return err.Error()
	case errors.Is(err, smtp.ErrUnencrypted):
		return "the connection is not encrypted"
	case errors.As(err, &unknownHost):
		return "the host name was not found"
	case errors.As(err, &untrusted):
		return "the certificate is not trusted: " + bridge.Shorten(bridge.OneLine(untrusted.Err.Error()), 160)
	case errors.As(err, &notTLS):
		return "the server does not speak TLS on this port (smtp:// is for STARTTLS, smtps:// for TLS from the first byte)"
	case errors.As(err, &alert):
		return "the server broke off the TLS handshake"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the server cut the connection"
	case errors.As(err, &network) && network.Timeout():
		return "the network timed out"
	case errors.As(err, &network):
		return "the network failed"
	default:
		return "the server's answer was not understood"
	}
}
