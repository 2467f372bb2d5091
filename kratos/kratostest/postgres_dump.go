package kratostest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Dump returns all rows of a database as SQL, for a search of their texts.
func (p *Postgres) Dump(ctx context.Context, dsn string) ([]byte, error) {
	var reason bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "pg_dump"), "--data-only", "-d", dsn)
	cmd.Stderr = &reason
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("kratostest: PostgreSQL: pg_dump: %w\n%s", err, &reason)
	}
	return out, nil
}
