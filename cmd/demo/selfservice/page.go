package selfservice

import (
	"bytes"
	_ "embed"
	"html/template"
	"log"
	"net/http"
	"slices"
	"strings"
)

var (
	//go:embed page.gotmpl
	source string
	//go:embed triggers.js
	triggers template.JS
)

var layout = template.Must(template.New("page").Funcs(template.FuncMap{"image": image}).Parse(source))

// page is the content of a page.
type page struct {
	Title    string
	Who      string // the user who is signed in
	Messages []message
	Action   string // of every form
	Method   string
	Forms    [][]node
	Script   template.JS // calls the functions of Script sources; empty: there are none
	Sources  []string    // of Kratos' scripts, for passkeys
	Links    []link
}

type link struct{ To, Text string }

var titles = map[string]string{
	"login": "Sign in", "registration": "Create an account", "settings": "Settings",
	"recovery": "Recover your account", "verification": "Verify your email address",
}

func (u *UI) flowPage(kind string, f flow) page {
	p := page{Title: titles[kind], Messages: f.UI.Messages, Action: f.UI.Action, Method: f.UI.Method}
	var inputs []node
	for _, n := range f.UI.Nodes {
		switch {
		case n.Type != "script":
			inputs = append(inputs, n)
		case strings.HasPrefix(n.Attributes.Src, u.browser+"/"):
			p.Script, p.Sources = triggers, append(p.Sources, n.Attributes.Src)
		}
	}
	p.Forms = forms(inputs)
	switch kind {
	case "login":
		p.Links = []link{{u.start("recovery"), "Forgot your password?"}}
	case "settings", "verification":
		p.Links = []link{{"/", "Back"}}
	default:
		p.Links = []link{{u.start("login"), "Sign in"}}
	}
	return p
}

// forms splits the nodes into one form for each group, because a browser sends all
// fields of a form. Nodes of the group default are part of every form.
func forms(nodes []node) (all [][]node) {
	const shared = "default"
	var groups []string
	for _, n := range nodes {
		if n.Group != shared && !slices.Contains(groups, n.Group) {
			groups = append(groups, n.Group)
		}
	}
	if len(groups) == 0 {
		groups = []string{shared}
	}
	for _, group := range groups {
		all = append(all, slices.DeleteFunc(slices.Clone(nodes), func(n node) bool { return n.Group != shared && n.Group != group }))
	}
	return all
}

// image allows pictures that are part of the flow, such as a QR code, and no other
// URL.
func image(src string) template.URL {
	if strings.HasPrefix(src, "data:image/") {
		return template.URL(src)
	}
	return ""
}

func show(w http.ResponseWriter, status int, p page) {
	var out bytes.Buffer
	if err := layout.Execute(&out, p); err != nil {
		log.Println(err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}

func unavailable(w http.ResponseWriter, err error) {
	log.Println(err)
	show(w, http.StatusBadGateway, problem{Reason: "Kratos did not respond. Try again in a moment."}.page())
}
