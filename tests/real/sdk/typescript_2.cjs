// A small server on the TypeScript SDK 2.x, as its guide says to write one:
//   node typescript_2.cjs FOLDER_WITH_NODE_MODULES stdio|streamable-http PORT
"use strict";
const { createRequire } = require("node:module");
const { createServer } = require("node:http");
const { offer } = require("./features.cjs");

const [home, transport, port] = process.argv.slice(2);
const load = createRequire(`${home}/`);
const { McpServer, ResourceTemplate, createMcpHandler } = load("@modelcontextprotocol/server");
const { z } = load("zod");

const make = () => {
  const server = new McpServer({ name: "sums", version: "1.0.0" }, { instructions: "Adds numbers.", capabilities: { logging: {} } });
  offer(server, { z, ResourceTemplate, shape: (fields) => z.object(fields) });
  return server;
};

if (transport === "stdio") {
  load("@modelcontextprotocol/server/stdio").serveStdio(make);
} else {
  const { localhostHostValidation, localhostOriginValidation, toNodeHandler } = load("@modelcontextprotocol/node");
  const handle = toNodeHandler(createMcpHandler(make));
  const [host, origin] = [localhostHostValidation(), localhostOriginValidation()];
  createServer((request, answer) => {
    if (!host(request, answer) || !origin(request, answer)) return;
    if (new URL(request.url, "http://localhost").pathname === "/mcp") handle(request, answer);
    else answer.writeHead(404).end();
  }).listen(Number(port), "127.0.0.1", () => process.stderr.write(`listening on ${port}\n`));
}
