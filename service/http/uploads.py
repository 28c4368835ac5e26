"""Adds articles sent over HTTP: a text as JSON, or files as multipart form data."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from sourcebook.index.article import Article, sha256
from sourcebook.index.errors import InputError, SourcebookError, TooLargeError
from sourcebook.index.library import Library
from sourcebook.index.parsing.parse import parse
from sourcebook.service.documents.catalogue import generation
from sourcebook.service.http.problems import MalformedError, UnsupportedMediaError, stated
from sourcebook.service.http.reception import is_small
from sourcebook.service.notation.article_requests import ArticleText, NewArticle, UploadFields
from sourcebook.service.notation.library import AddedOut, FailureOut, OutcomeOut
from sourcebook.service.patience import go_on

MAX_FILES = 1_000
# One writes while the next parses and encodes its articles; more would only take the processor from
# questions, and memory: each reads its body when its turn comes. As many small ones run beside.
WRITERS = 2
LISTS = ("authors", "tags")  # form fields that may be repeated
ONE_FILE_ONLY = ("source", "title", "url")  # form fields allowed with one file only
SUFFIXES = {"text": ".txt", "markdown": ".md", "html": ".html"}

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Uploads:
    """Adds the articles of requests to a library, a few requests at a time."""

    def __init__(self, library: Library, max_bytes: int) -> None:
        """Add to `library`; no file may be larger than `max_bytes`."""
        self._library = library
        self._max_bytes = max_bytes
        self._large = CapacityLimiter(WRITERS)
        self._small = CapacityLimiter(WRITERS)
        self._threads = CapacityLimiter(2 * WRITERS)

    async def writing(self, work: Callable[[], T]) -> T:
        """Run small `work` on one of the few threads that may write, behind no large upload."""
        async with self._small:
            return await self._run(work)

    async def add(self, request: Request) -> AddedOut:
        """Add the articles in the request."""
        if _media_type(request) == "multipart/form-data":
            async with self._lane(request), request.form(max_files=MAX_FILES) as form:
                items = form.multi_items()
                return await self._run(lambda: self._add_files(items))
        _require_json(request, "application/json or multipart/form-data")
        async with self._lane(request):
            body = await request.body()
            return await self._run(lambda: self._add_text(body))

    async def replace(self, article_id: str, request: Request) -> AddedOut:
        """Replace an article with the text in the request."""
        _require_json(request, "application/json")

        def work() -> AddedOut:
            wanted = _validated(ArticleText, body)
            with self._library.view() as view:
                source = view.found(article_id).source
            return self._put(_articles(wanted, source))

        async with self._lane(request):
            body = await request.body()
            return await self._run(work)

    def _lane(self, request: Request) -> CapacityLimiter:
        """What the request waits for before its body is read into memory."""
        return self._small if is_small(request) else self._large

    async def _run(self, work: Callable[[], T]) -> T:
        """Run `work` on a thread of a lane that was waited for, if the client is still there."""
        go_on()
        return await to_thread.run_sync(work, limiter=self._threads)

    def _put(self, articles: Sequence[Article]) -> AddedOut:
        """Add articles and report the outcomes."""
        outcomes = [OutcomeOut.model_validate(one) for one in self._library.add(articles)]
        return AddedOut(outcomes=outcomes, failures=[], generation=generation(self._library))

    def _add_text(self, body: bytes) -> AddedOut:
        wanted = _validated(NewArticle, body)
        hashed = f"text:{sha256(wanted.text)[:16]}"
        return self._put(_articles(wanted, wanted.source or wanted.url or hashed))

    def _add_files(self, items: Sequence[tuple[str, UploadFile | str]]) -> AddedOut:
        files = [value for _, value in items if isinstance(value, UploadFile)]
        fields = _fields(items, len(files))
        articles: dict[str, Article] = {}
        failures: list[tuple[str, SourcebookError]] = []
        for file in files:
            name = PurePath((file.filename or "").replace("\\", "/")).name
            source = fields.source or f"upload:{name}"
            try:
                found = self._read(file, name, source, fields)
            except SourcebookError as error:
                failures.append((source, error))
            else:
                articles |= {article.source: article for article in found}
        if not articles:
            raise _none_readable(failures)
        added = self._put(list(articles.values()))
        failed = [FailureOut.now(source, error) for source, error in failures]
        return added.model_copy(update={"failures": failed})

    def _read(
        self, file: UploadFile, name: str, source: str, fields: UploadFields
    ) -> list[Article]:
        data = file.file.read(self._max_bytes + 1)
        if len(data) > self._max_bytes:
            raise TooLargeError(
                f"{name} is larger than the limit of {self._max_bytes:,} bytes.",
                cure="Split it into several files.",
            )
        return parse(data, name=name, source=source, overrides=fields.metadata({}))


def _articles(wanted: ArticleText, source: str) -> list[Article]:
    """What a request's text makes, as the article that `parse` finds in it."""
    return parse(
        wanted.text.encode(),
        name=f"article{SUFFIXES[wanted.format]}",
        source=source,
        overrides=wanted.metadata(wanted.extra),
    )


def _fields(items: Sequence[tuple[str, UploadFile | str]], count: int) -> UploadFields:
    """The form's fields other than files."""
    if not count:
        raise MalformedError(
            "The form contains no file; expected at least one, in the field 'file'.",
            cure="Send one with: curl -F file=@article.txt",
        )
    if strays := {name for name, value in items if isinstance(value, UploadFile)} - {"file"}:
        raise InputError(
            f"The form has files in the field {min(strays)!r}; expected them in 'file'.",
            cure="Name the field 'file', and repeat it for several files.",
        )
    texts = [(name, value) for name, value in items if name != "file"]
    values: dict[str, object] = dict(texts)
    values |= {name: [v for n, v in texts if n == name] for name in LISTS if name in values}
    try:
        fields = UploadFields.model_validate(values)
    except ValidationError as error:
        raise _refused(error) from error
    given = [name for name in ONE_FILE_ONLY if getattr(fields, name)]
    if count > 1 and given:
        raise InputError(
            f"{given[0]} is {getattr(fields, given[0])!r} for {count} files; it is only allowed "
            "with one.",
            cure="Send the files one at a time, or leave the field out.",
        )
    return fields


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _require_json(request: Request, expected: str) -> None:
    media_type = _media_type(request)
    if media_type != "application/json":
        raise UnsupportedMediaError(
            f"The body was sent {stated(media_type)}; expected {expected}.",
            cure="Send a text as JSON, or a file with: curl -F file=@article.txt",
        )


def _validated(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refused(error) from error


def _refused(error: ValidationError) -> RequestValidationError:
    found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
    return RequestValidationError(found)


def _none_readable(failures: Sequence[tuple[str, SourcebookError]]) -> SourcebookError:
    """The error if there is only one, or an error that lists them all."""
    if len(failures) == 1:
        return failures[0][1]
    named = "; ".join(f"{source}: {error.message}" for source, error in failures)
    return InputError(f"None of the files could be read: {named}")
