package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// noArguments refuses words that are no command, and suggests those that may
// have been meant.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("try %q", cmd.CommandPath()+" --help")
	if meant := suggestions(cmd, args[0]); len(meant) > 0 {
		hint = "did you mean " + strings.Join(meant, " or ") + "?"
	}
	return usageError{fmt.Errorf("unknown command %q (%s)", args[0], hint)}
}

// suggestions allows for more mistakes in longer words.
func suggestions(cmd *cobra.Command, word string) (quoted []string) {
	cmd.SuggestionsMinimumDistance = max(min(2, len(word)/2), len(word)/3)
	for _, name := range cmd.SuggestionsFor(word) {
		quoted = append(quoted, fmt.Sprintf("%q", cmd.CommandPath()+" "+name))
	}
	return quoted
}

// needsCommand is what a command does that only has others below it.
func needsCommand(cmd *cobra.Command, _ []string) error {
	return usageError{fmt.Errorf("a command is missing after %q\n\n%s", cmd.CommandPath(), strings.TrimSpace(cmd.UsageString()))}
}

// finishCompletion makes the completion command that cobra adds keep to the exit
// codes of the others.
func finishCompletion(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Short, cmd.Args, cmd.RunE = "Print a script that completes commands in a shell", noArguments, needsCommand
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
