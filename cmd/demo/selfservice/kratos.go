package selfservice

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// answerLimit bounds what is read of an answer.
const answerLimit = 1 << 20

// ask makes a request of Kratos with the cookies of the browser, and decodes the
// answer: a 200 into good, any other into bad, which may be nil. An error says that
// Kratos did not answer, or not as it should.
func (u *UI) ask(r *http.Request, path string, good, bad any) (status int, err error) {
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
	into := bad
	switch {
	case res.StatusCode == http.StatusOK:
		into = good
	case res.StatusCode >= http.StatusInternalServerError:
		return 0, fmt.Errorf("GET %s: %s", path, res.Status)
	}
	if into == nil {
		return res.StatusCode, nil
	}
	return res.StatusCode, json.NewDecoder(io.LimitReader(res.Body, answerLimit)).Decode(into)
}

// flow is what is rendered of a self-service flow.
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
		Src                      string // of an image
	}
	Messages []message
	Meta     struct{ Label message }
}

type message struct{ Text, Type string }

// Value is what an input holds.
func (n node) Value() string {
	if n.Attributes.Value == nil {
		return ""
	}
	return fmt.Sprint(n.Attributes.Value)
}

// Label is what an input is called: a trait without a title by its name.
func (n node) Label() string {
	return cmp.Or(n.Meta.Label.Text, strings.TrimPrefix(n.Attributes.Name, "traits."))
}

// Autocomplete is what a password manager fills in.
func (n node) Autocomplete() string {
	if n.Attributes.Name == "identifier" { // Kratos v1.3.1 says nothing of it
		return "username"
	}
	return n.Attributes.Autocomplete
}

// Wrong says whether Kratos refused what was entered.
func (n node) Wrong() bool {
	for _, m := range n.Messages {
		if m.Type == "error" {
			return true
		}
	}
	return false
}

// problem is an error of Kratos.
type problem struct{ Message, Reason string }

func (p problem) page() page {
	return page{
		Title: "That did not work", Messages: []message{{Type: "error", Text: cmp.Or(p.Reason, p.Message, "Kratos gives no reason.")}},
		Links: []link{{"/", "Start again"}},
	}
}

// session is what is shown of a session. Traits may be of any form.
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
