package config

import (
	"reflect"
	"slices"
	"strings"
)

// reloadable are the keys, each with everything below it, that can change while
// the bridge runs. All others take effect only at start.
var reloadable = []string{
	"hooks", "clients", "courier", "page", "serve.admin.api_keys", "serve.public.tls", "serve.admin.tls", "log.level",
}

// ApplyReloadable returns c with the reloadable keys of next. changed names the
// keys that got a new value, needsRestart the keys that differ but take effect
// only after a restart; neither holds a value. HTTPS can get another
// certificate, but cannot be turned on or off.
func (c Config) ApplyReloadable(next Config) (reloaded Config, changed, needsRestart []string) {
	reloaded = c
	from, to := reflect.ValueOf(&reloaded).Elem(), keys(reflect.ValueOf(&next).Elem())
	walk(from, "", func(key string, value reflect.Value) {
		isLeaf := value.Kind() != reflect.Struct
		if !isLeaf || same(value, to[key]) {
			return
		}
		switch {
		case !Reloadable(key), togglesTLS(c.Serve.Public.TLS, next.Serve.Public.TLS, "serve.public.tls", key),
			togglesTLS(c.Serve.Admin.TLS, next.Serve.Admin.TLS, "serve.admin.tls", key):
			needsRestart = append(needsRestart, key)
		default:
			value.Set(to[key])
			changed = append(changed, key)
		}
	})
	return reloaded, changed, needsRestart
}

// same reports whether two values of a key mean the same. An empty list is the same as
// none.
func same(a, b reflect.Value) bool {
	return a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 || reflect.DeepEqual(a.Interface(), b.Interface())
}

// togglesTLS reports whether a change of key turns HTTPS on or off.
func togglesTLS(from, to TLS, at, key string) bool {
	return from.Enabled() != to.Enabled() && strings.HasPrefix(key, at+".")
}

// Reloadable reports whether key can change while the bridge runs.
func Reloadable(key string) bool {
	return slices.ContainsFunc(reloadable, func(top string) bool { return contains(top, key) })
}

func keys(config reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	walk(config, "", func(key string, value reflect.Value) { all[key] = value })
	return all
}

// Files returns the files and directories, besides those in Options.Files, whose
// content is part of the configuration: certificates, Jsonnet bodies, templates,
// logo and style sheet.
func (c Config) Files() []string {
	var files []string
	for _, tls := range []TLS{c.Serve.Public.TLS, c.Serve.Admin.TLS} {
		files = append(files, tls.Cert.Path, tls.Key.Path)
	}
	for _, hook := range c.Hooks {
		path, _ := filePath(hook.Body.Reveal(), "file://")
		files = append(files, path)
	}
	files = append(files, c.Courier.TemplateOverridePath, c.Page.LogoPath, c.Page.CSSPath, c.Page.TemplateOverridePath)
	return slices.DeleteFunc(files, func(path string) bool { return path == "" })
}
