package config

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const envPrefix = "INVITEBRIDGE_"

// variable is an environment variable of the bridge, and the key it sets.
type variable struct {
	name, text string
	key        string
	target     reflect.Value
}

// readEnviron applies the variables in environ that name a key, and reports
// misspelled ones.
func (l *loader) readEnviron(environ []string) {
	known := map[string]variable{}
	walk(reflect.ValueOf(&l.cfg).Elem(), "", func(key string, target reflect.Value) {
		name := variableName(key)
		known[name] = variable{name: name, key: key, target: target}
	})

	var given []variable
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !isOurs(name, text, known) {
			continue
		}
		v, ok := known[name]
		if !ok {
			l.reportUnknownVariable(name, known)
			continue
		}
		v.text = text
		given = append(given, v)
	}

	// A variable for one key overrides one for the mapping around it, whatever
	// their order in the environment.
	slices.SortStableFunc(given, func(a, b variable) int {
		return cmp.Compare(strings.Count(a.key, "."), strings.Count(b.key, "."))
	})
	for _, v := range given {
		l.decodeVariable(v)
	}
}

func (l *loader) decodeVariable(v variable) {
	src := source{name: v.name}
	if isText(v.target) {
		// Not parsed as YAML: a secret may contain "#" or ": ".
		l.decode(src, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v.text}, v.key, v.target)
		return
	}
	node, flaw := parse([]byte(v.text))
	if isCommaList(v) {
		node, flaw = commaList(v.text), nil
	}
	switch {
	case flaw != nil:
		l.reject(v.name, v.key, flaw.text)
	case node == nil:
		l.reject(v.name, v.key, "is empty; set a value, or unset the variable")
	default:
		l.decode(src, node, v.key, v.target)
	}
}

// isCommaList reports whether v holds a comma-separated list of strings rather
// than YAML or JSON.
func isCommaList(v variable) bool {
	text := strings.TrimSpace(v.text)
	return v.target.Kind() == reflect.Slice && isText(reflect.New(v.target.Type().Elem()).Elem()) &&
		text != "" && text[0] != '[' && !strings.HasPrefix(text, "- ")
}

func commaList(text string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for item := range strings.SplitSeq(text, ",") {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(item)})
	}
	return list
}

func (l *loader) reportUnknownVariable(name string, known map[string]variable) {
	if l.reportRetiredVariable(name) {
		return
	}
	text := "does not name a configuration key; unset it, or correct the name"
	if near := nearest(name, known); near != "" {
		text = "does not name a configuration key; did you mean " + near + "?"
	}
	l.report(name, "", text)
}

// serviceLink matches what Kubernetes sets for a service whose name has our
// prefix: "invitebridge-kratos" yields INVITEBRIDGE_KRATOS_SERVICE_HOST.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$`)

// isOurs reports whether a variable must name a key: the first word after the
// prefix is a section, and Kubernetes did not set the variable.
func isOurs(name, text string, known map[string]variable) bool {
	rest, ok := strings.CutPrefix(name, envPrefix)
	if !ok {
		return false
	}
	word, _, _ := strings.Cut(rest, "_")
	if _, ok := known[envPrefix+word]; !ok {
		return false
	}
	if _, ok := known[name]; ok {
		return true
	}
	isLink := serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(text, "://")
	return !isLink
}

// variableName returns the name of the variable that sets key.
func variableName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}
