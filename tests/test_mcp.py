"""MCP: the official client over both transports, to real processes; all tools and refusals."""

import json
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import anyio
import pytest
from conftest import FINES, REPOSITORY, TRAINS, TRAINS_KNOWN, WHEAT
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult

from sourcebook.eval.bench.place import Place
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.doors.mcp import listed, mcp_server
from sourcebook.service.doors.mcp_tools import FETCHED, TOOLS, ToolContext
from sourcebook.service.http.app import create_app
from sourcebook.service.http.reception import MAX_BODY_BYTES
from sourcebook.service.settings import Settings

T = TypeVar("T")
Use = Callable[[Client], Awaitable[T]]
Connect = Callable[[], Client]

WHEAT_QUESTION = "How much wheat did the granary of district 300 hold?"
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}


@pytest.fixture(scope="module")
def engine(place: Place, encoder: Encoder) -> Iterator[Engine]:
    with Library(place.folder, encoder) as library:
        yield Engine.of(library)


@pytest.fixture(params=["stdio", "http", "http before 2026"])
def connect(request: pytest.FixtureRequest, place: Place) -> Connect:
    """A client of a process by either transport, and with the handshake that older clients use."""
    if request.param == "stdio":
        return lambda: Client(over_stdio(place))
    address = f"{request.getfixturevalue('served')}/mcp"
    mode = "legacy" if request.param.endswith("2026") else "auto"
    return lambda: Client(address, mode=mode)


@pytest.fixture
def tool(engine: Engine) -> Callable[..., CallToolResult]:
    """Calls a tool without a process between."""
    server = mcp_server(Answering(engine), "http://here")

    def call(name: str, **arguments: Any) -> CallToolResult:
        return talk(Client(server), lambda client: client.call_tool(name, arguments))

    return call


def over_stdio(place: Place) -> StdioServerParameters:
    command, *arguments = place.command("mcp")
    environment = {"PYTHONPATH": str(REPOSITORY), "HF_HUB_OFFLINE": "1"}
    return StdioServerParameters(command=command, args=arguments, env=environment)


def talk(client: Client, use: Use[T]) -> T:
    async def session() -> T:
        async with client:
            return await use(client)

    return anyio.run(session)


def data(result: CallToolResult) -> dict[str, Any]:
    """What a tool gave; as text it is the same, for clients that read only that."""
    assert not result.is_error, result.content
    [content] = result.content
    assert content.type == "text"
    found: dict[str, Any] = result.structured_content
    assert json.loads(content.text) == found
    return found


def refusal(result: CallToolResult) -> str:
    assert result.is_error
    assert result.structured_content is None
    [content] = result.content
    assert content.type == "text"
    return content.text


def test_a_whole_conversation(connect: Connect) -> None:
    """The client checks every answer against the tool's output schema by itself."""

    async def use(client: Client) -> None:
        assert client.instructions
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == list(TOOLS)
        assert all(tool.output_schema and tool.description for tool in tools)

        found = data(await client.call_tool("search", {"query": "night train to the coast"}))
        first = found["results"][0]
        assert set(first) == {"id", "title", "url"}
        assert first["title"] == "Night train returns"
        assert first["url"].startswith(f"{TRAINS_KNOWN.url}#:~:text=")

        document = data(await client.call_tool("fetch", {"id": first["id"]}))
        assert set(document) == {"id", "title", "text", "url", "metadata"}
        assert document["text"] == TRAINS
        facts = document["metadata"]
        assert facts["quote"] == TRAINS[facts["start"] : facts["end"]]

        answer = data(
            await client.call_tool(
                "ask", {"question": "When does the night train to the coast run again?"}
            )
        )
        cited = answer["citations"][0]
        assert TRAINS[cited["start"] : cited["end"]] == cited["exact"]

        draft = f"He wrote: “{FINES}” and “nobody ever said this at all”."
        checked = data(await client.call_tool("verify", {"draft": draft}))
        assert [one["match"] for one in checked["verdicts"]] == ["exact", "not_found"]

        place = {name: cited[name] for name in ("start", "end")}
        article = cited["article"]["id"]
        reference = await client.call_tool("cite", {"article": article, "style": "apa", **place})
        pasted = data(reference)
        assert pasted["quote"] == cited["exact"]
        assert "Berg, A., & Dahl, B. (2025, September 19)." in pasted["text"]

        gone = await client.call_tool("fetch", {"id": "nope"})
        assert refusal(gone).startswith("There is no passage or article 'nope' in the library. ")

    talk(connect(), use)


@pytest.mark.parametrize("name", TOOLS)
def test_tools_only_read(name: str) -> None:
    tool = listed(TOOLS[name])
    assert tool.annotations
    assert tool.annotations.read_only_hint is True
    assert tool.annotations.open_world_hint is False
    assert tool.input_schema["type"] == "object"
    assert tool.input_schema["additionalProperties"] is False


@pytest.mark.parametrize(("name", "argument"), [("search", "query"), ("fetch", "id")])
def test_what_connectors_call_takes_one_string(name: str, argument: str) -> None:
    schema = listed(TOOLS[name]).input_schema
    assert schema["required"] == list(schema["properties"]) == [argument]
    assert schema["properties"][argument]["type"] == "string"


def test_an_article_without_an_address_is_linked_here(tool: Callable[..., CallToolResult]) -> None:
    found = data(tool("search", query="fines for dumping waste"))["results"][0]
    document = data(tool("fetch", id=found["id"]))
    article = document["metadata"]["article"]
    assert found["url"] == document["url"] == f"http://here/articles/{article}#0-{len(FINES)}"
    assert data(tool("fetch", id=article))["url"] == f"http://here/articles/{article}"


def test_an_article_is_linked_at_its_publisher(tool: Callable[..., CallToolResult]) -> None:
    found = data(tool("search", query="night train to the coast"))["results"][0]
    passage = data(tool("fetch", id=found["id"]))
    article = data(tool("fetch", id=passage["metadata"]["article"]))
    assert article["url"] == TRAINS_KNOWN.url
    assert article["metadata"]["quote"] is None
    assert passage["url"].startswith(f"{TRAINS_KNOWN.url}#:~:text=")


def test_links_begin_with_the_address_that_was_asked(served: str) -> None:
    async def use(client: Client) -> dict[str, Any]:
        return data(await client.call_tool("search", {"query": "fines for dumping waste"}))

    first = talk(Client(f"{served}/mcp"), use)["results"][0]
    assert first["url"].startswith(f"{served}/articles/")


def test_a_long_article_is_fetched_around_the_passage(tool: Callable[..., CallToolResult]) -> None:
    found = data(tool("search", query=WHEAT_QUESTION))["results"]
    document = data(tool("fetch", id=found[0]["id"]))
    facts = document["metadata"]
    assert "In district 300 " in facts["quote"]
    assert facts["quote"] in document["text"]
    assert len(document["text"]) == FETCHED
    assert document["text"] == WHEAT[facts["text_start"] : facts["text_end"]]
    before, after = facts["start"] - facts["text_start"], facts["text_end"] - facts["end"]
    assert abs(before - after) <= 1


def test_a_long_article_is_read_to_its_end(tool: Callable[..., CallToolResult]) -> None:
    found = data(tool("search", query=WHEAT_QUESTION))["results"]
    following: str | None = data(tool("fetch", id=found[0]["id"]))["metadata"]["article"]
    read = ""
    while following:
        document = data(tool("fetch", id=following))
        read += document["text"]
        following = document["metadata"]["next"]
    assert read == WHEAT
    assert document["metadata"]["characters"] == len(WHEAT)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_stretch_is_exact(engine: Engine, drawn: st.DataObject) -> None:
    with engine.library.view() as view:
        [wheat] = [one.id for one in view.records() if one.source == "wheat.txt"]
    start = drawn.draw(st.integers(0, len(WHEAT) - 1))
    end = drawn.draw(st.integers(start + 1, min(len(WHEAT), start + FETCHED)))
    assert fetched(engine, f"{wheat}#{start}-{end}")["text"] == WHEAT[start:end]


def fetched(engine: Engine, wanted: str) -> dict[str, Any]:
    tool = TOOLS["fetch"]
    return tool.work(
        ToolContext(Answering(engine), ""), tool.wanted.model_validate({"id": wanted})
    ).model_dump()


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("search", {"query": " "}, "at least one word"),
        ("search", {}, "query is missing. Known fields: query."),
        ("search", {"query": 5}, "query is 5: Input should be a valid string."),
        (
            "search",
            {"query": "coca", "limit": 3},
            "limit is not a known field. Known fields: query.",
        ),
        ("ask", {"question": "coca", "write": True}, "write is not a known field."),
        ("ask", {"question": "coca", "published_from": "May"}, "published_from is 'May': expected"),
        ("verify", {}, "expected one of quote, quotes and draft, found none of them"),
        ("verify", {"quote": FINES, "article": "nope"}, "There is no article 'nope'"),
        ("fetch", {"id": "nope#0-10"}, "There is no article 'nope'"),
        ("cite", {"article": "nope"}, "There is no article 'nope'"),
        ("cite", {"article": "nope", "style": "harvard"}, "style is 'harvard': Input should be"),
    ],
)
def test_errors_tell_a_model_what_to_do(
    tool: Callable[..., CallToolResult], name: str, arguments: dict[str, Any], expected: str
) -> None:
    assert expected in refusal(tool(name, **arguments))


@pytest.mark.parametrize("stretch", ["5-5", "9-3", "0-90000", f"0-{FETCHED + 1}"])
def test_a_stretch_outside_the_article_is_refused(
    tool: Callable[..., CallToolResult], stretch: str
) -> None:
    found = data(tool("search", query=WHEAT_QUESTION))["results"][0]
    article = data(tool("fetch", id=found["id"]))["metadata"]["article"]
    assert "expected at most 40,000 characters within" in refusal(
        tool("fetch", id=f"{article}#{stretch}")
    )


def test_an_unknown_tool_is_an_error_of_the_protocol(connect: Connect) -> None:
    async def use(client: Client) -> MCPError:
        with pytest.raises(MCPError, match="expected one of search, fetch, ask") as caught:
            await client.call_tool("delete", {})
        return caught.value

    assert talk(connect(), use).code == INVALID_PARAMS


def test_a_defect_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    server = mcp_server(cast(Answering, None), "http://here")
    with caplog.at_level(logging.ERROR):
        result = talk(Client(server), lambda client: client.call_tool("ask", {"question": "coca"}))
    text = refusal(result)
    number = text.rsplit(" ", 1)[1].rstrip(".")
    assert text.startswith("Something went wrong in Sourcebook")
    assert f"internal error {number} in the tool ask" in caplog.text


def test_tools_are_called_at_the_same_time(served: str) -> None:
    async def use(client: Client) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []

        async def one() -> None:
            results.append(data(await client.call_tool("ask", {"question": WHEAT_QUESTION})))

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(one)
        return results

    answers = talk(Client(f"{served}/mcp"), use)
    assert len(answers) == 8
    assert len({answer["citations"][0]["exact"] for answer in answers}) == 1


def test_standard_output_holds_nothing_but_the_protocol(place: Place) -> None:
    """Also when the client sends what is none, and it ends with the input."""
    messages = [
        '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": '
        '"2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}',
        '{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        "this is no JSON",
        '{"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask", '
        '"arguments": {"question": "When does the night train return?"}}}',
    ]
    parameters = over_stdio(place)
    process = subprocess.Popen(
        [parameters.command, *parameters.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=parameters.env,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n".join(messages) + "\n")
    process.stdin.flush()
    lines = [process.stdout.readline()]
    while json.loads(lines[-1]).get("id") != 2:
        lines.append(process.stdout.readline())
    rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in errors
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)
    assert json.loads(lines[-1])["result"]["structuredContent"]["status"] == "answered"


def test_a_library_that_is_missing_is_told_on_standard_error(place: Place, tmp_path: Path) -> None:
    command = Place(folder=tmp_path / "none", model=place.model).command("mcp")
    environment = over_stdio(place).env
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")


def test_asking_in_the_shell_and_starting_to_serve_load_no_mcp() -> None:
    """It takes most of a second."""
    code = (
        "import sys, sourcebook.service.http.app, sourcebook.eval.cli.app;"
        "print('mcp' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert done.stdout == "False\n"


def posted(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urlopen(Request(url, body, HEADERS | named), timeout=30) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


LIST = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "192.168.1.7:8000"},
        {"Host": "[::1]:8000"},
        {"Host": "localhost:8000", "Origin": "http://localhost:8000"},
    ],
)
def test_who_comes_under_our_name_is_answered(served: str, headers: dict[str, str]) -> None:
    status, found = posted(f"{served}/mcp", LIST, **headers)
    assert status == 200
    assert {tool["name"] for tool in found["result"]["tools"]} == set(TOOLS)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8000", "Origin": "http://evil.example:8000"},
        {"Host": "localhost.evil.example"},
        {"Host": "[::1"},
        {"Host": "127.0.0.1:8000", "Origin": "http://evil.example"},
        {"Host": "127.0.0.1:8000", "Origin": "null"},
        {"Host": "127.0.0.1:8000", "Origin": "http://127.0.0.1:8000.evil.example"},
    ],
)
def test_dns_rebinding_and_foreign_pages_are_refused(served: str, headers: dict[str, str]) -> None:
    status, problem = posted(f"{served}/mcp", LIST, **headers)
    assert (status, problem["type"]) == (403, "/problems/foreign")
    assert problem["cure"]


def test_a_body_that_is_too_large_is_refused(served: str) -> None:
    """By what it says of itself: nothing of it needs to be sent."""
    connection = HTTPConnection(urlsplit(served).netloc, timeout=30)
    connection.putrequest("POST", "/mcp")
    for name, value in (HEADERS | {"Content-Length": str(MAX_BODY_BYTES + 1)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    with closing(connection), connection.getresponse() as response:
        problem = json.load(response)
    assert (response.status, problem["type"]) == (413, "/problems/too-large")


def test_there_is_nothing_to_listen_for(served: str) -> None:
    """A client that gets this does without; without sessions, nothing would ever come."""
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(f"{served}/mcp", headers=HEADERS), timeout=30)
    with caught.value as error:
        assert (error.code, error.headers["Allow"]) == (405, "POST")
        assert "expected POST" in json.load(error)["detail"]


PUBLIC = "https://sourcebook.example.org"


def test_a_server_behind_a_proxy_answers_under_its_public_name(engine: Engine) -> None:
    """And once more after restarts within the process, in which nobody may have called."""
    app = create_app(Answering(engine), Settings(public_url=PUBLIC, open=True))
    call = {"name": "search", "arguments": {"query": "fines for dumping waste"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    with TestClient(app):
        pass
    for _ in range(2):
        with TestClient(app, base_url=PUBLIC, headers={"Origin": PUBLIC}) as client:
            found = client.post("/mcp", json=body, headers=HEADERS).json()["result"]
            assert found["structuredContent"]["results"][0]["url"].startswith(f"{PUBLIC}/articles/")
    with TestClient(create_app(Answering(engine)), base_url=PUBLIC) as client:
        assert client.post("/mcp", json=body, headers=HEADERS).status_code == 403
