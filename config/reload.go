package config

import (
	"reflect"
	"slices"
	"strings"
)

// reloadable are the keys that can change while the bridge runs, each with all
// that is below it. The others are built into what is running.
var reloadable = []string{
	"hooks", "clients", "courier", "page", "serve.admin.api_keys", "serve.public.tls", "serve.admin.tls", "log.level",
}

// Reload gives c with what can change while the bridge runs as next has it.
// changed names the keys that are now others, waiting those that differ but
// need a restart; neither holds a value. HTTPS can be given another
// certificate, but neither turned on nor off.
func (c Config) Reload(next Config) (reloaded Config, changed, waiting []string) {
	reloaded = c
	from, to := reflect.ValueOf(&reloaded).Elem(), keys(reflect.ValueOf(&next).Elem())
	walk(from, "", func(key string, value reflect.Value) {
		isLeaf := value.Kind() != reflect.Struct
		if !isLeaf || reflect.DeepEqual(value.Interface(), to[key].Interface()) {
			return
		}
		switch {
		case !Reloadable(key), isSwitch(c.Serve.Public.TLS, next.Serve.Public.TLS, "serve.public.tls", key),
			isSwitch(c.Serve.Admin.TLS, next.Serve.Admin.TLS, "serve.admin.tls", key):
			waiting = append(waiting, key)
		default:
			value.Set(to[key])
			changed = append(changed, key)
		}
	})
	return reloaded, changed, waiting
}

// isSwitch tells whether key is part of turning HTTPS on or off.
func isSwitch(from, to TLS, at, key string) bool {
	return from.Enabled() != to.Enabled() && strings.HasPrefix(key, at+".")
}

// Reloadable says whether a key can change while the bridge runs.
func Reloadable(key string) bool {
	return slices.ContainsFunc(reloadable, func(top string) bool { return contains(top, key) })
}

func keys(config reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	walk(config, "", func(key string, value reflect.Value) { all[key] = value })
	return all
}

// Files are the files and directories, besides those that Load was given, whose
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
