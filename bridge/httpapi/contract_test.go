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

// contract is the OpenAPI document as it is in the repository, ready to judge
// requests and answers. It is read only.
type contract struct {
	root       any
	operations []*operation
	failure    *jsonschema.Schema // the envelope of every error
}

// operation is one thing that can be asked.
type operation struct {
	id, method string
	paths      map[string]string // by listener: the whole path, parameters in braces
	public     bool              // no key is needed
	parameters map[string]value  // by place and name, such as "query state"
	body       *jsonschema.Schema
	answers    map[int]response
}

// response is one documented answer.
type response struct {
	media    string
	schema   *jsonschema.Schema
	headers  map[string]value
	errorIDs []string // empty: it is no error
}

// value is a parameter or a header.
type value struct {
	required bool
	number   bool
	schema   *jsonschema.Schema
}

func (v value) check(text string) error {
	if n, err := strconv.Atoi(text); v.number && err == nil {
		return v.schema.Validate(n)
	}
	return v.schema.Validate(text)
}

// listeners are told by the port of their server URLs.
var listeners = map[string]string{"4488": "public", "4489": "admin"}

var theContract = sync.OnceValue(func() *contract {
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
	c.failure = compiler.at(c.place("components", "schemas", "errorGeneric"))
	for path, item := range c.place("paths").each() {
		for _, method := range []string{"get", "post"} {
			if at := item.get(method); at.value != nil {
				c.operations = append(c.operations, c.operation(compiler, path, method, item, at))
			}
		}
	}
	return c
})

func (c *contract) operation(s schemas, path, method string, item, at place) *operation {
	o := &operation{
		id: at.text("operationId"), method: strings.ToUpper(method), public: at.get("security").value != nil,
		paths: map[string]string{}, parameters: map[string]value{}, answers: map[int]response{},
	}
	servers := item.get("servers")
	if servers.value == nil {
		servers = c.place("servers")
	}
	for _, server := range servers.each() {
		u, err := url.Parse(server.text("url"))
		if err != nil {
			panic(err)
		}
		o.paths[listeners[u.Port()]] = u.Path + path
	}
	for _, list := range []place{item.get("parameters"), at.get("parameters")} {
		for _, p := range list.each() {
			o.parameters[p.text("in")+" "+p.text("name")] = s.value(p)
		}
	}
	if body := at.get("requestBody", "content", "application/json", "schema"); body.value != nil {
		o.body = s.compiler.MustCompile(documentURL + "#" + body.pointer) // as strict as it says itself
	}
	for status, answer := range at.get("responses").each() {
		code, err := strconv.Atoi(status)
		if err != nil {
			panic(err)
		}
		r := response{headers: map[string]value{}}
		for name, header := range answer.get("headers").each() {
			r.headers[name] = s.value(header)
		}
		for media, content := range answer.get("content").each() {
			r.media, r.schema = media, s.at(content.get("schema"))
			for id, example := range content.get("examples").each() {
				if example.get("value", "error", "id").value == id {
					r.errorIDs = append(r.errorIDs, id)
				}
			}
		}
		o.answers[code] = r
	}
	return o
}

// find gives the operation that a request is, the one with the fewest
// parameters in its path if there are several; nil: it is none.
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
