"""The settings of the kind: a description, held together when it is loaded."""

from typing import Self

from pydantic import ValidationError, model_validator

from router.channels.rest.described import Described
from router.channels.rest.together import wrong


class Settings(Described):
    """What `channels.yaml` says: where, who we are, the calls, and how a ticket is read."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        errors = list(wrong(self))
        if errors:
            # As many as there are, each at its place: what one error of a validator could not say.
            raise ValidationError.from_exception_data("rest", errors, hide_input=True)
        return self
