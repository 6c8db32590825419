"""The audit's hash chain and its signed checkpoints; no database here."""
