"""What the compatible APIs share: model names, error formats, and how they treat unknown fields."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from sourcebook.index.errors import NotFoundError
from sourcebook.service.notation.responses import Problem

MODEL = "sourcebook"
WRITER_MODEL = "sourcebook-writer"
# What OpenAI's API calls them, and its clients look for.
OPENAI_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


class LenientRequest(BaseModel):
    """A request from a client of another API: unknown fields are accepted and reported."""

    model_config = ConfigDict(extra="allow")

    def ignored(self) -> list[str]:
        """The names of the fields that were sent but have no effect."""
        return sorted(name for name, value in (self.model_extra or {}).items() if value is not None)


def check_model(name: str, *known: str) -> None:
    """Raise `NotFoundError` for an unknown model."""
    if name not in known:
        expected = " or ".join(map(repr, known))
        raise NotFoundError(
            f"There is no model {name!r:.80}; expected {expected}.",
            cure="GET /v1/models lists the models.",
        )


def openai_error(problem: Problem) -> Mapping[str, Any]:
    """The member of a problem that OpenAI clients expect."""
    located = [error.location for error in problem.errors or ()]
    return {
        "error": {
            "message": f"{problem.detail} {problem.cure or ''}".strip(),
            "type": "invalid_request_error" if problem.status < 500 else "server_error",
            "param": located[0].removeprefix("body.") if located else None,
            "code": OPENAI_CODES.get(problem.status, problem.type.rpartition("/")[2]),
        }
    }


def cohere_error(problem: Problem) -> Mapping[str, Any]:
    """The member of a problem that Cohere clients expect."""
    return {"message": f"{problem.detail} {problem.cure or ''}".strip()}
