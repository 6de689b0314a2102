// Says by schemas of zod that packages export whether values fit. The argument names a file with a list of
// {type: "MODULE SCHEMA", value}; prints a list of problems for each. A key that a schema would drop is one.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// Makes jira.js close its schemas of answers.
process.env.AUDIT_SCHEMAS = "true";

const modules = join(process.env.AGENTOPS_JUDGES, "node_modules");

function dropped(at, value, kept) {
  if (Array.isArray(value)) {
    return Array.isArray(kept) ? value.flatMap((item, index) => dropped(`${at}/${index}`, item, kept[index])) : [];
  }
  if (value === null || typeof value !== "object" || kept === null || typeof kept !== "object") return [];
  if (kept instanceof Date) return [];
  return Object.keys(value).flatMap((name) =>
    name in kept ? dropped(`${at}/${name}`, value[name], kept[name]) : [`${at}/${name} is not known`],
  );
}

async function verdict({ type, value }) {
  const [path, name] = type.split(" ");
  const schema = (await import(pathToFileURL(join(modules, path)).href))[name];
  if (!schema) throw new Error(`${path} has no ${name}`);
  const read = schema.safeParse(value);
  if (read.success) return dropped("", value, read.data);
  return read.error.issues.map((issue) => `/${issue.path.join("/")}: ${issue.message}`.slice(0, 400));
}

const problems = [];
for (const claim of JSON.parse(readFileSync(process.argv[2], "utf8"))) problems.push(await verdict(claim));
console.log(JSON.stringify(problems));
