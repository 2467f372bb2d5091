package config

import (
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// EmailTraits are dotted paths inside the traits, such as "email" or
// "contact.email", by the id of the identity schema. One for "" alone is that of
// every schema: in a file it is a text in place of the mapping. A schema without
// one says by itself where its e-mail address is.
type EmailTraits map[string]string

const emailTraitShape = "must be a dotted path inside the traits, such as email or contact.email, " +
	"or a mapping of such paths by the ids of their schemas"

func (l *loader) takeEmailTrait(src source, node *yaml.Node, key string, target reflect.Value) {
	switch {
	case isPlain(node):
		target.Set(reflect.ValueOf(EmailTraits{"": node.Value}))
		return
	case node.Kind != yaml.MappingNode && !isNull(node):
		l.refuse(src.at(node), key, emailTraitShape)
		return
	}
	l.takeTexts(src, node, key, target)
	if _, ok := target.Interface().(EmailTraits)[""]; ok && node.Kind == yaml.MappingNode {
		l.refuse(src.at(node), key, "must not have an empty schema id; for every schema, write the path alone")
	}
}

// emailTrait shows no id, for it shows no value.
func (k *checks) emailTrait(traits EmailTraits, at string) {
	for _, id := range slices.Sorted(maps.Keys(traits)) {
		for _, text := range []string{id, traits[id]} {
			if flaw := strayFlaw(text); flaw != "" {
				k.that(false, at, flaw)
				return
			}
		}
		if !traitPath.MatchString(traits[id]) {
			k.that(false, at, emailTraitShape)
			return
		}
	}
}
