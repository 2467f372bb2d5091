package mail

import (
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// server is a mail server and the settings for connecting to it.
type server struct {
	host, port string
	localName  string // empty: the local address of the connection
	implicit   bool   // TLS from the first byte
	clear      bool   // no TLS at all
	tls        *tls.Config
	// login is nil without credentials. They are in a closure, so that printing
	// a Mailer cannot reveal them.
	login login
}

// These errors quote no part of the URI: with an unescaped / ? # or @ in the
// password, any part, even the host or the name of a parameter, may be a part of
// the password.
var (
	errURIMissing  = errors.New("connection_uri is missing")
	errURIShape    = errors.New("connection_uri is not of the form smtp://user:password@host:587/ (percent-encode special characters in user and password)")
	errURIScheme   = errors.New("connection_uri must begin with smtp:// or smtps://")
	errURIPath     = errors.New("connection_uri has a path or a fragment (percent-encode / and # in user and password)")
	errURIParam    = errors.New("connection_uri has a parameter other than disable_starttls, skip_ssl_verify and server_name, or has one twice (percent-encode ? in user and password)")
	errURIPort     = errors.New("connection_uri has a port that is not between 1 and 65535")
	errURIUser     = errors.New("connection_uri has a user without a password, or a password without a user")
	errURISecret   = errors.New("connection_uri has control characters in user or password")
	errURIStartTLS = errors.New("connection_uri: disable_starttls is neither true nor false")
	errURIVerify   = errors.New("connection_uri: skip_ssl_verify is neither true nor false")
	errURIName     = errors.New("connection_uri: server_name is not a host name")
)

// hostName allows underscores, which occur in container networks.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?$`)

// parseServer parses a connection URI. The problems it returns quote no part of
// the URI.
func parseServer(uri string) (server, []error) {
	s := server{tls: &tls.Config{MinVersion: tls.VersionTLS12}}
	if uri == "" {
		return s, []error{errURIMissing}
	}
	u, err := url.Parse(uri)
	if err != nil || u.Opaque != "" {
		return s, []error{errURIShape}
	}
	var problems []error
	check := func(ok bool, problem error) {
		if !ok {
			problems = append(problems, problem)
		}
	}
	s.host, s.port, s.implicit = u.Hostname(), u.Port(), u.Scheme == "smtps"
	check(s.implicit || u.Scheme == "smtp", errURIScheme)
	check(hostName.MatchString(s.host) || net.ParseIP(s.host) != nil, errURIShape)
	check((u.Path == "" || u.Path == "/") && u.Fragment == "", errURIPath)
	switch port, err := strconv.Atoi(s.port); {
	case s.port == "" && s.implicit:
		s.port = "465"
	case s.port == "":
		s.port = "587"
	default:
		check(err == nil && port >= 1 && port <= 65535, errURIPort)
	}
	s.tls.ServerName = s.host

	user, password := "", ""
	if u.User != nil {
		user = u.User.Username()
		password, _ = u.User.Password()
	}
	check((user == "") == (password == ""), errURIUser)
	check(!strings.ContainsFunc(user+password, isControl), errURISecret)
	if user != "" {
		s.login = newLogin(user, password, s.host)
	}
	return s, append(problems, s.parameters(u.RawQuery)...)
}

func (s *server) parameters(query string) []error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return []error{errURIParam}
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all := values[name]
		value := all[0]
		yes, notBool := strconv.ParseBool(value)
		var problem error
		switch {
		case len(all) != 1:
			problem = errURIParam
		case name == "disable_starttls":
			s.clear = yes && !s.implicit
			problem = replaceError(notBool, errURIStartTLS)
		case name == "skip_ssl_verify":
			s.tls.InsecureSkipVerify = yes
			problem = replaceError(notBool, errURIVerify)
		case name == "server_name" && hostName.MatchString(value):
			s.tls.ServerName = value
		case name == "server_name":
			problem = errURIName
		default:
			problem = errURIParam
		}
		if problem != nil {
			problems = append(problems, problem)
		}
	}
	return problems
}

// replaceError returns problem in place of an error that may quote a secret; nil
// stays nil.
func replaceError(err, problem error) error {
	if err == nil {
		return nil
	}
	return problem
}
