package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"invitebridge/bridge/testenv"
)

// httpClient sends the requests of all sections, to Kratos and to the bridge alike.
var httpClient = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 2000, DisableCompression: true, ResponseHeaderTimeout: testenv.Limit},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// request is a request that is sent many times with different bodies.
type request struct {
	method, url string
	key         string // API key; empty: none
	want        int    // status of the response
}

// send sends the request and returns the body of the response.
func (q request) send(ctx context.Context, body string) ([]byte, error) {
	var answer bytes.Buffer
	err := q.exchange(ctx, body, &answer)
	return answer.Bytes(), err
}

// exchange sends the request and writes the body of the response to w.
func (q request) exchange(ctx context.Context, body string, w io.Writer) error {
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	return q.sendAs(ctx, contentType, strings.NewReader(body), w)
}

// sendAs does the same with a body of any type; empty: there is none.
func (q request) sendAs(ctx context.Context, contentType string, body io.Reader, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, q.method, q.url, body)
	if err != nil {
		return err
	}
	r.Header["Accept"] = []string{"application/json"}
	if contentType != "" {
		r.Header["Content-Type"] = []string{contentType}
	}
	if q.key != "" {
		r.Header["Authorization"] = []string{"Bearer " + q.key}
	}
	res, err := httpClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != q.want {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 2000))
		return fmt.Errorf("%s %s: %d instead of %d: %s", q.method, q.url, res.StatusCode, q.want, text)
	}
	_, err = io.Copy(w, res.Body)
	return err
}

// member returns a text member of a JSON document, without decoding it: the client
// shares the processors with what it measures. The first one of this name counts.
func member(document []byte, name string) string {
	_, after, _ := bytes.Cut(document, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return string(value)
}

// scrape returns the sum of all samples of a metric whose line contains none of the
// given texts.
func scrape(metrics []byte, name string, not ...string) (sum float64) {
lines:
	for line := range strings.Lines(string(metrics)) {
		if !strings.HasPrefix(line, name+" ") && !strings.HasPrefix(line, name+"{") {
			continue
		}
		for _, text := range not {
			if strings.Contains(line, text) {
				continue lines
			}
		}
		fields := strings.Fields(line)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err == nil {
			sum += value
		}
	}
	return sum
}

// addresses makes email addresses that no other run has used.
type addresses struct {
	run    string
	serial atomic.Int64
}

func (a *addresses) next() string {
	return "b" + a.run + "x" + strconv.FormatInt(a.serial.Add(1), 10) + "@example.com"
}
