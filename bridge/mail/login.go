package mail

import (
	"errors"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// login chooses how to authenticate, given what the server offers.
type login func(offered string, allowClear bool) (smtp.Auth, error)

var errNoMechanism = errors.New("the server offers none of SCRAM-SHA-256, PLAIN, LOGIN and CRAM-MD5, but connection_uri has credentials")

// newLogin prefers the mechanism that does not reveal the password, then the
// common ones.
func newLogin(user, password, host string) login {
	return func(offered string, allowClear bool) (smtp.Auth, error) {
		mechanisms := strings.Fields(strings.ToUpper(offered))
		switch {
		case slices.Contains(mechanisms, "SCRAM-SHA-256"):
			return smtp.ScramSHA256Auth(user, password), nil
		case slices.Contains(mechanisms, "PLAIN"):
			return smtp.PlainAuth("", user, password, host, allowClear), nil
		case slices.Contains(mechanisms, "LOGIN"):
			return smtp.LoginAuth(user, password, host, allowClear), nil
		case slices.Contains(mechanisms, "CRAM-MD5"):
			return smtp.CRAMMD5Auth(user, password), nil
		default:
			return nil, errNoMechanism
		}
	}
}
