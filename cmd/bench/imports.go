package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"invitebridge/bridge/testenv"
)

// batchSize is the number of identities in one request to Kratos: the largest group of
// rows of an import.
const batchSize = 500

// bareBatch creates inactive identities by Kratos' own batch, one request after the
// other.
func (s *stage) bareBatch(k *kratosServer) *way {
	patch := request{method: http.MethodPatch, url: k.admin + "/admin/identities", want: http.StatusOK}
	return &way{name: "bare batch", kratos: k, rows: func(ctx context.Context, n int, _ *turn) error {
		for left := n; left > 0; left -= batchSize {
			var body strings.Builder
			for range min(left, batchSize) {
				body.WriteString(`,{"create":{"schema_id":"default","state":"inactive","traits":{"email":"` + s.bench.addresses.next() + `"}}}`)
			}
			made, err := patch.send(ctx, `{"identities":[`+body.String()[1:]+`]}`)
			if err != nil {
				return err
			}
			if got, want := strings.Count(string(made), `"action":"create"`), min(left, batchSize); got != want {
				return fmt.Errorf("a batch created %d identities instead of %d", got, want)
			}
		}
		return nil
	}}
}

// importing imports a file of as many rows.
func (s *stage) importing(k *kratosServer, b *bridgeProcess, notify bool) *way {
	w := &way{name: "import", kratos: k, bridge: b, rows: func(ctx context.Context, n int, t *turn) error {
		begin := time.Now()
		i, err := s.upload(ctx, b, n, notify)
		if err != nil {
			return err
		}
		t.uploaded = time.Since(begin)
		return i.await(ctx, "finished")
	}}
	if notify {
		w.name += " with emails"
		s.untilReceived(w)
	}
	return w
}

// anImport is an import of a bridge.
type anImport struct {
	bridge *bridgeProcess
	url    string
}

// upload sends a file of n rows, and returns once its import runs.
func (s *stage) upload(ctx context.Context, b *bridgeProcess, n int, notify bool) (*anImport, error) {
	url := b.admin + base + "/imports"
	create := request{method: http.MethodPost, url: fmt.Sprintf("%s?notify=%t", url, notify), key: apiKey, want: http.StatusAccepted}
	var made strings.Builder
	err := create.sendAs(ctx, "text/csv", &csvFile{addresses: &s.bench.addresses, left: n, text: []byte("email\n")}, &made)
	return &anImport{b, url + "/" + member([]byte(made.String()), "id")}, err
}

// await waits for a state, and that each row is invited in a finished import. It returns
// an error if no row gets a result for testenv.Limit.
func (i *anImport) await(ctx context.Context, state string) error {
	get := request{method: http.MethodGet, url: i.url, key: apiKey, want: http.StatusOK}
	begin := time.Now()
	latest, at := -1, begin
	for {
		text, err := get.send(ctx, "")
		if err != nil {
			return err
		}
		var now struct {
			State         string
			Rows, Waiting int
			Counts        struct{ Invited int }
		}
		if err := json.Unmarshal(text, &now); err != nil {
			return err
		}
		switch {
		case now.State == "finished" && now.Counts.Invited != now.Rows:
			return fmt.Errorf("an import invited %d of %d rows: %s", now.Counts.Invited, now.Rows, text)
		case now.State == state:
			return nil
		case now.State == "finished" || now.State == "canceled":
			return fmt.Errorf("an import is %s instead of %s", now.State, state)
		case now.Waiting != latest:
			latest, at = now.Waiting, time.Now()
		case time.Since(at) > testenv.Limit:
			return fmt.Errorf("an import does not proceed: %s", text)
		}
		// Asking often would cost the bridge as much as a few rows.
		if err := sleep(ctx, min(max(time.Since(begin)/50, 5*time.Millisecond), time.Second)); err != nil {
			return err
		}
	}
}

// cancel ends the import, which must be running.
func (i *anImport) cancel(ctx context.Context) error {
	cancel := request{method: http.MethodPost, url: i.url + "/cancel", key: apiKey, want: http.StatusOK}
	text, err := cancel.send(ctx, "")
	if err == nil && member(text, "state") == "finished" {
		err = errors.New("an import finished before the turn")
	}
	return errors.Join(err, i.await(ctx, "canceled"))
}

// csvFile is a file of rows with new addresses, made while it is read.
type csvFile struct {
	addresses *addresses
	left      int    // rows to be made
	text      []byte // made and not read
}

func (f *csvFile) Read(p []byte) (int, error) {
	for len(f.text) < len(p) && f.left > 0 {
		f.text = append(append(f.text, f.addresses.next()...), '\n')
		f.left--
	}
	if len(f.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.text)
	f.text = f.text[:copy(f.text, f.text[n:])]
	return n, nil
}
