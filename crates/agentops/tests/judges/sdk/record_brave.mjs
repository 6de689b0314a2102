// What Brave's own server of the Model Context Protocol asks of Brave's API, with all that it takes and with the
// least. Brave's address is built in: it is printed, and calls led to the sandbox.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const told = JSON.parse(process.argv[2]);
process.env.BRAVE_API_KEY = told.secrets.api_key;
const tools = join(process.env.AGENTOPS_JUDGES, "node_modules/@brave/brave-search-mcp-server/dist/tools");
const load = (path) => import(pathToFileURL(join(tools, path)).href);
// Its modules import each other in a circle that has to be entered here.
await load("index.js");
const { execute } = await load("web/index.js");
const { fetch } = globalThis;
const bases = new Set();
let label = "";

globalThis.fetch = (url, init) => {
  const { origin, pathname, search } = new URL(url);
  bases.add(origin);
  return fetch(`${told.url}/~${label}${told.prefix}${pathname}${search}`, init);
};

label = "search.least";
await execute({ query: "room" });
label = "search.most";
await execute({
  query: "room",
  country: "DE",
  search_lang: "de",
  ui_lang: "de-DE",
  count: 5,
  offset: 0,
  safesearch: "off",
  freshness: "pd",
  text_decorations: false,
  spellcheck: false,
  result_filter: ["web"],
  goggles: ["https://avops.example/goggle"],
  units: "metric",
  extra_snippets: false,
  summary: false,
});
console.log(JSON.stringify({ bases: [...bases] }));
