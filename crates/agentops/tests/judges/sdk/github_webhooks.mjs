// Webhooks signed by @octokit/webhooks-methods, as they are and spoilt, each with its own verdict. The first
// argument is the package's entry. Prints a list as webhooks.py does.

import { pathToFileURL } from "node:url";

const { sign, verify } = await import(pathToFileURL(process.argv[2]).href);
const cases = [];

async function add(name, secret, body, signature) {
  cases.push({
    scheme: "github",
    name,
    secret,
    url: "https://agentops.example/in",
    headers: { "X-Hub-Signature-256": signature },
    body: Buffer.from(body).toString("hex"),
    now_ms: 0,
    accepted: await verify(secret, body, signature),
  });
}

for (const secret of ["It's a Secret to Everybody", "s", "ä".repeat(40), "k".repeat(64), "k".repeat(65)]) {
  for (const body of ["Hello, World!", "{}", '{"emoji":"😀","text":"ä"}', "payload=%7B%7D", "x".repeat(70000)]) {
    const signature = await sign(secret, body);
    await add("as it is", secret, body, signature);
    await add("another body", secret, `${body} `, signature);
    await add("another secret", `${secret}x`, body, signature);
    const digit = signature.endsWith("0") ? "1" : "0";
    await add("another signature", secret, body, signature.slice(0, -1) + digit);
    await add("without its prefix", secret, body, signature.slice("sha256=".length));
  }
}

console.log(JSON.stringify(cases));
