"""Commands that stay inside."""
