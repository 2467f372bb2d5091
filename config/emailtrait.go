package config

import (
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// EmailTraits maps ids of identity schemas to dotted paths inside the traits,
// such as "email" or "contact.email". The id "" stands alone and applies to
// every schema; a file has a string in place of the mapping. For a schema that
// is not listed, the path is read from the schema.
type EmailTraits map[string]string

const emailTraitShape = "must be a dotted path inside the traits, such as email or contact.email, " +
	"or a mapping of such paths by the ids of their schemas"

func (l *loader) decodeEmailTrait(src source, node *yaml.Node, key string, target reflect.Value) {
	switch {
	case isPlain(node):
		target.Set(reflect.ValueOf(EmailTraits{"": node.Value}))
		return
	case node.Kind != yaml.MappingNode && !isNull(node):
		l.reject(src.at(node), key, emailTraitShape)
		return
	}
	l.decodeTexts(src, node, key, target)
	if _, ok := target.Interface().(EmailTraits)[""]; ok && node.Kind == yaml.MappingNode {
		l.reject(src.at(node), key, "must not have an empty schema id; for every schema, write the path alone")
	}
}

// emailTrait reports at most one problem, and shows neither ids nor paths: a
// problem holds no configured value.
func (k *checks) emailTrait(traits EmailTraits, at string) {
	for _, id := range slices.Sorted(maps.Keys(traits)) {
		for _, text := range []string{id, traits[id]} {
			if problem := strayProblem(text); problem != "" {
				k.require(false, at, problem)
				return
			}
		}
		if !traitPath.MatchString(traits[id]) {
			k.require(false, at, emailTraitShape)
			return
		}
	}
}
