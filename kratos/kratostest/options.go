package kratostest

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/template"
)

// These schemas are part of every Server and Fake.
const (
	DefaultSchema  = "default"  // email trait: email
	CustomerSchema = "customer" // email trait: contact.email
)

// MemberSchema is the schema of a [Server] with [Options.EveryMethod]. All its
// traits are optional: "email" is an identifier for every method, a verifiable
// and a recovery address; "username" is an identifier for passwords;
// "second_email" is an identifier for codes and a recovery address.
const MemberSchema = "member"

// Options configure a [Server]. The zero value suits tests.
type Options struct {
	// Dir holds the configuration, the schemas and the database; it is created
	// if necessary. A directory of an earlier run keeps its identities. Empty:
	// a temporary directory, removed by Stop.
	Dir string

	// DSN is the database; empty: SQLite in Dir.
	DSN string

	// EveryMethod enables all of Kratos' sign-in methods and MemberSchema.
	// Without it there are only passwords, and codes for recovery and
	// verification.
	EveryMethod bool

	// OIDC is the issuer of an OpenID provider, such as [NewProvider] starts.
	// Empty: no social sign-in. It requires EveryMethod.
	OIDC string

	// Log receives the output of the build and of Kratos; nil: discarded.
	Log io.Writer

	// LogLevel is Kratos' log level: trace, debug, info, warning or error.
	// Default: error.
	LogLevel string

	// Binary is the Kratos to run; empty: the result of Build.
	Binary string

	// Host is the name by which browsers reach the public API; empty: 127.0.0.1.
	// Passkeys need localhost.
	Host string

	// PublicPort and AdminPort are ports on 127.0.0.1; 0: free ones.
	PublicPort, AdminPort int

	// Schemas are additional identity schemas by id.
	Schemas map[string]string

	// BcryptCost defaults to 12, as in Kratos, which takes 200 ms per password.
	// The minimum is 4.
	BcryptCost int

	// MinPasswordLength defaults to 8; Kratos requires at least 6.
	MinPasswordLength int

	// BreachesHost is the host that Kratos queries for breached passwords, over
	// https. Empty: it does not query any.
	BreachesHost string

	// Config is a YAML document whose members override those of kratos.yml;
	// lists are replaced as a whole.
	Config string

	// Courier makes Kratos send its email through the courier.smtp server in
	// Config. Without it, email stays in the queue.
	Courier bool

	// Env is added to the environment of Kratos, as NAME=value.
	Env []string
}

func (o Options) withDefaults() Options {
	setDefault(&o.LogLevel, "error")
	setDefault(&o.BcryptCost, 12)
	setDefault(&o.MinPasswordLength, 8)
	setDefault(&o.Log, io.Discard)
	return o
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

//go:embed files
var files embed.FS

var configTemplate = template.Must(template.New("kratos.yml.tmpl").
	Funcs(template.FuncMap{"yaml": yamlString}).
	ParseFS(files, "files/kratos.yml.tmpl"))

// yamlString quotes a text: every JSON string is a YAML string.
func yamlString(text string) (string, error) {
	quoted, err := json.Marshal(text)
	return string(quoted), err
}

// configFile is the data of the kratos.yml template.
type configFile struct {
	Options
	PublicURL, AdminURL, UIURL string
	Dir                        string // URL of Options.Dir
	SchemaIDs                  []string
	CookieSecret, CipherSecret string
}

// The secrets protect nothing: anyone with access to the loopback interface may
// do everything. They are constant so that a kept Dir stays readable.
const (
	cookieSecret = "kratostest-cookies-not-a-secret"
	cipherSecret = "kratostest-cipher-not-a-secret-3" // exactly 32 bytes
)

// sqliteDSN makes SQLite wait for locks, because it has only one writer.
func sqliteDSN(dir string) string {
	return "sqlite://" + filepath.ToSlash(filepath.Join(dir, "db.sqlite")) +
		"?_fk=true&mode=rwc&_journal_mode=WAL&_busy_timeout=10000"
}

// writeConfig writes the configuration and the files it refers to. It returns
// the paths of the configuration files, of which later ones take precedence.
func writeConfig(o Options) ([]string, error) {
	for _, name := range []string{"identity.schema.json", "customer.schema.json", "member.schema.json", "oidc.jsonnet"} {
		text, err := files.ReadFile("files/" + name)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(o.Dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	for id, text := range o.Schemas {
		if err := os.WriteFile(filepath.Join(o.Dir, id+".schema.json"), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	var text bytes.Buffer
	err := configTemplate.Execute(&text, configFile{
		Options: o, Dir: "file://" + filepath.ToSlash(o.Dir),
		PublicURL: o.publicURL(), AdminURL: loopback(o.AdminPort), UIURL: loopback(o.PublicPort),
		SchemaIDs: slices.Sorted(maps.Keys(o.Schemas)), CookieSecret: cookieSecret, CipherSecret: cipherSecret,
	})
	if err != nil {
		return nil, err
	}
	paths := []string{filepath.Join(o.Dir, "kratos.yml")}
	if err := os.WriteFile(paths[0], text.Bytes(), 0o600); err != nil || o.Config == "" {
		return paths, err
	}
	paths = append(paths, filepath.Join(o.Dir, "over.yml"))
	return paths, os.WriteFile(paths[1], []byte(o.Config), 0o600)
}

func (o Options) publicURL() string {
	if o.Host == "" {
		return loopback(o.PublicPort)
	}
	return "http://" + o.Host + ":" + strconv.Itoa(o.PublicPort)
}

func loopback(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// freePort returns a free port below the system's ephemeral range, so that
// another process is unlikely to take it before Kratos does.
func freePort(not int) (int, error) {
	for range 100 {
		port := randomPort()
		if port == not {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port")
}
