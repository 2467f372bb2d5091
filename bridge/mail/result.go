package mail

import (
	"context"
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
	"invitebridge/bridge/tlsfault"
)

// wantsLogin lists the reply codes by which a server demands authentication, or
// a stronger form of it (RFC 4954, 4 and 6; RFC 3207, 4).
var wantsLogin = []int{530, 534, 535, 538}

// classify returns the result of a failed dialogue. Of the server's reply it
// reports the codes only: the text may quote a password or a link.
func (s server) classify(ctx context.Context, at stage, err error) bridge.SendResult {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return bridge.SendResult{Outcome: bridge.AttemptRetry, Detail: fmt.Sprintf("%s: %s", at, describe(ctx, err)) + s.hint(ctx, at, err)}
	}
	result := bridge.SendResult{
		Outcome: bridge.AttemptRetry,
		Status:  reply.Code,
		Detail:  fmt.Sprintf("%s: the server replied %d", at, reply.Code),
	}
	if enhanced := enhancedCode.FindString(reply.Msg); enhanced != "" {
		result.Detail += " " + enhanced
	}
	aboutEmail := slices.Contains([]stage{stageMail, stageRcpt, stageData, stageDot}, at)
	switch {
	case isAboutHello(at, reply):
		result.Detail += "; the server rejects the name that the bridge sends in EHLO: set courier.smtp.local_name to the name of this host in DNS"
	case at == stageAuth, slices.Contains(wantsLogin, reply.Code):
		result.Detail += "; check the credentials in connection_uri"
	case aboutEmail && reply.Code >= 500 && reply.Code <= 599:
		result.Outcome = bridge.AttemptFailed
	}
	return result
}

// isAboutHello reports whether the server rejects the name that the bridge sent
// in EHLO. Many servers do so only at RCPT; code 504 has no other meaning there.
func isAboutHello(at stage, reply *textproto.Error) bool {
	switch at {
	case stageMail, stageRcpt, stageData:
		return reply.Code == 504 || aboutHello.MatchString(withAddress.ReplaceAllString(reply.Msg, ""))
	case stageHello:
		return reply.Code >= 500
	default:
		return false
	}
}

var (
	aboutHello  = regexp.MustCompile(`(?i)\b(helo|ehlo)\b`)
	withAddress = regexp.MustCompile(`\S+@\S+`) // a mailbox may be named helo
)

// hint returns a note on a likely mistake in the configuration; it may be empty.
func (s server) hint(ctx context.Context, at stage, err error) string {
	silent := errors.Is(ctx.Err(), context.DeadlineExceeded) || isDisconnect(err)
	switch {
	case at == stageGreeting && !s.implicit && silent:
		return "; if this port expects TLS from the first byte, as 465 does, connection_uri must begin with smtps://"
	case s.implicit && errors.Is(err, tlsfault.NoTLS):
		return " (smtp:// is for STARTTLS, smtps:// for TLS from the first byte)"
	}
	return ""
}

func isDisconnect(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// enhancedCode is a status code of RFC 3463 at the beginning of a reply's text.
var enhancedCode = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// describe returns a text of our own for an error: a protocol error's text quotes
// the server.
func describe(ctx context.Context, err error) string {
	var (
		unknownHost *net.DNSError
		secure      tlsfault.Error
		network     net.Error
	)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "timed out"
	case ctx.Err() != nil:
		return "canceled"
	case errors.Is(err, errNoStartTLS), errors.Is(err, errNoMechanism), errors.Is(err, errTooMuch):
		return err.Error()
	case errors.Is(err, smtp.ErrUnencrypted):
		return "the connection is not encrypted"
	case errors.As(err, &unknownHost):
		return "the host name was not found"
	case errors.As(err, &secure):
		return secure.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case isDisconnect(err):
		return "the server closed the connection"
	case errors.As(err, &network) && network.Timeout():
		return "the network timed out"
	case errors.As(err, &network):
		return "the network failed"
	default:
		return "the server's reply is not valid SMTP"
	}
}
