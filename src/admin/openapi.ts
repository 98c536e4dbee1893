import { z } from 'zod';
import {
  drainRequestSchema,
  maintenanceRequestSchema,
  pauseRequestSchema,
  restoreRequestSchema,
  weightRequestSchema,
} from '../control/overlay-request.ts';
import { type OperationId, operations } from './operations.ts';
import {
  eventSchema,
  gapSchema,
  overlayChangeSchema,
  overlaySchema,
  problemSchema,
  readinessSchema,
  recordSchema,
  reloadSchema,
  statusSchema,
  stopSchema,
  upgradeLineSchema,
} from './schemas.ts';

type Json = { readonly [name: string]: unknown };

const schemas = {
  Status: statusSchema,
  Readiness: readinessSchema,
  Reload: reloadSchema,
  UpgradeLine: upgradeLineSchema,
  Stop: stopSchema,
  Overlay: overlaySchema,
  OverlayChange: overlayChangeSchema,
  MaintenanceRequest: maintenanceRequestSchema,
  PauseRequest: pauseRequestSchema,
  DrainRequest: drainRequestSchema,
  WeightRequest: weightRequestSchema,
  RestoreRequest: restoreRequestSchema,
  Event: eventSchema,
  Gap: gapSchema,
  ExchangeRecord: recordSchema,
  Problem: problemSchema,
};

const reference = (name: keyof typeof schemas): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (description: string, name: keyof typeof schemas): Json => ({
  description,
  content: { 'application/json': { schema: reference(name) } },
});
const problemDetails = (description: string): Json => ({
  description,
  content: { 'application/problem+json': { schema: reference('Problem') } },
});

interface Details {
  readonly description: string;
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
  readonly responses: Json;
}

/** An operation that changes the overlay: its body, and what may come of it. */
function overlayChange(description: string, request: keyof typeof schemas): Details {
  const ifMatch = {
    name: 'If-Match',
    in: 'header',
    required: false,
    schema: { type: 'string' },
    description: 'The revision of the overlay in quotes, as in `ETag`: the change is made only where it has no other.',
  };
  return {
    description: `${description} The change is in the \`overlay\` of the status, and outlives reloads and restarts.`,
    parameters: [ifMatch],
    requestBody: { required: true, content: { 'application/json': { schema: reference(request) } } },
    responses: {
      200: json('It is so now.', 'OverlayChange'),
      400: problemDetails('The body is not JSON, or `If-Match` is malformed.'),
      404: problemDetails('There is no such target, or nothing is set for it. `detail` suggests names.'),
      409: problemDetails('Not now: an upgrade is in progress, for example. `detail` says which.'),
      412: problemDetails('The overlay has another revision than `If-Match` says.'),
      413: problemDetails('The body has more than 16 KiB.'),
      422: problemDetails('The body has mistakes. Nothing was changed; `errors` lists all of them.'),
    },
  };
}

const details: Record<OperationId, Details> = {
  readStatus: {
    description: 'The state of everything, each with the reason for it.',
    responses: { 200: json('The status.', 'Status') },
  },
  readReadiness: {
    description: 'For whoever sends the gateway requests: while it drains, it still serves those that come.',
    responses: {
      200: json('It is ready.', 'Readiness'),
      503: problemDetails('It starts, drains or has stopped; `detail` says which.'),
    },
  },
  reload: {
    description: 'Needs no content. Established connections and running exchanges are not touched.',
    responses: {
      200: json('The new configuration is served.', 'Reload'),
      409: problemDetails(
        'This gateway takes no configuration, or not now: it is about to end, say. `detail` says which.',
      ),
      422: problemDetails('The new configuration has mistakes. Nothing was changed; `errors` lists all of them.'),
      500: problemDetails('The configuration may be good, and was not taken. Nothing was changed; `detail` says why.'),
    },
  },
  upgrade: {
    description:
      'Needs no content. Lines of JSON (application/x-ndjson) tell how far it has come; the last one has an `outcome`, ' +
      'and a status of 200 says only that it was begun. Then the gateway that was asked ends, and the new one answers.',
    parameters: [
      {
        name: 'timeout',
        in: 'query',
        required: false,
        schema: { type: 'integer', minimum: 1, maximum: 240, default: 60 },
        description: 'Seconds within which the new process must serve.',
      },
    ],
    responses: {
      200: {
        description: 'It was begun.',
        content: { 'application/x-ndjson': { schema: { type: 'string' }, 'x-data': [reference('UpgradeLine')] } },
      },
      400: problemDetails('`timeout` is malformed.'),
      409: problemDetails('Not now, or not this gateway. Nothing was tried.'),
    },
  },
  stop: {
    description:
      'Needs no content. The answer comes first; then `drain` of the status says what the end waits for, until nobody ' +
      'answers any more. Asked again it changes nothing, except with `now`.',
    parameters: [
      {
        name: 'now',
        in: 'query',
        required: false,
        schema: { type: 'boolean', default: false },
        description: 'true: force close what is in flight.',
      },
    ],
    responses: {
      202: json('The end has begun.', 'Stop'),
      400: problemDetails('`now` is neither true nor false.'),
      409: problemDetails('The gateway is part of another program, which ends it.'),
    },
  },
  readOverlay: {
    description: 'A closed set of changes, each with its actor and time. `ETag` is the revision.',
    responses: { 200: json('The overlay.', 'Overlay') },
  },
  maintenance: overlayChange(
    'Requests in flight finish; new ones are answered 503 with the cause `maintenance`.',
    'MaintenanceRequest',
  ),
  pause: overlayChange(
    'Requests wait until the entry is restored, and then go on. One that waits too long, or finds too many waiting, is ' +
      'answered 503 with the cause `pause_timeout` or `pause_full`.',
    'PauseRequest',
  ),
  drain: overlayChange('Drains an endpoint, also of an application.', 'DrainRequest'),
  weight: overlayChange('Every endpoint has weight 1 unless this changes it.', 'WeightRequest'),
  restore: overlayChange('Clears entries, also such as have no target any more.', 'RestoreRequest'),
  followEvents: {
    description:
      'Server-sent events. Each has the id `<epoch>-<seq>`, its kind as event name, and an Event as data. Without ' +
      'Last-Event-ID the stream begins with the oldest event that is still held. Where it cannot go on from the id, ' +
      'its first event is `gap` with a Gap as data. A comment every 15 s shows that the stream stands. A reader that ' +
      'takes nothing from one of them to the next, with something to take, is cut.',
    parameters: [
      {
        name: 'Last-Event-ID',
        in: 'header',
        required: false,
        schema: { type: 'string' },
        description: 'The last event that was read.',
      },
      {
        name: 'follow',
        in: 'query',
        required: false,
        schema: { type: 'boolean', default: true },
        description: 'false: end after the events that are held.',
      },
    ],
    responses: {
      200: {
        description: 'The stream.',
        content: {
          'text/event-stream': { schema: { type: 'string' }, 'x-data': [reference('Event'), reference('Gap')] },
        },
      },
      400: problemDetails('Last-Event-ID or `follow` is malformed.'),
      503: problemDetails('As many readers follow as are admitted.'),
    },
  },
  readExchange: {
    description: 'From memory, else from the log.',
    parameters: [
      {
        name: 'id',
        in: 'path',
        required: true,
        schema: { type: 'string' },
        description: 'The request id, as in X-Request-Id.',
      },
    ],
    responses: {
      200: json('The record.', 'ExchangeRecord'),
      404: problemDetails('No exchange with this id is known here.'),
    },
  },
  readMetrics: {
    description: 'Labels are bounded: names from the configuration, and words from closed lists.',
    responses: {
      200: { description: 'Prometheus text format.', content: { 'text/plain': { schema: { type: 'string' } } } },
    },
  },
  readDescription: {
    description: 'OpenAPI 3.1.',
    responses: {
      200: { description: 'This document.', content: { 'application/json': { schema: { type: 'object' } } } },
    },
  },
};

/** Before any operation is looked at. */
const refusals: Json = {
  401: {
    ...problemDetails('Over TCP: no token, or none that the gateway knows.'),
    headers: { 'WWW-Authenticate': { schema: { type: 'string' }, description: 'Bearer.' } },
  },
  403: problemDetails('A browser sent it for a page of another origin.'),
  415: problemDetails('It has content that is not application/json.'),
  421: problemDetails('It was asked by a name that is not ours.'),
  429: problemDetails('Too many wrong tokens came from the same address.'),
};

/** The admin API, described (OpenAPI 3.1.1). */
export function openApi(version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { id, method, path, summary } of operations) {
    const { description, parameters, requestBody, responses } = details[id];
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = {
      operationId: id,
      summary,
      description,
      ...(parameters === undefined ? {} : { parameters }),
      ...(requestBody === undefined ? {} : { requestBody }),
      responses: { ...responses, ...refusals, default: problemDetails('Anything else that is wrong.') },
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Candor admin API',
      version,
      description:
        'HTTP on a unix socket that only the user who runs the gateway may open, and over TCP for whoever has a token. ' +
        'GET changes nothing.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ token: [] }, {}],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Over TCP. The unix socket needs none.' },
      },
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, jsonSchema(schema)])),
    },
  };
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
  return rest;
}
