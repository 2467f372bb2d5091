package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
)

// checkSecrets searches the store and the logs for secrets.
func (t *trial) checkSecrets(ctx context.Context) error {
	secrets := append(t.env.sampledTokens(), apiKey)
	for _, s := range t.subjects {
		secrets = append(append(secrets, s.tokens...), s.password)
		for _, flow := range s.recovery {
			if code := flow.Code.Reveal(); len(code) >= prefixLen { // those of a real Kratos are too short
				secrets = append(secrets, code)
			}
		}
	}
	files, err := t.bridges.files(ctx)
	if err != nil {
		return err
	}
	for name, must := range files {
		text, err := os.ReadFile(name)
		if err == nil && !bytes.Contains(text, []byte(must)) {
			err = fmt.Errorf("%s lacks expected text, so searching it for secrets proves nothing", name)
		}
		if err != nil {
			return err
		}
		if holdsAny(text, secrets) {
			return fmt.Errorf("%s contains a token, a code, a password or the API key", name)
		}
	}
	return nil
}

// prefixLen is as much of a secret as is looked up; none is shorter.
const prefixLen = 8

// holdsAny reports whether text contains any of the secrets. It reads the text
// only once.
func holdsAny(text []byte, secrets []string) bool {
	byBeginning := make(map[[prefixLen]byte][]string)
	for _, s := range secrets {
		key := [prefixLen]byte([]byte(s))
		byBeginning[key] = append(byBeginning[key], s)
	}
	for i := range max(0, len(text)-prefixLen+1) {
		for _, s := range byBeginning[[prefixLen]byte(text[i:])] {
			if bytes.HasPrefix(text[i:], []byte(s)) {
				return true
			}
		}
	}
	return false
}
