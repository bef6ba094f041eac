// What the small servers on the TypeScript SDKs offer; the two SDKs differ in how a schema is given.
"use strict";

exports.offer = (server, { z, ResourceTemplate, shape }) => {
  server.registerTool(
    "total",
    {
      title: "Total",
      description: "Return the sum of two whole numbers.",
      inputSchema: shape({ a: z.number().int().describe("the first"), b: z.number().int().describe("the second") }),
      outputSchema: shape({ result: z.number().int() }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ a, b }) => ({
      content: [{ type: "text", text: JSON.stringify({ result: a + b }) }],
      structuredContent: { result: a + b },
    }),
  );
  server.registerResource(
    "zero",
    "sums://zero",
    { description: "The sum of nothing.", mimeType: "text/plain" },
    async (uri) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: "0" }] }),
  );
  server.registerResource(
    "twice",
    new ResourceTemplate("sums://twice/{number}", { list: undefined }),
    { description: "A number and itself.", mimeType: "text/plain" },
    async (uri, { number }) => ({
      contents: [{ uri: uri.href, mimeType: "text/plain", text: String(2 * Number(number)) }],
    }),
  );
  server.registerPrompt(
    "explain",
    {
      title: "Explain",
      description: "Ask how a number came about.",
      argsSchema: shape({ number: z.string().describe("the number") }),
    },
    ({ number }) => ({
      messages: [{ role: "user", content: { type: "text", text: `Explain how ${number} came about.` } }],
    }),
  );
};
