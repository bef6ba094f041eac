"""Two users of the raw fixture server: one whose calls work, one whose calls fail."""

from locust import constant, task

from mcp_assay.locust import McpUser


class Reader(McpUser):
    wait_time = constant(0.01)

    @task
    def echo(self) -> None:
        result = self.call_tool("echo", {"text": "hello"})
        assert result is not None
        assert result["content"][0]["text"] == '{"text": "hello"}'


class Stranger(McpUser):
    wait_time = constant(0.05)
    session_per_user = True

    @task
    def nobody(self) -> None:
        assert self.call_tool("nobody", name="a tool that is not there") is None
