package httpapi_test

import (
	"bytes"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the OpenAPI document in the repository, prepared for validating
// requests and responses. It is read-only.
type contract struct {
	root          any
	operations    []*operation
	errorEnvelope *jsonschema.Schema // the envelope of every error
}

// operation is one documented operation.
type operation struct {
	id, method string
	paths      map[string]string // by listener: the whole path, parameters in braces
	public     bool              // requires no API key
	session    bool              // requires the session of an inviter
	scopes     []string          // of which the key needs one; empty: it needs none
	parameters map[string]value  // by location and name, such as "query state"
	body       *jsonschema.Schema
	responses  map[int]response
}

// response is one documented response.
type response struct {
	content  map[string]*jsonschema.Schema // by media type
	headers  map[string]value
	errorIDs []string // empty if it is not an error
}

// value is a parameter or a header.
type value struct {
	required bool
	number   bool
	flag     bool // true or false
	schema   *jsonschema.Schema
}

func (v value) check(text string) error {
	if n, err := strconv.Atoi(text); v.number && err == nil {
		return v.schema.Validate(n)
	}
	if is, err := strconv.ParseBool(text); v.flag && err == nil {
		return v.schema.Validate(is)
	}
	return v.schema.Validate(text)
}

// listeners maps the ports of the document's server URLs to listeners.
var listeners = map[string]string{"4488": "public", "4489": "admin"}

var loadContract = sync.OnceValue(func() *contract {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		panic(err)
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	c := &contract{root: root}
	compiler := newSchemas(root)
	c.errorEnvelope = compiler.at(c.node("components", "schemas", "errorGeneric"))
	for path, item := range c.node("paths").children() {
		for _, method := range []string{"get", "post", "delete"} {
			if at := item.get(method); at.value != nil {
				c.operations = append(c.operations, c.operation(compiler, path, method, item, at))
			}
		}
	}
	return c
})

func (c *contract) operation(s schemas, path, method string, item, at node) *operation {
	o := &operation{
		id: at.text("operationId"), method: strings.ToUpper(method), public: isEmptyList(at.get("security").value),
		paths: map[string]string{}, parameters: map[string]value{}, responses: map[int]response{},
	}
	for _, requirement := range at.get("security").children() {
		o.session = o.session || requirement.get("sessionToken").value != nil
		for _, scope := range requirement.get("apiKey").children() {
			o.scopes = append(o.scopes, scope.value.(string))
		}
	}
	servers := item.get("servers")
	if servers.value == nil {
		servers = c.node("servers")
	}
	for _, server := range servers.children() {
		u, err := url.Parse(server.text("url"))
		if err != nil {
			panic(err)
		}
		o.paths[listeners[u.Port()]] = u.Path + path
	}
	for _, list := range []node{item.get("parameters"), at.get("parameters")} {
		for _, p := range list.children() {
			o.parameters[p.text("in")+" "+p.text("name")] = s.value(p)
		}
	}
	if body := at.get("requestBody", "content", "application/json", "schema"); body.value != nil {
		o.body = s.compiler.MustCompile(documentURL + "#" + body.pointer) // request schemas are closed in the document
	}
	for status, answer := range at.get("responses").children() {
		code, err := strconv.Atoi(status)
		if err != nil {
			panic(err)
		}
		r := response{headers: map[string]value{}, content: map[string]*jsonschema.Schema{}}
		for name, header := range answer.get("headers").children() {
			r.headers[name] = s.value(header)
		}
		for media, content := range answer.get("content").children() {
			r.content[media] = s.at(content.get("schema"))
			for id, example := range content.get("examples").children() {
				if example.get("value", "error", "id").value == id {
					r.errorIDs = append(r.errorIDs, id)
				}
			}
		}
		o.responses[code] = r
	}
	return o
}

// find returns the operation that a request addresses. If several match, it is
// the one with the fewest path parameters; nil if none matches.
func (c *contract) find(listener, method, path string) (found *operation, variables map[string]string) {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for _, o := range c.operations {
		template, ok := o.paths[listener]
		if !ok || o.method != method {
			continue
		}
		if v, ok := matches(strings.Split(template, "/"), parts); ok && (found == nil || len(v) < len(variables)) {
			found, variables = o, v
		}
	}
	return found, variables
}

func matches(template, parts []string) (map[string]string, bool) {
	variables := map[string]string{}
	if len(template) != len(parts) {
		return nil, false
	}
	for i, t := range template {
		if strings.HasPrefix(t, "{") {
			plain, err := url.PathUnescape(parts[i])
			if err != nil {
				plain = parts[i]
			}
			variables[strings.Trim(t, "{}")] = plain
		} else if t != parts[i] {
			return nil, false
		}
	}
	return variables, true
}

func isEmptyList(value any) bool {
	list, ok := value.([]any)
	return ok && len(list) == 0
}
