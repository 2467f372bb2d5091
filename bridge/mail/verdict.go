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

// wantsLogin are the replies by which a server asks for a login, or for a better
// one (RFC 4954, 4 and 6; RFC 3207, 4).
var wantsLogin = []int{530, 534, 535, 538}

// verdict turns a dialogue that went wrong into a result. It tells the server's
// reply by its codes alone: the text may quote a password or a link.
func (s server) verdict(ctx context.Context, at stage, err error) bridge.Result {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return bridge.Result{Outcome: bridge.Retry, Detail: fmt.Sprintf("%s: %s", at, describe(ctx, err)) + s.hint(ctx, at, err)}
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
	case isAboutHello(at, reply):
		result.Detail += "; the server refuses the name that the bridge gives in EHLO: set courier.smtp.local_name to the name of this host in DNS"
	case at == stageAuth, slices.Contains(wantsLogin, reply.Code):
		result.Detail += "; check the credentials in connection_uri"
	case aboutLetter && reply.Code >= 500 && reply.Code <= 599:
		result.Outcome = bridge.Failed
	}
	return result
}

// isAboutHello says whether a server refuses what the bridge called itself, which
// many do no earlier than at RCPT. Code 504 has no other meaning there.
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
	withAddress = regexp.MustCompile(`\S+@\S+`) // a mailbox may be called helo
)

// hint says what an operator may have mistaken.
func (s server) hint(ctx context.Context, at stage, err error) string {
	silent := errors.Is(ctx.Err(), context.DeadlineExceeded) || isCut(err)
	switch {
	case at == stageGreeting && !s.implicit && silent:
		return "; if this port is for TLS from the first byte, as 465 is, connection_uri must begin with smtps://"
	case s.implicit && errors.Is(err, tlsfault.NoTLS):
		return " (smtp:// is for STARTTLS, smtps:// for TLS from the first byte)"
	}
	return ""
}

func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// enhancedCode is a status code of RFC 3463 at the beginning of a reply's text.
var enhancedCode = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// describe puts a fault into words of our own: a protocol error's text holds
// what the server said.
func describe(ctx context.Context, err error) string {
	var (
		unknownHost *net.DNSError
		secure      tlsfault.Error
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
	case errors.As(err, &secure):
		return secure.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case isCut(err):
		return "the server cut the connection"
	case errors.As(err, &network) && network.Timeout():
		return "the network timed out"
	case errors.As(err, &network):
		return "the network failed"
	default:
		return "the server's answer was not understood"
	}
}
