//go:build unix

package kratostest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Kill kills all processes of the server at once with SIGKILL, as a power failure
// does, and returns when they are gone. Restart starts it again.
func (p *Postgres) Kill() error {
	pid := p.PID()
	// A stopped postmaster starts no process that would be missed.
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("kratostest: PostgreSQL: %w", err)
	}
	children := childrenOf(pid)
	for _, child := range append([]int{pid}, children...) {
		_ = syscall.Kill(child, syscall.SIGKILL) // it may have ended
	}
	<-p.process.done
	for _, child := range children {
		for deadline := time.Now().Add(startTimeout); syscall.Kill(child, 0) == nil && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	}
	p.process = nil
	return nil
}

// childrenOf returns the ids of the processes whose parent has this id. It reads
// /proc, so it finds none where there is no such directory.
func childrenOf(pid int) (children []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// PID (NAME) STATE PARENT …; a name may have spaces and parentheses.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			children = append(children, child)
		}
	}
	return children
}

// Restart starts a server that was killed, with the same data at the same port, and
// returns when it has recovered.
func (p *Postgres) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := p.serveAt(ctx, p.data()); err != nil {
		return fmt.Errorf("kratostest: PostgreSQL: %w", err)
	}
	return nil
}
