package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/net/idna"

	"invitebridge/bridge"
)

var nextLink = regexp.MustCompile(`<([^>?]*)\?([^>]*)>; rel="next"`)

// FuzzListQuery: any query of a list either returns what it selects or is
// rejected. Following the links, items go from newer to older, none is repeated,
// and the pages end.
func FuzzListQuery(f *testing.F) {
	d := newFuzzTarget(f)
	var first bridge.Invitation
	for i := range 4 {
		issued, err := d.Service.Invite(f.Context(), bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i), InviterID: fmt.Sprint(i % 2)})
		if err == nil && i == 3 {
			_, err = d.Service.Revoke(f.Context(), issued.Invitation.ID)
		}
		if err != nil {
			f.Fatal(err)
		}
		first = issued.Invitation
	}
	lists := []string{base, base + "/messages", base + "/" + first.ID.String() + "/messages"}
	for _, seed := range []string{
		"", "page_size=1", "page_size=501", "page_size=0", "page_size=+2", "page_size=1&page_size=2", "page_token=x", "page_token=%7B" + first.ID.String() + "%7D",
		"page_token=" + first.ID.String() + "&page_size=2", "state=pending&email=U1@EXAMPLE.com", "state=queued", "email=", "email=x", "inviter_id=1&page_size=1",
		"state=sent&page_token=urn:uuid:" + first.ID.String(), "a;b", "%zz", "state=%00", "page_token=" + uuid.Max.String(), "Page_Size=1", "inviter_id=%ff", "&&=&",
	} {
		for list := range lists {
			f.Add(seed, uint8(list))
		}
	}
	f.Fuzz(func(t *testing.T, query string, list uint8) {
		target := lists[int(list)%len(lists)]
		last := uuid.Max
		for page := 0; ; page++ {
			if page > 20 {
				t.Fatal("the pages do not end")
			}
			got := d.send(t, d.admin, http.MethodGet, target, query, "", nil)
			asked, err := url.ParseQuery(query)
			if got.status != http.StatusOK {
				if page > 0 {
					t.Fatalf("the link with query %q returns %d", query, got.status)
				}
				return
			}
			if err != nil {
				t.Fatalf("%q is not a query, but returns %d", query, got.status)
			}
			last = checkPage(t, asked, got, last)
			next := nextLink.FindStringSubmatch(got.header.Get("Link"))
			if next == nil {
				return
			}
			if target, query = next[1], next[2]; !strings.HasPrefix(target, base) {
				t.Fatalf("a link to %s", target)
			}
		}
	})
}

// checkPage checks a page against its query and returns the last id on it.
func checkPage(t *testing.T, asked url.Values, got answer, last uuid.UUID) uuid.UUID {
	t.Helper()
	var items []struct {
		ID        uuid.UUID
		State     string
		Email     string
		InviterID string `json:"inviter_id"`
	}
	got.into(t, &items)
	size := 100
	for name, values := range asked {
		known := name == "state" || name == "email" || name == "inviter_id" || name == "page_size" || name == "page_token"
		if !known || len(values) != 1 {
			t.Fatalf("%q was let through", asked)
		}
	}
	if asked.Has("page_size") {
		var err error
		if size, err = strconv.Atoi(asked.Get("page_size")); err != nil || size < 1 || size > 500 {
			t.Fatalf("%q was let through", asked)
		}
	}
	if len(items) > size {
		t.Fatalf("%q returns %d items", asked, len(items))
	}
	for _, item := range items {
		if strings.Compare(item.ID.String(), last.String()) >= 0 {
			t.Fatalf("%q: %s comes after %s", asked, item.ID, last)
		}
		last = item.ID
		email, _ := bridge.ParseEmail(asked.Get("email"), idna.Lookup.ToASCII)
		for is, want := range map[string]string{item.State: asked.Get("state"), item.Email: email, item.InviterID: asked.Get("inviter_id")} {
			if want != "" && want != is {
				t.Fatalf("%q returns an item with %q instead of %q", asked, is, want)
			}
		}
	}
	return last
}
