package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// call sends a request, prints it with its response, and checks the status.
func call(ctx context.Context, method, url, key string, body, into any, want int) error {
	var payload []byte
	if body != nil {
		payload, _ = json.Marshal(body)
	}
	fmt.Printf("   %s %s\n", method, url)
	if payload != nil {
		fmt.Printf("   %s\n", payload)
	}
	status, answer, err := send(ctx, method, url, key, payload)
	if err != nil {
		return err
	}
	fmt.Printf("   %d %s\n%s\n", status, http.StatusText(status), pretty(answer))
	if status != want {
		return fmt.Errorf("%s %s: status %d, want %d", method, url, status, want)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

func get(ctx context.Context, url string, into any) error {
	status, answer, err := send(ctx, http.MethodGet, url, "", nil)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("GET %s: status %d, %w", url, status, err)
	}
	return json.Unmarshal(answer, into)
}

func send(ctx context.Context, method, url, key string, payload []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(payload))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "application/json")
	if payload != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// await polls a health URL until it returns 200.
func await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if status, _, err := send(ctx, http.MethodGet, url, "", nil); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready in time", url)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// noise lists JSON fields that the printed responses leave out.
var noise = []string{
	"credentials", "recovery_addresses", "schema_url", "organization_id", "devices",
	"authentication_methods", "authenticator_assurance_level", "state_changed_at",
	"ui", "request_url", "transient_payload",
}

// pretty indents a response, without the noise.
func pretty(answer []byte) string {
	var value any
	if json.Unmarshal(answer, &value) != nil {
		return "   " + string(answer)
	}
	quieten(value)
	text, _ := json.MarshalIndent(value, "   ", "  ")
	return "   " + string(text)
}

func quieten(value any) {
	members, _ := value.(map[string]any)
	for _, name := range noise {
		delete(members, name)
	}
	for _, member := range members {
		quieten(member)
	}
}
