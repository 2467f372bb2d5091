package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"code.dny.dev/ssrf"

	"invitebridge/bridge/tlsfault"
)

// fault says what went wrong with a request, in words that hold no secret. The
// texts of the errors themselves are not fit for that: they may quote addresses
// and what the receiver sent.
func fault(err error) string {
	var (
		dns     *net.DNSError
		secure  tlsfault.Error
		network net.Error
		op      *net.OpError
	)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork):
		return "the address is not public, and clients.http.disallow_private_ip_ranges forbids it"
	case errors.Is(err, context.Canceled):
		return "the attempt was called off"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host's name does not resolve"
	case errors.As(err, &dns):
		return "the name server gave no answer"
	case errors.As(err, &secure):
		return secure.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was cut before an answer"
	case errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	case errors.As(err, &op) && op.Op == "dial":
		return "no connection"
	}
	return "there was no answer that is HTTP"
}
