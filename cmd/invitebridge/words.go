package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// noArguments rejects words that are not commands, and suggests similar ones.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("try %q", cmd.CommandPath()+" --help")
	if similar := suggestions(cmd, args[0]); len(similar) > 0 {
		hint = "did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usageError{fmt.Errorf("unknown command %q (%s)", args[0], hint)}
}

// suggestions returns the commands similar to word. It tolerates more typing
// errors in longer words.
func suggestions(cmd *cobra.Command, word string) (quoted []string) {
	cmd.SuggestionsMinimumDistance = max(min(2, len(word)/2), len(word)/3)
	for _, name := range cmd.SuggestionsFor(word) {
		quoted = append(quoted, fmt.Sprintf("%q", cmd.CommandPath()+" "+name))
	}
	return quoted
}

// needsCommand is the RunE of a command that only groups subcommands.
func needsCommand(cmd *cobra.Command, _ []string) error {
	return usageError{fmt.Errorf("a command is missing after %q\n\n%s", cmd.CommandPath(), strings.TrimSpace(cmd.UsageString()))}
}

// finishCompletion gives the completion command that cobra adds the same exit
// codes as the others.
func finishCompletion(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Short, cmd.Args, cmd.RunE = "Print a shell completion script", noArguments, needsCommand
		for _, shell := range cmd.Commands() {
			shell.Args = noArguments
		}
	}
}

// complete offers the values of a flag to shells.
func complete[S ~string](cmd *cobra.Command, flag string, values []S) {
	words := make([]cobra.Completion, len(values))
	for i, value := range values {
		words[i] = string(value)
	}
	offer := cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, offer); err != nil {
		panic(err) // there is no such flag
	}
}

// completeFiles offers files to shells, as arguments.
func completeFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}
