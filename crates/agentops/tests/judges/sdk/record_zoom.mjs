// What Zoom's own SDK sends for the requests of our connector that it knows, with all that it takes and with the
// least. Zoom's addresses are built in: they are printed, and calls led to the sandbox.

import { clients } from "./zoom_clients.mjs";

const told = JSON.parse(process.argv[2]);
const { secrets, things } = told;
const bases = new Set();
let label = "";

const { meetings, webinars, dashboards } = await clients(secrets, ({ url, baseURL }, { pathname }) => {
  const token = url.endsWith("/oauth/token");
  bases.add(token ? url : baseURL);
  return `${told.url}/~${token ? "token.most" : label}${told.prefix}${pathname}`;
});
const user = { userId: "me" };
const page = { page_size: 1 };

const session = {
  topic: "t",
  agenda: "a",
  duration: 30,
  start_time: "2030-01-01T10:00:00Z",
  timezone: "Europe/Berlin",
  password: "p",
  settings: {},
  tracking_fields: [],
};
for (const [name, made, kind] of [
  ["meeting", meetings.createMeeting, 2],
  ["webinar", webinars.createWebinar, 5],
]) {
  label = `${name}.least`;
  await made({ path: user, body: { topic: "t" } });
  label = `${name}.most`;
  await made({ path: user, body: { ...session, type: kind } });
}
label = "meetings.least";
await meetings.listMeetings({ path: user });
const { data } = await meetings.listMeetings({ path: user, query: page });
label = "meetings.most";
const next = { ...page, next_page_token: data.next_page_token };
await meetings.listMeetings({ path: user, query: { ...next, type: "scheduled" } });
label = "webinars.least";
await webinars.listWebinars({ path: user });
label = "webinars.most";
await webinars.listWebinars({ path: user, query: { ...page, type: "scheduled", page_number: 1 } });
label = "dashboard.least";
await dashboards.listZoomRooms({});
const rooms = await dashboards.listZoomRooms({ query: page });
label = "dashboard.most";
await dashboards.listZoomRooms({ query: { ...page, next_page_token: rooms.data.next_page_token } });
for (const length of ["least", "most"]) {
  label = `health.${length}`;
  const query = { from: "2025-01-05", to: "2025-01-06" };
  await dashboards.getZoomRoomsDetails({ path: { zoomroomId: things.room }, query });
}
console.log(JSON.stringify({ bases: [...bases].sort() }));
