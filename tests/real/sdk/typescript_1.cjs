// A small server on the TypeScript SDK 1.x, as its guide says to write one:
//   node typescript_1.cjs FOLDER_WITH_NODE_MODULES stdio|streamable-http PORT
// Over HTTP it also speaks the older transport of two addresses, at /sse and /messages.
"use strict";
const { createRequire } = require("node:module");
const { randomUUID } = require("node:crypto");
const { offer } = require("./features.cjs");

const [home, transport, port] = process.argv.slice(2);
const load = createRequire(`${home}/`);
const { McpServer, ResourceTemplate } = load("@modelcontextprotocol/sdk/server/mcp.js");
const { z } = load("zod");

const make = () => {
  const server = new McpServer({ name: "sums", version: "1.0.0" }, { instructions: "Adds numbers.", capabilities: { logging: {} } });
  offer(server, { z, ResourceTemplate, shape: (fields) => fields });
  return server;
};

if (transport === "stdio") {
  const { StdioServerTransport } = load("@modelcontextprotocol/sdk/server/stdio.js");
  make().connect(new StdioServerTransport());
} else {
  const { StreamableHTTPServerTransport } = load("@modelcontextprotocol/sdk/server/streamableHttp.js");
  const { createMcpExpressApp } = load("@modelcontextprotocol/sdk/server/express.js");
  const { isInitializeRequest } = load("@modelcontextprotocol/sdk/types.js");
  const open = new Map();
  const app = createMcpExpressApp();
  const refuse = (answer, status, code, message) =>
    answer.status(status).json({ jsonrpc: "2.0", error: { code, message }, id: null });
  app.use((request, answer, next) => {
    const { origin } = request.headers;
    return origin && new URL(origin).hostname !== "127.0.0.1" ? refuse(answer, 403, -32000, "Forbidden origin") : next();
  });
  app.all("/mcp", async (request, answer) => {
    const id = request.headers["mcp-session-id"];
    if (id !== undefined) {
      const known = open.get(id);
      return known ? known.handleRequest(request, answer, request.body) : refuse(answer, 404, -32001, "Session not found");
    }
    if (!isInitializeRequest(request.body)) {
      return refuse(answer, 400, -32000, "Bad Request: No valid session ID provided");
    }
    const fresh = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (name) => open.set(name, fresh),
    });
    fresh.onclose = () => open.delete(fresh.sessionId);
    await make().connect(fresh);
    return fresh.handleRequest(request, answer, request.body);
  });
  const { SSEServerTransport } = load("@modelcontextprotocol/sdk/server/sse.js");
  const streams = new Map();
  const both = load("express")();
  both.get("/sse", async (_, answer) => {
    const fresh = new SSEServerTransport("/messages", answer);
    streams.set(fresh.sessionId, fresh);
    answer.on("close", () => streams.delete(fresh.sessionId));
    await make().connect(fresh);
  });
  both.post("/messages", async (request, answer) => {
    const known = streams.get(request.query.sessionId);
    return known ? known.handlePostMessage(request, answer) : answer.status(404).end("No such stream");
  });
  both.use(app);
  both.listen(Number(port), "127.0.0.1", () => process.stderr.write(`listening on ${port}\n`));
}
