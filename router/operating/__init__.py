"""Starts, watches and checks the processes of one host."""
