package selfservice

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// responseLimit is the maximum size of a response, in bytes.
const responseLimit = 1 << 20

// get sends a GET request to Kratos with the browser's cookies and decodes the
// response: a 200 into ok, any other below 500 into failed, which may be nil. It
// returns an error if Kratos did not respond, or responded with a 5xx or with
// malformed JSON.
func (u *UI) get(r *http.Request, path string, ok, failed any) (status int, err error) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, u.public+path, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "application/json")
	for _, cookie := range r.Header.Values("Cookie") {
		request.Header.Add("Cookie", cookie)
	}
	res, err := u.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	into := failed
	switch {
	case res.StatusCode == http.StatusOK:
		into = ok
	case res.StatusCode >= http.StatusInternalServerError:
		return 0, fmt.Errorf("GET %s: %s", path, res.Status)
	}
	if into == nil {
		return res.StatusCode, nil
	}
	return res.StatusCode, json.NewDecoder(io.LimitReader(res.Body, responseLimit)).Decode(into)
}

// flow is the rendered part of a self-service flow.
type flow struct {
	UI struct {
		Action, Method string
		Nodes          []node
		Messages       []message
	}
}

// node is one element of a form.
type node struct {
	Type, Group string
	Attributes  struct {
		Name, Type, Autocomplete string // of an input
		Value                    any
		Disabled                 bool
		Text                     message // of a text
		Href                     string  // of a link
		Title                    message
		Src                      string // of an image or a script
		// OnClickTrigger and OnLoadTrigger name functions of Kratos' script.
		OnClickTrigger, OnLoadTrigger string
	}
	Messages []message
	Meta     struct{ Label message }
}

type message struct{ Text, Type string }

// Value returns the value of an input.
func (n node) Value() string {
	if n.Attributes.Value == nil {
		return ""
	}
	return fmt.Sprint(n.Attributes.Value)
}

// Label returns the label of an input. A trait without a title has its name.
func (n node) Label() string {
	return cmp.Or(n.Meta.Label.Text, strings.TrimPrefix(n.Attributes.Name, "traits."))
}

// Autocomplete returns the autocomplete token for password managers.
func (n node) Autocomplete() string {
	if n.Attributes.Name == "identifier" { // Kratos v1.3.1 sets none
		return "username"
	}
	return n.Attributes.Autocomplete
}

// Wrong reports whether Kratos rejected the input.
func (n node) Wrong() bool {
	for _, m := range n.Messages {
		if m.Type == "error" {
			return true
		}
	}
	return false
}

// problem is an error that Kratos reports.
type problem struct{ Message, Reason string }

func (p problem) page() page {
	return page{
		Title: "That did not work", Messages: []message{{Type: "error", Text: cmp.Or(p.Reason, p.Message, "Kratos gave no reason.")}},
		Links: []link{{"/", "Start again"}},
	}
}

// session is the displayed part of a session. Traits may have any shape.
type session struct {
	Identity struct {
		ID        string
		Traits    map[string]any
		Addresses []struct{ Value string } `json:"verifiable_addresses"`
	}
}

func (s session) page(logout string) page {
	who, _ := s.Identity.Traits["email"].(string)
	if who == "" && len(s.Identity.Addresses) > 0 {
		who = s.Identity.Addresses[0].Value
	}
	who = cmp.Or(who, s.Identity.ID)
	p := page{Title: "Welcome", Who: who, Links: []link{{"/settings", "Settings"}}}
	if logout != "" {
		p.Links = append(p.Links, link{logout, "Sign out"})
	}
	return p
}
