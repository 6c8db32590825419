"""Reads configuration files so that every error has its line."""
