// A small server on FastMCP for TypeScript 3.x, as its guide says to write one:
//   node fastmcp.cjs FOLDER_WITH_NODE_MODULES stdio|streamable-http PORT
"use strict";
const { createRequire } = require("node:module");
const { pathToFileURL } = require("node:url");

const [home, transport, port] = process.argv.slice(2);
const load = createRequire(`${home}/`);
const bring = (name) => import(pathToFileURL(load.resolve(name)).href);

(async () => {
  const { FastMCP } = await bring("fastmcp");
  const { z } = await bring("zod");
  // FastMCP has no setting for origins; this is where a server can look at them.
  const authenticate = async (request) => {
    const origin = request?.headers.origin;
    if (origin && new URL(origin).hostname !== "127.0.0.1") {
      throw new Response(null, { status: 403, statusText: "Forbidden" });
    }
    return {};
  };
  const server = new FastMCP({ name: "sums", version: "1.0.0", instructions: "Adds numbers.", authenticate });
  server.addTool({
    name: "total",
    description: "Return the sum of two whole numbers.",
    parameters: z.object({ a: z.number().int().describe("the first"), b: z.number().int().describe("the second") }),
    annotations: { title: "Total", readOnlyHint: true, openWorldHint: false },
    execute: async ({ a, b }) => String(a + b),
  });
  server.addResource({
    uri: "sums://zero",
    name: "zero",
    description: "The sum of nothing.",
    mimeType: "text/plain",
    load: async () => ({ text: "0" }),
  });
  server.addResourceTemplate({
    uriTemplate: "sums://twice/{number}",
    name: "twice",
    description: "A number and itself.",
    mimeType: "text/plain",
    arguments: [{ name: "number", description: "the number", required: true }],
    load: async ({ number }) => ({ text: String(2 * Number(number)) }),
  });
  server.addPrompt({
    name: "explain",
    description: "Ask how a number came about.",
    arguments: [{ name: "number", description: "the number", required: true }],
    load: async ({ number }) => `Explain how ${number} came about.`,
  });
  await server.start(
    transport === "stdio"
      ? { transportType: "stdio" }
      : { transportType: "httpStream", httpStream: { port: Number(port), host: "127.0.0.1" } },
  );
})();
