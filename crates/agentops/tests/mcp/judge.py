"""A server made with the official Python SDK, which knows both generations of the protocol."""

import sys
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel

server = MCPServer("judge")


class Greeting(BaseModel):
    name: str


class Sum(BaseModel):
    total: int


async def who() -> Elicit[Greeting]:
    return Elicit("Who is there?", Greeting)


@server.tool()
async def greet(word: str, greeting: Annotated[Greeting, Resolve(who)]) -> str:
    """Greets whoever a person names."""
    return f"{word} {greeting.name}"


@server.tool()
def add(a: int, b: int) -> Sum:
    """Adds two numbers."""
    return Sum(total=a + b)


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("as told")


if sys.argv[1] == "http":
    server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
else:
    server.run(transport="stdio")
