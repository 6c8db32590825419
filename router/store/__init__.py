"""PostgreSQL: tables, narrow functions over them, and nothing of a row's shape outside."""
