"""The reviewers' side."""
