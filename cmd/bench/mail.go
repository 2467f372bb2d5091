package main

import (
	"bufio"
	"bytes"
	"net"
	"strings"
)

// serveMail accepts email by SMTP, counts it and keeps the invitation tokens. It
// does as little as possible, because it shares the processors with the bridge.
func serveMail(l net.Listener, emails *counter) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = c.Close() }()
			_ = converse(c, emails) // the client has gone
		}()
	}
}

// converse holds one conversation. Responses to pipelined commands are sent
// together, as RFC 2920 asks.
func converse(c net.Conn, emails *counter) error {
	r, w := bufio.NewReaderSize(c, 64<<10), bufio.NewWriter(c)
	reply := func(text string) error {
		_, _ = w.WriteString(text + "\r\n") // Flush reports the error
		if r.Buffered() > 0 {
			return nil
		}
		return w.Flush()
	}
	if err := reply("220 bench ESMTP"); err != nil {
		return err
	}
	var email []byte
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		switch verb {
		case "EHLO":
			err = reply("250-bench\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-SMTPUTF8\r\n250 SIZE 10485760")
		case "DATA":
			if err = reply("354 go on"); err != nil {
				return err
			}
			if email, err = readEmail(r, email[:0]); err != nil {
				return err
			}
			emails.add(invitationToken(email))
			err = reply("250 2.0.0 queued")
		case "QUIT":
			_ = reply("221 2.0.0 bye")
			return nil
		default: // HELO, MAIL, RCPT, RSET, NOOP
			err = reply("250 2.0.0 ok")
		}
		if err != nil {
			return err
		}
	}
}

// readEmail appends the lines of an email to a buffer, up to the one with a dot.
func readEmail(r *bufio.Reader, email []byte) ([]byte, error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return email, err
		}
		if string(line) == ".\r\n" {
			return email, nil
		}
		email = append(email, line...)
	}
}

// invitationToken returns the token in the link of an email, which may be broken
// over lines of quoted-printable text; "" if there is none.
func invitationToken(email []byte) string {
	email = bytes.ReplaceAll(email, []byte("=\r\n"), nil)
	_, after, _ := bytes.Cut(email, []byte("/invite/"))
	end := bytes.IndexFunc(after, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", r)
	})
	return string(after[:max(end, 0)])
}
