package mail

import (
	"context"
	"errors"
	"net/mail"
	"net/textproto"
	"slices"
)

// stage is a step of the SMTP dialogue, by the name that operators know.
type stage string

const (
	stageConnect  stage = "connect"
	stageTLS      stage = "TLS handshake"
	stageGreeting stage = "greeting"
	stageHello    stage = "EHLO"
	stageStartTLS stage = "STARTTLS"
	stageAuth     stage = "AUTH"
	stageMail     stage = "MAIL FROM"
	stageRcpt     stage = "RCPT TO"
	stageData     stage = "DATA"
	stageContent  stage = "message"
	stageDot      stage = "final dot"
	stageReset    stage = "RSET"
)

// command is a command with the code of the reply that lets the dialogue go on.
// The code 25 stands for all that begin so.
type command struct {
	at   stage
	line string
	code int
}

// All addresses are ASCII and emails are 7-bit, so MAIL needs no parameter. With
// SMTPUTF8, a server further down the route that does not support it could not
// accept the email.
func mailFrom(address string) command {
	return command{stageMail, "MAIL FROM:" + smtpPath(address), 250}
}
func rcptTo(address string) command { return command{stageRcpt, "RCPT TO:" + smtpPath(address), 25} }

var (
	data  = command{stageData, "DATA", 354}
	reset = command{stageReset, "RSET", 250}
)

// smtpPath returns an address in the form of SMTP commands. The local part is
// quoted if its dots require it (RFC 5321, 4.1.2).
func smtpPath(address string) string { return (&mail.Address{Address: address}).String() }

// send sends one email. On an error it returns the stage that failed.
func (c *connection) send(ctx context.Context, from, to string, message []byte) (stage, error) {
	c.emails++
	c.replies.left = maxReplies
	return c.talk(ctx, func() (stage, error) {
		at, err := c.transmit(from, to, message)
		c.rejected = err != nil
		return at, err
	})
}

func (c *connection) transmit(from, to string, message []byte) (stage, error) {
	if at, err := c.exchange(mailFrom(from), rcptTo(to), data); err != nil {
		return at, err
	}
	content := c.client.Text.DotWriter()
	if _, err := content.Write(message); err != nil {
		return stageContent, err
	}
	if err := content.Close(); err != nil {
		return stageDot, err
	}
	_, _, err := c.client.Text.ReadResponse(250)
	return stageDot, err
}

// probe takes the steps of an email that precede the content, and RSET.
func (c *connection) probe(ctx context.Context, from string) (stage, error) {
	return c.talk(ctx, func() (stage, error) { return c.exchange(mailFrom(from), rcptTo(from), reset) })
}

// exchange sends commands and reads the replies. On an error it returns the stage
// that failed first. Where the server allows it, all commands are on their way
// before the first reply (RFC 2920), which saves the wait for the others.
func (c *connection) exchange(commands ...command) (stage, error) {
	size := 1
	if c.pipelining {
		size = len(commands)
	}
	for group := range slices.Chunk(commands, size) {
		if at, err := c.exchangeGroup(group); err != nil {
			return at, err
		}
	}
	return "", nil
}

// exchangeGroup reads a reply to each command, even after a rejection: otherwise
// the replies that are left would be taken for those to later commands.
func (c *connection) exchangeGroup(group []command) (stage, error) {
	text := c.client.Text
	for _, next := range group {
		_, _ = text.W.WriteString(next.line + "\r\n") // Flush returns the error
	}
	if err := text.W.Flush(); err != nil {
		return group[0].at, err
	}
	var at stage
	var rejection error
	for _, next := range group {
		_, _, err := text.ReadResponse(next.code)
		if rejection == nil {
			at, rejection = next.at, err
		}
		if err != nil && endsConnection(err) {
			c.lost = true
			break
		}
		// The server waits for the content of an email that has no recipient.
		c.lost = c.lost || err == nil && rejection != nil && next == data
	}
	return at, rejection
}

// endsConnection reports whether a connection is of no use after an error: it
// failed, the server announces that it closes it (RFC 5321, 3.8), or it consents to
// something else, as if the replies were to other commands.
func endsConnection(err error) bool {
	var reply *textproto.Error
	return !errors.As(err, &reply) || reply.Code == 421 || reply.Code < 400
}
