package config

import (
	"slices"
	"strings"
)

// unixMark precedes the path of a unix socket, as in Kratos.
const unixMark = "unix:"

// maxSocketPath is a length in bytes that every system can bind; Linux allows
// 107.
const maxSocketPath = 100

// socketMode lets only the owner connect: connecting requires write permission.
const socketMode = 0o755

// Permissions are the permissions of a file, written in octal: 0o660. A decimal
// number would be read as different permissions than its digits suggest.
type Permissions int

// Socket sets who may connect to a unix socket. TCP listeners ignore it.
type Socket struct {
	// Owner and Group are names or numeric ids; empty keeps those of the
	// process.
	Owner string `yaml:"owner"`
	Group string `yaml:"group"`
	// Mode holds the permissions of the socket file.
	Mode Permissions `yaml:"mode"`
}

// TLS is a certificate and its key. Both are set or neither; without them the
// listener serves plain HTTP.
type TLS struct {
	Cert PEM `yaml:"cert"`
	Key  PEM `yaml:"key"`
}

// Enabled reports whether the listener serves HTTPS.
func (t TLS) Enabled() bool { return t.Cert.given() }

// PEM is the source of PEM text: at most one field is set.
type PEM struct {
	// Path is the absolute path of a file. This package does not check that the
	// file exists.
	Path string `yaml:"path"`
	// Base64 is the text in standard base64.
	Base64 Secret `yaml:"base64"`
}

func (p PEM) given() bool { return p.Path != "" || p.Base64 != "" }

// Decode returns the text encoded in Base64; empty if Base64 is.
func (p PEM) Decode() []byte {
	text, _ := decodeBase64(p.Base64.Reveal())
	return text
}

func (k *checks) listener(host string, port int, socket Socket, tls TLS, at string) {
	path, isSocket := strings.CutPrefix(host, unixMark)
	switch {
	case isSocket:
		k.require(isAbsolute(path) && !strings.HasSuffix(path, "/") && len(path) <= maxSocketPath, at+"host",
			"must have an absolute path of at most 100 bytes after unix:")
	default:
		k.namedInASCII(host, at+"host", "must be an IP address or a host name without port and brackets, "+
			"unix: and the path of a socket, or empty for every interface",
			func(text string) bool { return text == "" || isHost(text) })
	}
	k.require(port >= 0 && port <= 65535, at+"port", "must be from 1 to 65535, or 0 for any free port")
	k.require(socket.Mode >= 0 && socket.Mode <= 0o777, at+"socket.mode", "must be permissions from 0o000 to 0o777")
	k.pem(tls.Cert, at+"tls.cert")
	k.pem(tls.Key, at+"tls.key")
	k.require(tls.Key.given() || !tls.Cert.given(), at+"tls.cert", "must come with its key: give both or neither")
	k.require(tls.Cert.given() || !tls.Key.given(), at+"tls.key", "must come with its certificate: give both or neither")
}

func (k *checks) pem(p PEM, at string) {
	_, ok := decodeBase64(p.Base64.Reveal())
	k.require(p.Path == "" || isAbsolute(p.Path), at+".path", "must be the absolute path of a PEM file")
	k.require(ok, at+".base64", "must be PEM text in standard base64, without line breaks")
	k.require(p.Path == "" || p.Base64 == "", at, "must have path or base64, but not both")
}

// checkDistinctAddresses keeps the public listener and the admin listener, which
// requires an API key, on different addresses.
func (k *checks) checkDistinctAddresses(public Public, admin Admin) {
	const at = "serve.admin."
	publicNetwork, publicAddress := listenAddr(public.Host, public.Port)
	adminNetwork, adminAddress := listenAddr(admin.Host, admin.Port)
	switch {
	case publicNetwork != adminNetwork:
	case publicNetwork == "unix":
		k.require(publicAddress != adminAddress, at+"host", "must differ from serve.public.host: the listeners cannot share an address")
	default:
		k.require(public.Port == 0 || public.Port != admin.Port || !sameHost(public.Host, admin.Host),
			at+"port", "must differ from serve.public.port: the listeners cannot share an address")
	}
}

// sameHost reports whether binding one port on both hosts would conflict.
func sameHost(a, b string) bool {
	everything := []string{"", "0.0.0.0", "::"}
	return a == b || slices.Contains(everything, a) || slices.Contains(everything, b)
}
