// What @slack/web-api sends to read, with all that it takes and with the least.

import { createRequire } from "node:module";
import { join } from "node:path";

const { WebClient } = createRequire(join(process.env.AGENTOPS_JUDGES, "package.json"))("@slack/web-api");
const told = JSON.parse(process.argv[2]);
const { channel, channel_id: id } = told.things;
const at = (label) =>
  new WebClient(told.secrets.token, {
    slackApiUrl: `${told.url}/~${label}${told.prefix}/api/`,
    allowAbsoluteUrls: false,
    retryConfig: { retries: 0 },
  });

await at("auth_test.least").auth.test();
await at("auth_test.most").auth.test();
const first = await at("list.least").conversations.list();
const page = await at("page").conversations.list({ limit: 1 });
await at("list.most").conversations.list({
  cursor: page.response_metadata.next_cursor,
  exclude_archived: true,
  limit: 1,
  team_id: "T0SANDBOX1",
  types: "public_channel,private_channel",
});
if (first.channels.length < 2) throw new Error("too few channels");
const { ts } = await at("post").chat.postMessage({ channel, text: "a" });
await at("post").chat.postMessage({ channel, text: "b" });
await at("post").chat.postMessage({ channel, text: "c", thread_ts: ts });
const window = { channel: id, include_all_metadata: true, inclusive: true, latest: "9999999999.000000", limit: 1 };
const history = await at("history.least").conversations.history({ channel: id });
const newest = await at("page").conversations.history({ channel: id, limit: 1 });
if (history.messages.length < 2) throw new Error("too few messages");
const after = (page) => ({ ...window, oldest: "1.000000", cursor: page.response_metadata.next_cursor });
await at("history.most").conversations.history(after(newest));
await at("replies.least").conversations.replies({ channel: id, ts });
const thread = await at("page").conversations.replies({ channel: id, ts, limit: 1 });
await at("replies.most").conversations.replies({ ...after(thread), ts });
for (const length of ["least", "most"]) {
  await at(`permalink.${length}`).chat.getPermalink({ channel: id, message_ts: ts });
}
console.log(JSON.stringify({}));
