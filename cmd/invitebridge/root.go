package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// stdio is where a command writes: results to out, everything else to err.
type stdio struct{ out, err io.Writer }

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // also: a configuration with problems
)

// usageError is a failure of the caller: wrong words or a wrong configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the whole program. environ has the form of os.Environ.
func run(ctx context.Context, args, environ []string, io stdio) int {
	root := newRoot(environ, io)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	// An error may quote a server, a file or a certificate.
	fmt.Fprintln(io.err, "invitebridge:", printableLines(err.Error()))
	if usage := (usageError{}); errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func newRoot(environ []string, io stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "invitebridge",
		Short: "Invitations for Ory Kratos",
		Long: "The Invite Bridge gives teams that run Ory Kratos invitations: an inviter posts\n" +
			"an e-mail address, the invitee accepts with a token and a password.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (try %q)", err, cmd.CommandPath()+" --help")}
	})
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddCommand(newServe(environ, io), newConfig(environ, io), newHealth(environ, io), newDoctor(environ, io), newVersion(io))
	root.AddCommand(newClientCommands(environ, io)...)
	root.InitDefaultCompletionCmd()
	finishCompletion(root)
	return root
}

func newVersion(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(io.out, version())
			return err
		},
	}
}

// release is set by the linker: -ldflags "-X main.release=v1.2.3".
var release string

// version gives the release, or what the Go toolchain knows of the build.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
