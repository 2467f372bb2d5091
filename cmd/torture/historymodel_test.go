package main

import (
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// TestAddressModel: the model accepts the replies of a correct bridge, and notices
// each kind of wrong ones. Requests follow one another, except those that are lost.
func TestAddressModel(t *testing.T) {
	type request struct {
		in  step
		out reply
	}
	invite := func(text, id string) request { return request{step{verb: "invite"}, reply{text, id}} }
	on := func(verb, id, text string) request { return request{step{verb, id}, reply{text: text}} }
	const accepted, revoked = "410 invitation_accepted", "410 invitation_revoked"
	for name, c := range map[string]struct {
		all  []request
		want porcupine.CheckResult
	}{
		"invited twice":                {[]request{invite("201", "a"), invite("200", "a"), on("look", "a", "200")}, porcupine.Ok},
		"accepted":                     {[]request{invite("201", "a"), on("accept", "a", "200"), on("look", "a", accepted), invite("409 identity_already_active", "")}, porcupine.Ok},
		"revoked and invited again":    {[]request{invite("201", "a"), on("revoke", "a", "200"), invite("201", "b"), on("look", "a", revoked), on("look", "b", "200")}, porcupine.Ok},
		"a lost revocation":            {[]request{invite("201", "a"), on("revoke", "a", lost), on("look", "a", "200"), on("look", "a", revoked)}, porcupine.Ok},
		"a lost acceptance":            {[]request{invite("201", "a"), on("accept", "a", lost), on("look", "a", "200"), on("look", "a", accepted)}, porcupine.Ok},
		"a lost invitation":            {[]request{invite(lost, ""), invite("200", "a"), on("look", "a", "200")}, porcupine.Ok},
		"accepted during a revocation": {[]request{invite("201", "a"), on("revoke", "a", "202"), on("accept", "a", "200"), on("look", "a", accepted)}, porcupine.Ok},

		"accepted twice":            {[]request{invite("201", "a"), on("accept", "a", "200"), on("accept", "a", "200")}, porcupine.Illegal},
		"two invitations":           {[]request{invite("201", "a"), invite("201", "b")}, porcupine.Illegal},
		"valid after a revocation":  {[]request{invite("201", "a"), on("revoke", "a", "200"), on("look", "a", "200")}, porcupine.Illegal},
		"a revocation is forgotten": {[]request{invite("201", "a"), on("revoke", "a", "202"), on("look", "a", "200")}, porcupine.Illegal},
		"a revocation is undone":    {[]request{invite("201", "a"), on("revoke", "a", lost), on("look", "a", revoked), on("look", "a", "200")}, porcupine.Illegal},
		"an acceptance is undone":   {[]request{invite("201", "a"), on("accept", "a", "200"), on("look", "a", "200")}, porcupine.Illegal},
		"accepted by no one":        {[]request{invite("201", "a"), on("look", "a", accepted)}, porcupine.Illegal},
		"an invitation is gone":     {[]request{invite("201", "a"), on("look", "a", "404 invitation_not_found")}, porcupine.Illegal},
		"accepted after it ended":   {[]request{invite("201", "a"), on("revoke", "a", "200"), on("accept", "a", "200")}, porcupine.Illegal},
	} {
		t.Run(name, func(t *testing.T) {
			var history []porcupine.Operation
			for i, r := range c.all {
				end := int64(2*i + 1)
				if r.out.text == lost {
					end = math.MaxInt64
				}
				history = append(history, porcupine.Operation{Input: r.in, Call: int64(2 * i), Output: r.out, Return: end})
			}
			if got := porcupine.CheckOperationsTimeout(addressModel(), history, checkTimeout); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
