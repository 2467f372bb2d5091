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

// errorText describes a failed request without secrets. The errors' own texts are
// unsuitable: they may quote addresses and data from the receiver.
func errorText(err error) string {
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
		return "the attempt was canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "no response in time"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name does not resolve"
	case errors.As(err, &dns):
		return "the name server did not respond"
	case errors.As(err, &secure):
		return secure.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before a response"
	case errors.As(err, &network) && network.Timeout():
		return "no response in time"
	case errors.As(err, &op) && op.Op == "dial":
		return "the connection could not be established"
	}
	return "the response is not valid HTTP"
}
