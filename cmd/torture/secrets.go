package main

import (
	"bytes"
	"fmt"
	"os"
)

// silent searches what the bridge keeps and says for what it must not.
func (t *trial) silent() error {
	secrets := append(t.world.someTokens(), apiKey)
	for _, s := range t.subjects {
		secrets = append(append(secrets, s.tokens...), s.password)
	}
	for name, must := range map[string]string{t.process.store(): "invitation_token_created", t.process.log.Name(): `"listening"`} {
		text, err := os.ReadFile(name)
		if err == nil && !bytes.Contains(text, []byte(must)) {
			err = fmt.Errorf("%s does not hold what it should", name)
		}
		if err != nil {
			return err
		}
		if holdsAny(text, secrets) {
			return fmt.Errorf("%s holds a token, a password or the API key", name)
		}
	}
	return nil
}

// beginning is as much of a secret as is looked up; none is shorter.
const beginning = 8

// holdsAny goes over a text once, however many the secrets are.
func holdsAny(text []byte, secrets []string) bool {
	byBeginning := make(map[[beginning]byte][]string)
	for _, s := range secrets {
		key := [beginning]byte([]byte(s))
		byBeginning[key] = append(byBeginning[key], s)
	}
	for i := range max(0, len(text)-beginning+1) {
		for _, s := range byBeginning[[beginning]byte(text[i:])] {
			if bytes.HasPrefix(text[i:], []byte(s)) {
				return true
			}
		}
	}
	return false
}
