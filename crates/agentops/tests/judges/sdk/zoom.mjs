// A round trip by Zoom's own SDK, @zoom/rivet: sign in, make and read a meeting, delete it, make a webinar, find
// it, and look at the rooms' dashboard. Zoom's addresses are built in, so calls are led to the sandbox.

import assert from "node:assert";
import { clients } from "./zoom_clients.mjs";

const { url, secrets } = JSON.parse(process.argv[2]);
const { meetings, webinars, dashboards } = await clients(secrets, (_, { pathname }) => `${url}${pathname}`);
const path = { userId: "me" };
const body = { topic: "From the SDK", start_time: "2030-01-01T10:00:00Z", duration: 30 };
const meeting = await meetings.createMeeting({ path, body });
assert.equal(meeting.statusCode, 201);
const read = await meetings.getMeeting({ path: { meetingId: meeting.data.id } });
assert.equal(read.data.topic, "From the SDK");
await meetings.deleteMeeting({ path: { meetingId: meeting.data.id } });
await assert.rejects(meetings.getMeeting({ path: { meetingId: meeting.data.id } }), /404/);
const webinar = await webinars.createWebinar({ path, body });
const listed = await webinars.listWebinars({ path, query: { page_size: 1, page_number: 1 } });
assert.deepEqual(listed.data.webinars.map((one) => one.id), [webinar.data.id]);
const rooms = await dashboards.listZoomRooms({ query: { page_size: 2 } });
const query = { from: "2025-01-05", to: "2025-01-06" };
const room = await dashboards.getZoomRoomsDetails({ path: { zoomroomId: rooms.data.zoom_rooms[0].id }, query });
assert.equal(room.data.room_name, rooms.data.zoom_rooms[0].room_name);
console.log(JSON.stringify({ webinar: webinar.data.id }));
