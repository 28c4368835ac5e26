"""Doors for other tools: OpenAI's and Cohere's APIs, MCP, and retrievers."""
