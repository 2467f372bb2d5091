package bridge

import "testing"

func TestHasText(t *testing.T) {
	const traits = `{"email":"a@example.com","empty":"","n":7,"contact":{"email":"b"},"emails":["","c"],"none":[],"people":[{"name":""},{"name":"d"}],"nobody":[{"x":1}]}`
	for path, want := range map[string]bool{
		"email": true, "contact.email": true, "n": true, "emails[]": true, "people[].name": true,
		"empty": false, "contact": false, "contact.phone": false, "email.x": false, "none[]": false, "email[]": false, "nobody[].name": false, "missing[]": false,
	} {
		if got := hasText([]byte(traits), path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}
