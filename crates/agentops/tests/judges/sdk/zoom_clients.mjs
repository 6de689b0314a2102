// The clients of Zoom's own SDK, @zoom/rivet. Zoom's addresses are built into it: `lead` is given each request, with
// the address that it was meant for, and says where it goes instead.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = join(process.env.AGENTOPS_JUDGES, "node_modules");
const load = (path) => import(pathToFileURL(join(modules, path)).href);

export async function clients(secrets, lead) {
  const { default: axios } = await load("axios/index.js");
  const { MeetingsS2SAuthClient } = await load("@zoom/rivet/meetings/meetings.mjs");
  const { AccountsS2SAuthClient } = await load("@zoom/rivet/accounts/accounts.mjs");
  axios.interceptors.request.use((config) => {
    config.url = lead(config, new URL(`${config.baseURL ?? ""}${config.url}`));
    config.baseURL = undefined;
    return config;
  });
  const options = {
    clientId: secrets.client_id,
    clientSecret: secrets.client_secret,
    accountId: secrets.account_id,
    disableReceiver: true,
  };
  const { meetings, webinars } = new MeetingsS2SAuthClient(options).endpoints;
  const { dashboards } = new AccountsS2SAuthClient(options).endpoints;
  return { meetings, webinars, dashboards };
}
