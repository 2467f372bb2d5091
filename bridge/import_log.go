package bridge

// logImport logs what a commit has changed in the life of an import, so that the log tells
// when it was started, what held it up and how it ended. Nothing is logged about rows.
func (s *Service) logImport(before, after Import) {
	if s.config.Info == nil {
		return
	}
	args := []any{"import_id", after.ID.String()}
	if before.State == ImportLoading {
		s.config.Info("import started", append(args, "dry_run", after.DryRun, "rows", after.Rows)...)
	}
	if after.State != before.State {
		switch after.State {
		case ImportRunning:
			if before.State == ImportPaused {
				s.config.Info("import resumed", args...)
			}
		case ImportPaused:
			s.config.Info("import paused", args...)
		case ImportCanceling:
			s.config.Info("import is being canceled: the rows that are begun finish", args...)
		case ImportFinished:
			s.config.Info("import finished", append(args, after.numbers()...)...)
		case ImportCanceled:
			s.config.Info("import canceled", append(args, after.numbers()...)...)
		case ImportLoading:
		}
	}
	if after.WaitingFor != "" && after.WaitingFor != before.WaitingFor {
		s.config.Info("import waits and tries again", append(args, "waiting_for", string(after.WaitingFor))...)
	}
}

// logQuiet logs that an import is held until the quiet hours end, when it begins to be.
func (s *Service) logQuiet(before, after Import) {
	end := s.quietUntil(after, s.now())
	if s.config.Info != nil && !end.IsZero() && after.DueAt.Equal(end) && !before.DueAt.Equal(end) {
		s.config.Info("import waits", "import_id", after.ID.String(), "waiting_for", string(DependencyQuietHours), "until", end)
	}
}

// numbers returns the number of rows, and the results that rows have, for a log.
func (i Import) numbers() []any {
	args := []any{"rows", i.Rows}
	for _, result := range ImportResults() {
		if n := i.Counts.Count(result); n > 0 {
			args = append(args, string(result), n)
		}
	}
	return args
}
