import type { OperationId } from './operations.ts';
import {
  type Details,
  eventParameters,
  type Json,
  json,
  problemDetails,
  reference,
  searchParameter,
} from './openapi-parts.ts';

const file = (description: string, type: string): Json => ({
  description,
  content: { [type]: { schema: { type: 'string' } } },
});

const cookieHeader: Json = {
  'Set-Cookie': { schema: { type: 'string' }, description: 'The session: HttpOnly, SameSite=Strict, for 12 hours.' },
};

/** The operations that came with the dashboard. */
export const dashboardDetails = {
  readPage: {
    description:
      'Says nothing about the gateway by itself. `link` opens a session, once and within a minute, and leads to the page.',
    parameters: [searchParameter('link', 'The secret of a link that `makeLink` has made.')],
    responses: {
      200: file('The page.', 'text/html'),
      303: { description: 'To the page, with the session of the link or without one.', headers: cookieHeader },
      404: problemDetails('The gateway is part of another program, and has no dashboard.'),
      503: problemDetails('The files of the dashboard are missing.'),
    },
  },
  readAsset: {
    description: 'With a hash in its name it never changes.',
    parameters: [
      { name: 'name', in: 'path', required: true, schema: { type: 'string' }, description: 'The name of the file.' },
    ],
    responses: { 200: file('The file.', 'application/octet-stream'), 404: problemDetails('There is no such file.') },
  },
  readSession: {
    description: 'Also with a token, and over the unix socket: `ends_at` is null there.',
    responses: { 200: json('Who asks.', 'Session') },
  },
  openSession: {
    description: 'For browsers, over TCP. The session has the role of the token, and ends with it.',
    requestBody: { required: true, content: { 'application/json': { schema: reference('SessionRequest') } } },
    responses: {
      200: { ...json('Logged in.', 'Session'), headers: cookieHeader },
      404: problemDetails('The gateway is part of another program, and has no dashboard.'),
      409: problemDetails('The unix socket needs no session.'),
      422: problemDetails('The body has no token.'),
    },
  },
  endSession: {
    description: 'The session ends, and its cookie is deleted.',
    responses: { 204: { description: 'Logged out.' }, 409: problemDetails('The request has no session.') },
  },
  makeLink: {
    description:
      'Needs no body. The session of the link has the role of the requester, and depends on its token. `candor dashboard` opens such a link.',
    responses: {
      200: json('The link.', 'Link'),
      404: problemDetails('The gateway is part of another program, and has no dashboard.'),
    },
  },
  followStatus: {
    description:
      'Server-sent events: `status` with the whole Status first, then at most once a second `change` with those of its members that have changed, whole. ' +
      'That ages (`since_s`, `uptime_s`, `seconds`) grow is no change. A comment every 5 s shows that the stream works. A slow reader gets the latest values when it reads on.',
    parameters: [
      {
        ...searchParameter(
          'elements',
          '`true`: of lists whose elements have an `id` (`upstreams`, …) only the elements that have changed, as an event `elements` with the same members; ' +
            'whole where elements have come, gone or moved.',
        ),
        schema: { type: 'boolean', default: false },
      },
    ],
    responses: {
      200: {
        description: 'The stream.',
        content: { 'text/event-stream': { schema: { type: 'string' }, 'x-data': [reference('Status')] } },
      },
      503: problemDetails('Too many readers follow events or the status already.'),
    },
  },
  readUsageNow: {
    description:
      'CPU time and memory come from samples of processes every 5 s; requests from what workers report. Empty where the gateway runs no application, or none has started.',
    responses: { 200: json('What they use.', 'UsageNow') },
  },
  readUsage: {
    description:
      'Minutes for a day and hours for 40 days, which outlive the process where the configuration has a state folder. Amounts of a step that goes on are those until now.',
    parameters: [
      searchParameter('since', 'As in the timeline; an hour before `until` by default.'),
      searchParameter('until', 'Now by default.'),
      searchParameter('step', '`minute` or `hour`. By default minutes for up to 6 hours of the last day, else hours.'),
      searchParameter('application', 'Only this one.'),
    ],
    responses: { 200: json('The series.', 'Usage'), 400: problemDetails('A parameter is malformed.') },
  },
  readCost: {
    description:
      'Quantities of whole hours, and their cost by `prices` of the configuration. The forecast is of the month that goes on, whatever time is asked for.',
    parameters: [
      searchParameter('since', 'As in the timeline; the beginning of the month, in UTC, by default.'),
      searchParameter('until', 'Now by default.'),
    ],
    responses: { 200: json('The costs.', 'Cost'), 400: problemDetails('A parameter is malformed.') },
  },
  readTimeline: {
    description:
      'From memory, since the gateway started: steps of 1 s for 10 minutes, of 10 s for 2 hours, of 1 minute for a day. Kept for all requests, and for the first 99 upstreams and ' +
      'routes that had one; a reload frees the places of those that it removes. Releases, reloads and the like at a time are `/v1/events?since=…&kind=…`.',
    parameters: [
      searchParameter(
        'since',
        'A time ago (2h), a time of day in UTC, the last one before now (08:30), or a date (RFC 3339); ten minutes before `until` by default.',
      ),
      searchParameter('until', 'Now by default.'),
      searchParameter(
        'step',
        'Seconds (`10s`) or minutes (`1m`): the next longer step that is kept. By default the shortest that covers the time.',
      ),
      searchParameter('upstream', 'Only requests that routes sent to this upstream.'),
      searchParameter('route', 'Only requests of this route.'),
    ],
    responses: { 200: json('The steps.', 'Timeline'), 400: problemDetails('A parameter is malformed.') },
  },
  readRouteTimelines: {
    description:
      'From the same memory, without the step that goes on, so that the last value is of a whole step. `since`, `until` and `step` are those of `/v1/timeline`.',
    parameters: [
      searchParameter('since', 'Ten minutes before `until` by default.'),
      searchParameter('until', 'Now by default.'),
      searchParameter('step', 'By default the shortest that covers the time.'),
    ],
    responses: { 200: json('The routes.', 'RouteTimelines'), 400: problemDetails('A parameter is malformed.') },
  },
  readConfiguration: {
    description:
      'The text is that of the file, with `***` in place of what the log and the status never show: tokens, passwords, variables of applications, headers of checks.',
    parameters: [
      {
        ...searchParameter('effective', '`true`: also all settings with their defaults.'),
        schema: { type: 'boolean', default: false },
      },
    ],
    responses: {
      200: json('The active configuration.', 'Configuration'),
      404: problemDetails('The gateway starts, and has not applied one yet.'),
    },
  },
  listConfigurations: {
    description:
      'Those of earlier processes too, if there is a state folder. A refused one has `errors`; a reload that is refused whatever the file says is not among them.',
    responses: { 200: json('The configurations, without their texts.', 'Configurations') },
  },
  readKeptConfiguration: {
    description: 'By its number, as in the list and in `configuration` of the events about it.',
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'Its number.' }],
    responses: {
      200: json('The configuration.', 'Configuration'),
      404: problemDetails('No configuration with this number is kept.'),
    },
  },
  explainRoute: {
    description: 'By the configuration that is active, as the routers of the workers find it. Nothing is sent.',
    parameters: [
      searchParameter('method', 'GET by default.'),
      searchParameter('url', '`https://host/path?query` of the request.'),
      searchParameter('header', 'A header of the request, `X-Beta: 1`; may be repeated.'),
      searchParameter('client', 'The address of the client, where routes ask for it.'),
      searchParameter('listener', 'The name of the listener, where routes ask for it.'),
    ],
    responses: { 200: json('The route.', 'Route'), 400: problemDetails('A parameter is malformed.') },
  },
  readAudit: {
    description:
      'Events `admin_action`, `admin_refused` and `overlay_changed`, the newest first: stored ones, or those that are still held.',
    parameters: eventParameters(),
    responses: {
      200: json('A page.', 'Events'),
      400: problemDetails('A parameter is malformed.'),
      409: problemDetails('The gateway cannot read its store now; `detail` has the reason.'),
    },
  },
} satisfies Partial<Record<OperationId, Details>>;
