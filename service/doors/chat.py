"""Questions as chat completions, in the shape of OpenAI's API: the answer is the assistant's words.

What that shape has no place for stands in the extra object `sourcebook`, both ways.
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
from sourcebook.service.doors.dialects import MODEL, WRITER_MODEL, Compatible
from sourcebook.service.doors.follow_up import FollowUp, whole
from sourcebook.service.notation.answers import AnswerOut
from sourcebook.service.notation.requests import QUESTION, Chosen, Text, checked
from sourcebook.service.notation.responses import Returned
from sourcebook.service.writing.phrased import written_of

MAX_MESSAGES = 1_000

# What would change an answer, were it honoured; the values that ask for nothing are accepted.
REFUSED: dict[str, tuple[tuple[object, ...], str]] = {
    "n": ((None, 1), "there is one answer, and it is the same each time"),
    "tools": ((None, []), "no tool is ever called"),
    "functions": ((None, []), "no function is ever called"),
    "response_format": ((None, {"type": "text"}), "an answer is text"),
    "modalities": ((None, ["text"]), "an answer is text"),
    "audio": ((None,), "an answer is text"),
    "logprobs": ((None, False), "words that are quoted have no probabilities"),
}
LEADS = {
    Status.ANSWERED: "",
    Status.PARTIAL: "Answered in part, as far as can be told:\n\n",
    Status.NOT_IN_LIBRARY: "Not in the library, as far as can be told.",
}

CountPieces = Callable[[str], int]  # the word pieces of a text


class Part(Compatible):
    """A part of a message; only text can be asked."""

    type: Literal["text"]
    text: Text


class Message(Compatible):
    """One turn of a conversation; only the user's are read."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None

    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


def _with_a_question(messages: list[Message]) -> list[Message]:
    if not any(message.role == "user" for message in messages):
        raise ValueError("expected a message of the role user: it holds the question")
    return messages


class StreamOptions(Compatible):
    """What a stream holds beside the answer."""

    include_usage: bool | None = False


class ChatRequest(Compatible):
    """A conversation; the last message of the user is the question.

    The user's messages before it make a follow-up question whole. Parameters of text generation
    such as `temperature` are accepted and ignored, and the answer names them.
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

    model: Text = Field(description=f"`{MODEL}`, or `{WRITER_MODEL}` where a writer is set.")
    messages: Annotated[
        list[Message], Field(max_length=MAX_MESSAGES), AfterValidator(_with_a_question)
    ]
    stream: bool | None = Field(False, description="Answer as server-sent events.")
    stream_options: StreamOptions | None = None
    sourcebook: Chosen = Field(
        default_factory=lambda: checked(Chosen, {}), description="Which articles may answer."
    )
    n: Any = Field(None, description="1 at most.")
    tools: Any = Field(None, description="None.")
    functions: Any = Field(None, description="None.")
    response_format: Any = Field(None, description="Text.")
    modalities: Any = Field(None, description="Text.")
    audio: Any = Field(None, description="None.")
    logprobs: Any = Field(None, description="None.")

    @field_validator(*REFUSED)
    @classmethod
    def _nothing_else(cls, value: object, info: ValidationInfo) -> object:
        allowed, reason = REFUSED[info.field_name or ""]
        if value not in allowed:
            expected = " or ".join(json.dumps(one) for one in allowed)
            raise ValueError(f"expected {expected}: {reason}")
        return value

    def question(self) -> FollowUp:
        """The last question, made whole from those before it."""
        *earlier, last = (message.text() for message in self.messages if message.role == "user")
        return whole(last, earlier)


class UrlCitation(Returned):
    """`content[start_index:end_index]` is a sentence, in code points; `url` shows its source."""

    start_index: int
    end_index: int
    url: str
    title: str


class Annotation(Returned):
    """A sentence of the answer and where it stands."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class AssistantMessage(Returned):
    """The answer as text: sentences with notes, then the sources of these."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(Returned):
    """The one answer."""

    index: int = 0
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(Returned):
    """Word pieces of the question as it was asked of the library, and of the answer's text."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class FollowUpOut(Returned):
    """What a follow-up question was, and what it got from the questions before."""

    asked: str
    carried: list[str]


class ChatExtra(Returned):
    """What chat completions have no place for."""

    question: str = Field(description="The question as it was asked of the library.")
    follow_up: FollowUpOut | None = Field(description="Set when the question was made whole.")
    ignored: list[str] = Field(description="What was sent and means nothing here.")
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
    """The answer's text in parts, in order, and the sentences among them that cite."""

    parts: tuple[str, ...]
    annotations: tuple[Annotation, ...]


def completion(
    wanted: ChatRequest, asked: FollowUp, answer: Answer, site: str, count: CountPieces
) -> tuple[ChatCompletion, tuple[str, ...]]:
    """The answer as a chat completion, and its content in the parts that a stream sends.

    `site` is this server's address, with a slash at its end.
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
    """A chat completion as server-sent events; what it rests on comes with the last words."""
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
    """Put the answer into words: what was understood, the sentences, disputes and sources."""
    parts = [f"Understood as: {asked.question}\n\n"] if asked.carried else []
    phrased = written_of(answer)
    written = phrased.sentences if phrased else ()
    if not written:
        parts += filter(None, [LEADS[answer.status]])
    cited = {citation.number: citation for citation in answer.citations}
    annotations: list[Annotation] = []
    for sentence in written or answer.sentences:
        start = sum(map(len, parts))
        notes = "".join(f"[{number}]" for number in sentence.citations)
        parts.append(f"{sentence.text} {notes}\n\n")
        annotations += (
            _annotation(cited[number], start, start + len(sentence.text), site)
            for number in sentence.citations
        )
    for matter in answer.disagreements:
        sides = (
            f"{one.value} ({one.published or 'no date'}) [{one.citation}]" for one in matter.sides
        )
        parts.append(f"The sources differ on {matter.matter}: {'; '.join(sides)}.\n\n")
    if answer.nearest:
        parts.append("\n\nThe nearest that it holds:\n\n")
        parts += (f"“{one.exact}” [{one.number}]\n\n" for one in answer.nearest)
    sources = [_source(one, site, quote=bool(written)) for one in cited.values() or answer.nearest]
    parts += [*(["Sources:"] if sources else []), *sources]
    return _Worded(tuple(parts), tuple(annotations))


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
    """A source in one line, with its words where the answer is not made of them."""
    words = f"“{citation.exact}” " if quote else ""
    address = "" if citation.article.metadata.url else f" {_permanent(citation, site)}"
    return f"\n[{citation.number}] {words}{citation.reference}{address}"


def _permanent(citation: Citation, site: str) -> str:
    """The address of the quote on this server."""
    return f"{site}articles/{citation.article.id}#{citation.start}-{citation.end}"
