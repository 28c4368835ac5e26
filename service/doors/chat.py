"""Answers chat completions in the format of OpenAI's API.

Requests and responses have an extra object `sourcebook` for what that format has no field for.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from sourcebook.service.asking.answer import Answer, Status
from sourcebook.service.asking.citation import Citation, display_title
from sourcebook.service.asking.disagreement import dated
from sourcebook.service.doors.dialects import MODEL, WRITER_MODEL, LenientRequest
from sourcebook.service.doors.follow_up import FollowUp, whole
from sourcebook.service.notation.answers import AnswerOut
from sourcebook.service.notation.requests import QUESTION, FilterFields, Text, checked
from sourcebook.service.notation.responses import Returned
from sourcebook.service.writing.phrased import written_of

MAX_MESSAGES = 1_000

# Fields that would change an answer if they were supported. Values without effect are accepted.
REFUSED: dict[str, tuple[tuple[object, ...], str]] = {
    "n": ((None, 1), "a question has one answer, always the same"),
    "tools": ((None, []), "tools are never called"),
    "functions": ((None, []), "functions are never called"),
    "response_format": ((None, {"type": "text"}), "answers are text"),
    "modalities": ((None, ["text"]), "answers are text"),
    "audio": ((None,), "answers are text"),
    "logprobs": ((None, False), "quoted words have no probabilities"),
}
LEADS = {
    Status.ANSWERED: "",
    Status.RELATED: "The library covers this subject, but no answer was found in it.",
    Status.NOT_IN_LIBRARY: "The answer is probably not in the library.",
}

CountPieces = Callable[[str], int]  # the word pieces of a text


class Part(LenientRequest):
    """A part of a message; only text is supported."""

    type: Literal["text"]
    text: Text


class Message(LenientRequest):
    """A message of a conversation; only the user's messages are used."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None

    def text(self) -> str:
        """Its text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


def _with_a_question(messages: list[Message]) -> list[Message]:
    if not any(message.role == "user" for message in messages):
        raise ValueError("expected a message with the role user, which is the question")
    return messages


class StreamOptions(LenientRequest):
    """What a stream contains besides the answer."""

    include_usage: bool | None = False


class ChatRequest(LenientRequest):
    """A conversation; the last user message is the question.

    A follow-up question is completed from the user's earlier messages. Parameters of text
    generation such as `temperature` are accepted and ignored; the response lists them.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]},
                {
                    "model": MODEL,
                    "messages": [
                        {"role": "user", "content": QUESTION},
                        {"role": "assistant", "content": "Plan Colombia started in 2000 ..."},
                        {"role": "user", "content": "What did it cost?"},
                    ],
                    "sourcebook": {"published_from": "2025"},
                },
            ]
        }
    )

    model: Text = Field(description=f"`{MODEL}`, or `{WRITER_MODEL}` if a writer is set.")
    messages: Annotated[
        list[Message], Field(max_length=MAX_MESSAGES), AfterValidator(_with_a_question)
    ]
    stream: bool | None = Field(False, description="Respond with server-sent events.")
    stream_options: StreamOptions | None = None
    sourcebook: FilterFields = Field(
        default_factory=lambda: checked(FilterFields, {}), description="Filter on articles."
    )
    n: Any = Field(None, description="Only 1 is supported.")
    tools: Any = Field(None, description="Not supported.")
    functions: Any = Field(None, description="Not supported.")
    response_format: Any = Field(None, description="Only text is supported.")
    modalities: Any = Field(None, description="Only text is supported.")
    audio: Any = Field(None, description="Not supported.")
    logprobs: Any = Field(None, description="Not supported.")

    @field_validator(*REFUSED)
    @classmethod
    def _nothing_else(cls, value: object, info: ValidationInfo) -> object:
        allowed, reason = REFUSED[info.field_name or ""]
        if value not in allowed:
            expected = " or ".join(json.dumps(one) for one in allowed)
            raise ValueError(f"expected {expected}: {reason}")
        return value

    def question(self) -> FollowUp:
        """The last question, completed from those before it."""
        *earlier, last = (message.text() for message in self.messages if message.role == "user")
        return whole(last, earlier)


class UrlCitation(Returned):
    """The source of the sentence `content[start_index:end_index]` (offsets in code points)."""

    start_index: int
    end_index: int
    url: str
    title: str


class Annotation(Returned):
    """A sentence of the answer and its source."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class AssistantMessage(Returned):
    """The answer as text: sentences with note numbers, then the sources."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(Returned):
    """The only answer."""

    index: int = 0
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(Returned):
    """Word pieces in the completed question and in the text of the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class FollowUpOut(Returned):
    """The original follow-up question, and what was carried over from earlier questions."""

    asked: str
    carried: list[str]


class ChatExtra(Returned):
    """What chat completions have no field for."""

    question: str = Field(description="The completed question.")
    follow_up: FollowUpOut | None = Field(description="Set if the question was completed.")
    ignored: list[str] = Field(description="Fields of the request that had no effect.")
    answer: AnswerOut


class ChatCompletion(Returned):
    """An answer as a chat completion."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    system_fingerprint: str
    sourcebook: ChatExtra


@dataclass(frozen=True, slots=True)
class _Worded:
    """The answer's text in parts, and the sources of its sentences."""

    parts: tuple[str, ...]
    annotations: tuple[Annotation, ...]


def completion(
    wanted: ChatRequest, asked: FollowUp, answer: Answer, site: str, count: CountPieces
) -> tuple[ChatCompletion, tuple[str, ...]]:
    """Make a chat completion of an answer; also return its content in the parts of a stream.

    `site` is this server's address, with a slash at the end.
    """
    said = _say(answer, asked, site)
    content = "".join(said.parts)
    read, made = count(asked.question), count(content)
    original = next(m.text() for m in reversed(wanted.messages) if m.role == "user")
    carried = FollowUpOut(asked=original, carried=list(asked.carried)) if asked.carried else None
    message = AssistantMessage(content=content, annotations=list(said.annotations))
    found = ChatCompletion(
        id=f"chatcmpl-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=wanted.model,
        choices=[Choice(message=message)],
        usage=Usage(prompt_tokens=read, completion_tokens=made, total_tokens=read + made),
        system_fingerprint=answer.fingerprint,
        sourcebook=ChatExtra(
            question=asked.question,
            follow_up=carried,
            ignored=wanted.ignored(),
            answer=AnswerOut.model_validate(answer),
        ),
    )
    return found, said.parts


def events(found: ChatCompletion, parts: tuple[str, ...], *, usage: bool) -> Iterator[str]:
    """A chat completion as server-sent events; annotations come with the last one."""
    shared = {
        "id": found.id,
        "object": "chat.completion.chunk",
        "created": found.created,
        "model": found.model,
        "system_fingerprint": found.system_fingerprint,
    }

    def event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**shared, "choices": [choice], **more})

    yield event({"role": "assistant", "content": ""})
    for part in parts:
        yield event({"content": part})
    annotations = [one.model_dump() for one in found.choices[0].message.annotations]
    extra = found.sourcebook.model_dump()
    yield event({"annotations": annotations}, finish="stop", sourcebook=extra)
    if usage:
        yield _event({**shared, "choices": [], "usage": found.usage.model_dump()})
    yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _say(answer: Answer, asked: FollowUp, site: str) -> _Worded:
    """Write the answer as text: the completed question, sentences, disagreements and sources."""
    parts = [f"Understood as: {asked.question}\n\n"] if asked.carried else []
    phrased = written_of(answer)
    written = phrased.sentences if phrased else ()
    if not written:
        parts += filter(None, [LEADS[answer.status]])
    cited = {citation.number: citation for citation in answer.citations}
    annotations: list[Annotation] = []
    for sentence in written or answer.sentences:
        if not written:
            annotations += _under(cited[sentence.citations[0]], parts, site)
        start = sum(map(len, parts))
        notes = "".join(f"[{number}]" for number in sentence.citations)
        parts.append(f"{sentence.text} {notes}\n\n")
        annotations += (
            _annotation(cited[number], start, start + len(sentence.text), site)
            for number in sentence.citations
        )
    for matter in answer.disagreements:
        sides = (
            f"{one.value} ({dated(one.published, one.modified)}) [{one.citation}]"
            for one in matter.sides
        )
        parts.append(f"{matter.heading}: {matter.matter} {'; '.join(sides)}.\n\n")
    if answer.nearest:
        parts.append("\n\nClosest passages:\n\n")
        for one in answer.nearest:
            _under(one, parts, site)
            parts.append(f"“{one.exact}” [{one.number}]\n\n")
    sources = [_source(one, site, quote=bool(written)) for one in cited.values() or answer.nearest]
    parts += [*(["Sources:"] if sources else []), *sources]
    return _Worded(tuple(parts), tuple(annotations))


def _under(citation: Citation, parts: list[str], site: str) -> list[Annotation]:
    """Write the context of a citation before it, each part on a line; return their sources."""
    found = []
    for need in citation.context:
        start = sum(map(len, parts))
        parts.append(f"{need.exact} [{citation.number}]\n\n")
        found.append(_annotation(citation, start, start + len(need.exact), site))
    return found


def _annotation(citation: Citation, start: int, end: int, site: str) -> Annotation:
    return Annotation(
        url_citation=UrlCitation(
            start_index=start,
            end_index=end,
            url=citation.link or _permanent(citation, site),
            title=display_title(citation.article),
        )
    )


def _source(citation: Citation, site: str, *, quote: bool) -> str:
    """A source in one line, with its quote if the answer is not verbatim."""
    spans = (*(need.exact for need in citation.context), citation.exact)
    words = "".join(f"“{exact}” " for exact in spans) if quote else ""
    address = "" if citation.article.metadata.url else f" {_permanent(citation, site)}"
    return f"\n[{citation.number}] {words}{citation.reference}{address}"


def _permanent(citation: Citation, site: str) -> str:
    """The permanent address of the quote on this server."""
    return f"{site}articles/{citation.article.id}{citation.anchor}"
