// What jira.js, which is made from Atlassian's OpenAPI document, sends for each request of our connector, with
// all that it takes and with the least.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const entry = join(process.env.AGENTOPS_JUDGES, "node_modules/jira.js/dist/cloud/index.js");
const { createCloudClient } = await import(pathToFileURL(entry).href);
const told = JSON.parse(process.argv[2]);
const { email, token } = told.secrets;
const { issue, comment, way_on, way_back } = told.things;
const at = (label) =>
  createCloudClient({
    host: `${told.url}/~${label}${told.prefix}`,
    auth: { type: "basic", email, apiToken: token },
    onSchemaMismatch: "silent",
  });

const fields = { project: { key: "OPS" }, summary: "s", issuetype: { name: "Task" } };
const properties = [{ key: "k", value: { key: "v" } }];
const words = { type: "text", text: "w" };
const body = { type: "doc", version: 1, content: [{ type: "paragraph", content: [words] }] };
const page = { startAt: 0, maxResults: 10 };

await at("me.least").myself.getCurrentUser();
await at("me.most").myself.getCurrentUser({ expand: "groups" });
await at("create.least").issues.createIssue({ fields });
await at("create.most").issues.createIssue({
  fields,
  historyMetadata: {},
  properties,
  transition: {},
  update: {},
  updateHistory: true,
});
await at("get.least").issues.getIssue({ issueIdOrKey: issue });
await at("get.most").issues.getIssue({
  issueIdOrKey: issue,
  fields: ["summary"],
  fieldsByKeys: false,
  expand: "names",
  properties: ["k"],
  updateHistory: false,
  failFast: false,
});
await at("comment.least").issueComments.addComment({ issueIdOrKey: issue, body });
await at("comment.most").issueComments.addComment({
  issueIdOrKey: issue,
  body,
  properties,
  jsdPublic: true,
  visibility: { type: "role", value: "Administrators" },
  expand: "renderedBody",
});
await at("comments.least").issueComments.getComments({ issueIdOrKey: issue });
await at("comments.most").issueComments.getComments({
  issueIdOrKey: issue,
  ...page,
  orderBy: "-created",
  expand: "renderedBody",
});
await at("by_ids.least").issueComments.getCommentsByIds({ ids: [comment] });
await at("by_ids.most").issueComments.getCommentsByIds({ ids: [comment], expand: "properties" });
await at("move.least").issues.doTransition({ issueIdOrKey: issue, transition: { id: way_on } });
await at("move.most").issues.doTransition({
  issueIdOrKey: issue,
  fields: {},
  historyMetadata: {},
  properties,
  transition: { id: way_back },
  update: {},
});
const jql = "project = OPS";
await at("search.least").issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql });
const first = await at("page").issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql, maxResults: 1 });
await at("search.most").issueSearch.searchAndReconsileIssuesUsingJqlPost({
  expand: "names",
  fields: ["summary"],
  fieldsByKeys: false,
  jql,
  maxResults: 1,
  nextPageToken: first.nextPageToken,
  properties: ["k"],
  reconcileIssues: [],
});
console.log(JSON.stringify({}));
