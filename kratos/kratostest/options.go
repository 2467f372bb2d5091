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

// The schemas of every server and fake that this package makes.
const (
	DefaultSchema  = "default"  // e-mail trait: email
	CustomerSchema = "customer" // e-mail trait: contact.email
)

// MemberSchema is the schema of a [Server] with [Options.EveryMethod]. All its
// traits are optional: "email" identifies for every method, is verified and
// recovers; "username" identifies for passwords; "second_email" identifies for
// codes, and recovers too.
const MemberSchema = "member"

// Options shape a [Server]. The zero value is good for tests.
type Options struct {
	// Dir holds the configuration, the schemas and the database; it is created
	// if need be. A directory of an earlier run keeps its identities. Empty: a
	// temporary one, removed by Stop.
	Dir string

	// DSN is the database; empty: SQLite in Dir.
	DSN string

	// EveryMethod turns on all that Kratos has for signing in, and MemberSchema:
	// without it there are only passwords, and codes for recovery and
	// verification.
	EveryMethod bool

	// OIDC is the issuer of an OpenID provider, as [NewProvider] makes one. Empty:
	// no social sign-in. It needs EveryMethod.
	OIDC string

	// Log gets what the build and Kratos say; nil: nobody does.
	Log io.Writer

	// LogLevel is Kratos': trace, debug, info, warning or error, the default.
	LogLevel string

	// Binary is the Kratos to run; empty: that of Build.
	Binary string

	// PublicPort and AdminPort are on 127.0.0.1; 0: free ones.
	PublicPort, AdminPort int

	// Schemas are further identity schemas, by their ids.
	Schemas map[string]string

	// BcryptCost is 12 by default, as Kratos' own, which takes 200 ms for each
	// password; 4 is the least.
	BcryptCost int

	// MinPasswordLength is 8 by default; Kratos allows no less than 6.
	MinPasswordLength int

	// BreachesHost is where Kratos asks for breached passwords, over https;
	// empty: it does not ask.
	BreachesHost string

	// Config is a YAML document whose members replace those of kratos.yml; lists
	// are replaced whole.
	Config string

	// Courier has Kratos send its mail, to the courier.smtp that Config then
	// names. Without it mail stays in the queue.
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

// configFile is what the template of kratos.yml is filled with.
type configFile struct {
	Options
	PublicURL, AdminURL, UIURL string
	Dir                        string // URL of Options.Dir
	SchemaIDs                  []string
	CookieSecret, CipherSecret string
}

// The secrets guard nothing: whoever reaches the loopback interface may do
// everything. They are constant so that a kept Dir stays readable.
const (
	cookieSecret = "kratostest-cookies-not-a-secret"
	cipherSecret = "kratostest-cipher-not-a-secret-3" // exactly 32 bytes
)

// sqliteDSN waits for locks, for SQLite has one writer.
func sqliteDSN(dir string) string {
	return "sqlite://" + filepath.ToSlash(filepath.Join(dir, "db.sqlite")) +
		"?_fk=true&mode=rwc&_journal_mode=WAL&_busy_timeout=10000"
}

// writeConfig writes the configuration and what it refers to, and gives the paths
// of its files; of two that disagree the later one counts.
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
		PublicURL: loopback(o.PublicPort), AdminURL: loopback(o.AdminPort), UIURL: loopback(o.PublicPort),
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

func loopback(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// freePort finds a port below those that the system hands out by itself, so
// that hardly anybody takes it before Kratos does.
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
