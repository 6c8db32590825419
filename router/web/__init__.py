"""What every web process shares: limits, deadlines, headers, problems, health."""
