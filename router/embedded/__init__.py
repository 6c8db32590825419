"""Private PostgreSQL and Redis for a checkout without servers."""
