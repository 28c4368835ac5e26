"""Serves the library's tools over the Model Context Protocol (MCP)."""

import logging
import uuid
from functools import partial
from importlib import metadata
from typing import Any

import anyio
from anyio import to_thread
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from sourcebook.index.errors import SourcebookError
from sourcebook.service.answering import Answering
from sourcebook.service.doors.mcp_tools import INSTRUCTIONS, TOOLS, Tool, ToolContext
from sourcebook.service.notation.requests import checked

log = logging.getLogger(__name__)


def mcp_server(answering: Answering, address: str = "") -> "Server[Any]":
    """An MCP server of the tools; links to articles start with `address`, or the request's."""

    async def list_tools(
        context: ServerRequestContext[Any, Any], wanted: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[listed(tool) for tool in TOOLS.values()])

    async def call_tool(
        context: ServerRequestContext[Any, Any], wanted: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = TOOLS.get(wanted.name)
        if tool is None:
            message = f"There is no tool {wanted.name!r}; expected one of {', '.join(TOOLS)}."
            raise MCPError(types.INVALID_PARAMS, message)
        asked = str(context.request.base_url).rstrip("/") if context.request else ""
        tool_context = ToolContext(answering, address or asked)
        return await to_thread.run_sync(
            partial(_called, tool, tool_context, wanted.arguments or {})
        )

    return Server(
        "sourcebook",
        title="Sourcebook",
        version=metadata.version("sourcebook"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def listed(tool: Tool) -> types.Tool:
    """A tool's entry in the list of tools; all of them only read, and only from the library."""
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.wanted.model_json_schema(),
        output_schema=tool.given.model_json_schema(mode="serialization"),
        annotations=types.ToolAnnotations(
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _called(
    tool: Tool, tool_context: ToolContext, arguments: dict[str, Any]
) -> types.CallToolResult:
    """Call a tool: return data and the same as JSON text, or an error that a model can act on."""
    try:
        given = tool.work(tool_context, checked(tool.wanted, arguments))
    except SourcebookError as error:
        return _failed(str(error))
    except Exception:
        number = uuid.uuid4().hex[:12]
        log.exception("internal error %s in the tool %s", number, tool.name)
        return _failed(f"Something went wrong in Sourcebook; the log has details under {number}.")
    return types.CallToolResult(
        content=[types.TextContent(text=given.model_dump_json())],
        structured_content=given.model_dump(mode="json"),
    )


def _failed(message: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=message)], is_error=True)


def run_stdio(answering: Answering, address: str) -> None:
    """Serve the tools on standard input and output until the input ends."""
    server = mcp_server(answering, address)

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)
