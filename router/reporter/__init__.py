"""The reporters' pages."""
