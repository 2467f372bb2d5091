package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// printMachine prints what the results depend on, as Markdown.
func (b *bench) printMachine(ctx context.Context) {
	for _, line := range []string{
		time.Now().UTC().Format(time.DateOnly) + ", commit " + output(ctx, "git", "describe", "--always", "--dirty"),
		fmt.Sprintf("%d processors (%s), %s", runtime.NumCPU(), processor(), runtime.Version()),
		fmt.Sprintf("Kratos %s (%s), bcrypt cost %d where no other is named", kratosVersion(ctx, b.kratos), filepath.Base(b.kratos), cheapBcrypt),
		"the database of Kratos: " + b.database.String(),
		fmt.Sprintf("%d turns of %v of each way; medians", b.options.turns, b.options.turn),
	} {
		fmt.Fprintf(b.options.out, "- %s\n", line)
	}
}

// kratosVersion returns the version of the module, or for a binary that was built in
// its repository what it prints.
func kratosVersion(ctx context.Context, binary string) string {
	info, err := buildinfo.ReadFile(binary)
	if err == nil && strings.HasPrefix(info.Main.Version, "v") {
		return info.Main.Version
	}
	_, version, _ := strings.Cut(output(ctx, binary, "version"), " ")
	return version
}

// output returns the first line that a program prints, or "unknown".
func output(ctx context.Context, program string, args ...string) string {
	text, err := exec.CommandContext(ctx, program, args...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if err != nil || line == "" {
		return "unknown"
	}
	return strings.Join(strings.Fields(line), " ")
}

// processor returns the model in /proc/cpuinfo.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, after, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(strings.TrimLeft(line, "\t :"))
}
