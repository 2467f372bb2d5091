package config

import (
	"slices"
	"strings"
)

// unixMark stands before the path of a unix socket, as in Kratos.
const unixMark = "unix:"

// maxSocketPath is what every system can bind; Linux takes 107 bytes.
const maxSocketPath = 100

// socketMode lets the owner connect and nobody else: to connect is to write.
const socketMode = 0o755

// Permissions are those of a file, written in octal: 0o660. In decimal they
// would mean others than they say.
type Permissions int

// Socket says who may connect to a unix socket. It has no meaning elsewhere.
type Socket struct {
	// Owner and Group are names or numbers; empty leaves those of the process.
	Owner string `yaml:"owner"`
	Group string `yaml:"group"`
	// Mode is the permissions of the file.
	Mode Permissions `yaml:"mode"`
}

// TLS is a certificate and its key. Either both are given or none: then the
// listener speaks plain HTTP.
type TLS struct {
	Cert PEM `yaml:"cert"`
	Key  PEM `yaml:"key"`
}

// Enabled says whether the listener speaks HTTPS.
func (t TLS) Enabled() bool { return t.Cert.given() }

// PEM is where PEM text comes from: one of the two, or neither.
type PEM struct {
	// Path is the absolute path of a file. Whether it is there is not known
	// here.
	Path string `yaml:"path"`
	// Base64 is the text itself.
	Base64 Secret `yaml:"base64"`
}

func (p PEM) given() bool { return p.Path != "" || p.Base64 != "" }

// Decode returns the text of Base64; nil if there is none.
func (p PEM) Decode() []byte {
	text, _ := decodeBase64(p.Base64.Reveal())
	return text
}

func (k *checks) listener(host string, port int, socket Socket, tls TLS, at string) {
	path, isSocket := strings.CutPrefix(host, unixMark)
	switch {
	case isSocket:
		k.that(isAbsolute(path) && !strings.HasSuffix(path, "/") && len(path) <= maxSocketPath, at+"host",
			"must have an absolute path of at most 100 bytes after unix:")
	default:
		k.named(host, at+"host", "must be an IP address or a host name without port and brackets, "+
			"unix: and the path of a socket, or empty for every interface",
			func(text string) bool { return text == "" || isHost(text) })
	}
	k.that(port >= 0 && port <= 65535, at+"port", "must be from 1 to 65535, or 0 for any free port")
	k.that(socket.Mode >= 0 && socket.Mode <= 0o777, at+"socket.mode", "must be permissions from 0o000 to 0o777")
	k.pem(tls.Cert, at+"tls.cert")
	k.pem(tls.Key, at+"tls.key")
	k.that(tls.Key.given() || !tls.Cert.given(), at+"tls.cert", "must come with its key: give both or neither")
	k.that(tls.Cert.given() || !tls.Key.given(), at+"tls.key", "must come with its certificate: give both or neither")
}

func (k *checks) pem(p PEM, at string) {
	_, ok := decodeBase64(p.Base64.Reveal())
	k.that(p.Path == "" || isAbsolute(p.Path), at+".path", "must be the absolute path of a PEM file")
	k.that(ok, at+".base64", "must be PEM text in standard base64, without line breaks")
	k.that(p.Path == "" || p.Base64 == "", at, "must have path or base64, and not both")
}

// apart keeps what invitees reach from what needs a key.
func (k *checks) apart(public Public, admin Admin) {
	const at = "serve.admin."
	publicNetwork, publicAddress := listenAddr(public.Host, public.Port)
	adminNetwork, adminAddress := listenAddr(admin.Host, admin.Port)
	switch {
	case publicNetwork != adminNetwork:
	case publicNetwork == "unix":
		k.that(publicAddress != adminAddress, at+"host", "must differ from serve.public.host: the two listeners are kept apart")
	default:
		k.that(public.Port == 0 || public.Port != admin.Port || !sameHost(public.Host, admin.Host),
			at+"port", "must differ from serve.public.port: the two listeners are kept apart")
	}
}

// sameHost tells whether binding one port on both hosts would clash.
func sameHost(a, b string) bool {
	everything := []string{"", "0.0.0.0", "::"}
	return a == b || slices.Contains(everything, a) || slices.Contains(everything, b)
}
