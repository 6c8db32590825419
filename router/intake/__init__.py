"""The door: HTTP in, guard, submit."""
