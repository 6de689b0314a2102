// Says by TypeScript's compiler whether values are of types that packages declare. The argument names a file
// with a list of {type, value}; prints a list of problems for each. Wire<T> is T as a query or a form holds it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const folder = process.env.AGENTOPS_JUDGES;
const ts = createRequire(join(folder, "package.json"))("typescript");
const claims = JSON.parse(readFileSync(process.argv[2], "utf8"));
const head = [
  "type Word<T> = T extends boolean ? `${T}` : T extends number ? `${number}` : T extends object ? string : T;",
  "type Wire<T> = T extends unknown ? { [K in keyof T]: Word<T[K]> } : never;",
];
const kinds = [...new Set(claims.map((claim) => claim.type))];
head.push(...kinds.map((kind, index) => `type T${index} = ${kind};`));
const lines = claims.map(
  (claim, index) => `const c${index}: T${kinds.indexOf(claim.type)} = ${JSON.stringify(claim.value)};`,
);
const file = join(folder, "claims.mts");
const text = [...head, ...lines, "export {};"].join("\n");
const options = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};
const host = ts.createCompilerHost(options);
const { fileExists, readFile, getSourceFile } = host;
host.fileExists = (name) => name === file || fileExists(name);
host.readFile = (name) => (name === file ? text : readFile(name));
host.getSourceFile = (name, ...rest) =>
  name === file ? ts.createSourceFile(name, text, options.target, true) : getSourceFile(name, ...rest);
const program = ts.createProgram([file], options, host);
const source = program.getSourceFile(file);
const problems = claims.map(() => []);
for (const found of [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]) {
  const line = source.getLineAndCharacterOfPosition(found.start).line;
  const words = ts.flattenDiagnosticMessageText(found.messageText, " ").slice(0, 400);
  if (line < head.length) throw new Error(`${kinds[line - 2] ?? "Wire"}: ${words}`);
  problems[line - head.length].push(words);
}
console.log(JSON.stringify(problems));
