"""Responses as JSON, over HTTP and with `--json`: what they share, and problems."""

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)


class Returned(BaseModel):
    """A response; its values come from attributes of the same name."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class ProblemError(Returned):
    """A rejected value."""

    location: str = Field(description="Its place, such as `body.question` or `query.limit`.")
    message: str = Field(description="What is wrong with it.")
    given: str | None = Field(default=None, description="The value, shortened.")


class Problem(Returned):
    """An RFC 9457 problem: what went wrong, the value, what was expected, and what to do."""

    type: str = Field(description="The kind of problem, as the address of a page about it.")
    title: str = Field(description="The kind of problem in two or three words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong: the name, the value and what was expected.")
    instance: str | None = Field(
        default=None,
        description="The address of the request, unless it was refused before that was read.",
    )
    request_id: str | None = Field(
        default=None, description="The id under which the server's log tells of the request."
    )
    cure: str | None = Field(default=None, description="What to do about it.")
    errors: list[ProblemError] | None = Field(
        default=None, description="All rejected values, if there may be several."
    )
