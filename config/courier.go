package config

import (
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

func (k *checks) clients(c Clients) {
	for i, text := range c.HTTP.PrivateIPExceptionURLs {
		k.namedInASCII(text.Reveal(), index("clients.http.private_ip_exception_urls", i),
			"must be the whole URL of a hook: absolute, http or https, without user and fragment, and no pattern",
			func(text string) bool { return isHookURL(text) && !strings.Contains(text, "*") })
	}
}

func (k *checks) courier(c Courier) {
	const at = "courier.smtp."
	uri := c.SMTP.ConnectionURI.Reveal()
	k.namedInASCII(uri, at+"connection_uri", connectionProblem(uri),
		func(text string) bool { return text == "" || connectionProblem(text) == "" })

	from := c.SMTP.FromAddress
	k.require(from != "" || uri == "", at+"from_address", "must be set if courier.smtp.connection_uri is")
	k.namedInASCII(from, at+"from_address",
		"must be one plain address such as invitations@example.com, in ASCII and without a display name",
		func(text string) bool { return text == "" || isMailAddress(text) })
	k.require(!hasControls(c.SMTP.FromName), at+"from_name", "must not have line breaks or other control characters")
	k.namedInASCII(c.SMTP.LocalName, at+"local_name",
		"must be a host name such as bridge.example.com, or an address in brackets such as [192.0.2.1], or empty",
		func(text string) bool { return text == "" || isHelloName(text) })
	k.require(c.TemplateOverridePath == "" || isAbsolute(c.TemplateOverridePath), "courier.template_override_path",
		"must be the absolute path of a directory, or empty for the built-in templates")
}

// isMailAddress reports whether text is an address as written between < and >.
func isMailAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && isPrintable(text) && !strings.ContainsAny(text, `"\`)
}

// isHelloName reports whether text may be an argument of EHLO (RFC 5321,
// 4.1.1.1).
func isHelloName(text string) bool {
	literal, isLiteral := strings.CutPrefix(text, "[")
	if isLiteral {
		_, err := netip.ParseAddr(strings.TrimPrefix(strings.TrimSuffix(literal, "]"), "IPv6:"))
		return err == nil && strings.HasSuffix(literal, "]")
	}
	return len(text) <= 253 && helloName.MatchString(text)
}

var helloName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// connectionProblem returns what is wrong with the URI of a mail server, or "".
func connectionProblem(uri string) string {
	// An unescaped / ? or # in a password shifts where the parts begin and end,
	// so it may be the cause of any of these problems.
	const encode = "; percent-encode / ? # @ and % in user and password"
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || !hasHost(u):
		return "must be smtp:// or smtps:// and a host, such as smtps://user:password@mail.example.com:465/" + encode
	case u.Path != "" && u.Path != "/" || strings.Contains(uri, "#"):
		return "must not have a path or a fragment" + encode
	case !isConnectionUser(u.User):
		return "must have both user and password or neither, without control characters" + encode
	case !isConnectionQuery(u.RawQuery):
		return "must have only the parameters disable_starttls and skip_ssl_verify, which are true or false, " +
			"and server_name, which is a host name, each at most once" + encode
	}
	return ""
}

func isConnectionUser(user *url.Userinfo) bool {
	password, _ := user.Password()
	return (user.Username() == "") == (password == "") && !hasControls(user.Username()+password)
}

func isConnectionQuery(query string) bool {
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return false
	}
	for name, values := range parameters {
		_, notBool := strconv.ParseBool(values[0])
		switch {
		case len(values) != 1:
			return false
		case name == "disable_starttls" || name == "skip_ssl_verify":
			if notBool != nil {
				return false
			}
		case name != "server_name" || !hostName.MatchString(values[0]):
			return false
		}
	}
	return true
}
