"""Secrets, read from where `channels.yaml` says that they stand, for those who send."""

from router.secretrefs import COMMAND_S, KEPT_S, SECRET_CAP, secret

__all__ = ["COMMAND_S", "KEPT_S", "SECRET_CAP", "secret"]
