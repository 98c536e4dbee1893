import * as z from 'zod';
import { groupKeys } from '../core/exchange-groups.ts';
import { type OperationId, operations } from './operations.ts';
import { dashboardDetails } from './openapi-dashboard.ts';
import {
  type Details,
  eventParameters,
  type Json,
  json,
  problemDetails,
  reference,
  schemas,
  searchParameter,
} from './openapi-parts.ts';

/** Of an operation about an incident. */
const secretsResponses: Details['responses'] = {
  200: json('What was changed, by name.', 'SecretsChange'),
  400: problemDetails('The body is not JSON.'),
  409: problemDetails('The secrets cannot be read or written now, for example during an upgrade; `detail` says why.'),
  413: problemDetails('The body has more than 1 MiB.'),
  422: problemDetails('The body, a name or a value is none; `detail` has no value.'),
};

const markResponses: Details['responses'] = {
  200: json('The incident, as it is now.', 'Incident'),
  400: problemDetails('The body is not JSON.'),
  404: problemDetails('No incident has this number.'),
  409: problemDetails(
    'It is over, or no change is possible now, for example during an upgrade. `detail` has the reason.',
  ),
  413: problemDetails('The body has more than 16 KiB.'),
  422: problemDetails('The body has errors, or the time is past or more than 7 days ahead. `detail` says which.'),
};

/** An operation that begins, changes or ends a rollout. */
function rolloutOperation(description: string, request: keyof typeof schemas): Details {
  return {
    description,
    requestBody: { required: true, content: { 'application/json': { schema: reference(request) } } },
    responses: {
      202: json('The rollout, which goes on by itself; `GET /v1/releases` shows how far it is.', 'Rollout'),
      400: problemDetails('The body is not JSON.'),
      409: problemDetails(
        'It is not possible, or not now. Nothing was changed; `detail` has the reason and what to do.',
      ),
      413: problemDetails('The body has more than 16 KiB.'),
      422: problemDetails('The body has errors; `detail` says which.'),
    },
  };
}

/** An operation that changes the overlay: its body, and its possible responses. */
function overlayChange(description: string, request: keyof typeof schemas): Details {
  const ifMatch = {
    name: 'If-Match',
    in: 'header',
    required: false,
    schema: { type: 'string' },
    description:
      'The revision of the overlay in quotes, as in `ETag`: the change is made only if the overlay has this revision.',
  };
  return {
    description: `${description} The change is in the \`overlay\` of the status, and outlives reloads and restarts.`,
    parameters: [ifMatch],
    requestBody: { required: true, content: { 'application/json': { schema: reference(request) } } },
    responses: {
      200: json('The overlay has the change.', 'OverlayChange'),
      400: problemDetails('The body is not JSON, or `If-Match` is malformed.'),
      404: problemDetails('There is no such target, or it has no entry. `detail` suggests names.'),
      409: problemDetails('No change is possible now, for example during an upgrade. `detail` has the reason.'),
      412: problemDetails('The overlay has another revision than `If-Match` says.'),
      413: problemDetails('The body has more than 16 KiB.'),
      422: problemDetails('The body has errors. Nothing was changed; `errors` lists all of them.'),
    },
  };
}

const deployment = rolloutOperation(
  'Copies the files, starts instances of them, and gives them requests once all are ready. Needs the admin socket, or a token with the role `deploy`. The response comes when the files are copied, and built where `releases.build` says so; until then `making` of `GET /v1/releases` says how far that is.',
  'DeployRequest',
);

const deployOperation: Details = {
  ...deployment,
  responses: {
    200: json('Of a request with `dry_run`: what would be released. Nothing was changed.', 'ReleasePlan'),
    ...deployment.responses,
  },
};

const details: Record<OperationId, Details> = {
  ...dashboardDetails,
  readStatus: {
    description: 'The state of listeners, upstreams, applications and workers, each with its reason.',
    responses: { 200: json('The status.', 'Status') },
  },
  readReadiness: {
    description: 'For load balancers before the gateway. While it drains, it still serves requests.',
    responses: {
      200: json('The gateway is ready.', 'Readiness'),
      503: problemDetails('The gateway starts, drains or has stopped; `detail` says which.'),
    },
  },
  reload: {
    description: 'Needs no body. Connections and requests in flight are not affected.',
    responses: {
      200: json('The new configuration is active.', 'Reload'),
      409: problemDetails(
        'This gateway cannot reload, or not now, for example because it is stopping. `detail` has the reason.',
      ),
      422: problemDetails('The new configuration has errors. Nothing was changed; `errors` lists all of them.'),
      500: problemDetails(
        'The configuration is valid, but could not be applied. Nothing was changed; `detail` has the reason.',
      ),
    },
  },
  upgrade: {
    description:
      'Needs no body. The response has a line of JSON (application/x-ndjson) for each step; the last line has an `outcome`, ' +
      'and the status 200 says only that the upgrade has begun. After success the old process ends, and the new one answers.',
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
        description: 'The upgrade has begun.',
        content: { 'application/x-ndjson': { schema: { type: 'string' }, 'x-data': [reference('UpgradeLine')] } },
      },
      400: problemDetails('`timeout` is malformed.'),
      409: problemDetails('No upgrade is possible now, or for this gateway. Nothing was tried.'),
    },
  },
  stop: {
    description:
      'Needs no body. The response comes first; then `drain` of the status shows what the shutdown waits for, until the gateway ' +
      'no longer answers. A second request changes nothing, except with `now`.',
    parameters: [
      {
        name: 'now',
        in: 'query',
        required: false,
        schema: { type: 'boolean', default: false },
        description: 'true: force close requests in flight.',
      },
    ],
    responses: {
      202: json('The shutdown has begun.', 'Stop'),
      400: problemDetails('`now` is neither true nor false.'),
      409: problemDetails('The gateway is part of another program, and only that program can stop it.'),
    },
  },
  readOverlay: {
    description: 'The entries, each with its actor and time. `ETag` is the revision.',
    responses: { 200: json('The overlay.', 'Overlay') },
  },
  maintenance: overlayChange(
    'Requests in flight finish; new requests are answered 503 with the cause `maintenance`.',
    'MaintenanceRequest',
  ),
  pause: overlayChange(
    'Requests wait until the entry is cleared, and then continue. A request that waits too long, or finds too many waiting, is ' +
      'answered 503 with the cause `pause_timeout` or `pause_full`.',
    'PauseRequest',
  ),
  drain: overlayChange('Drains an endpoint; it may belong to an application.', 'DrainRequest'),
  eject: overlayChange(
    'Ejects an endpoint, as outlier detection does. The last one of an upstream that is ready needs `force`, else 409.',
    'EjectRequest',
  ),
  scaleApplication: overlayChange(
    'Sets how many instances of an application, or of a worker, run side by side, in place of the number in the configuration.',
    'ScaleRequest',
  ),
  stopApplication: overlayChange(
    'Drains and stops the instances of an application and of its workers, or of one worker. Restoring the entry starts them again.',
    'StopRequest',
  ),
  weight: overlayChange('Sets the weight of an endpoint, which is 1 by default.', 'WeightRequest'),
  restore: overlayChange('Clears entries, including those whose target no longer exists.', 'RestoreRequest'),
  followEvents: {
    description:
      'Server-sent events. Each has the id `<epoch>-<seq>`, its kind as event name, and an Event as data. Without ' +
      'Last-Event-ID the stream begins with the oldest event that is still held. If it cannot continue after that id, ' +
      'its first event is `gap` with a Gap as data. A comment every 15 s shows that the stream works. The connection ' +
      'of a reader that accepts no bytes from one comment to the next is closed. With `since`, `until`, `limit`, `cursor` or `kind` the answer ' +
      'is one page of the events of a time, the newest first: those that are stored, also of earlier runs; without a store those that ' +
      'are still held.',
    parameters: [
      {
        name: 'Last-Event-ID',
        in: 'header',
        required: false,
        schema: { type: 'string' },
        description: 'The id of the last event that the reader has.',
      },
      {
        name: 'follow',
        in: 'query',
        required: false,
        schema: { type: 'boolean', default: true },
        description: 'false: end after the events that are held.',
      },
      ...eventParameters(),
      searchParameter('kind', 'Only events of these kinds, with commas between them.'),
    ],
    responses: {
      200: {
        description: 'The stream, or a page.',
        content: {
          'application/json': { schema: reference('Events') },
          'text/event-stream': { schema: { type: 'string' }, 'x-data': [reference('Event'), reference('Gap')] },
        },
      },
      400: problemDetails('Last-Event-ID or a parameter is malformed.'),
      409: problemDetails('The gateway cannot read its store now; `detail` has the reason.'),
      503: problemDetails('Too many readers follow events already.'),
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
      404: problemDetails('No exchange has this id, in memory or in the log.'),
    },
  },
  listReleases: {
    description: 'Of each application that the gateway runs: its releases, and its rollouts with their verdicts.',
    responses: { 200: json('All applications.', 'Releases') },
  },
  readReleaseLog: {
    description:
      'Its last 512 KiB, without secrets. The logs of the last 20 builds are kept, also of those that failed.',
    parameters: [
      { name: 'application', in: 'query', required: true, schema: { type: 'string' }, description: 'Its name.' },
      {
        name: 'release',
        in: 'query',
        required: true,
        schema: { type: 'string' },
        description: 'Its name or number; the number also of one whose build has failed.',
      },
    ],
    responses: { 200: json('The log.', 'ReleaseLog'), 404: problemDetails('There is none.') },
  },
  deploy: deployOperation,
  promoteRelease: rolloutOperation(
    'The rest of its steps is left out; once it has all requests, the time for which it is watched.',
    'RolloutRequest',
  ),
  abortRollout: rolloutOperation('The release before gets all requests again.', 'RolloutRequest'),
  rollBack: rolloutOperation(
    'At once where that release is warm, else when its instances are ready. While a release is being rolled out and `to` is absent, that is ended.',
    'RolloutRequest',
  ),
  listJobs: {
    description: 'Those of the active configuration, each with its last 20 runs.',
    parameters: [searchParameter('job', 'Only the job with this name, such as shop.report.')],
    responses: { 200: json('The jobs.', 'Jobs'), 404: problemDetails('There is no such job.') },
  },
  runJob: {
    description:
      'The response has a line of JSON (application/x-ndjson) for each line that the run prints; the last line has the kind `ended`. A ' +
      'requester that leaves does not end the run.',
    requestBody: { required: true, content: { 'application/json': { schema: reference('JobRunRequest') } } },
    responses: {
      200: {
        description: 'The run has begun.',
        content: { 'application/x-ndjson': { schema: { type: 'string' }, 'x-data': [reference('JobRunLine')] } },
      },
      400: problemDetails('The body is not JSON.'),
      404: problemDetails('There is no such job. `detail` has the names.'),
      409: problemDetails(
        'It runs already, its run cannot be claimed, or no change is possible now. `detail` has the reason.',
      ),
      413: problemDetails('The body has more than 16 KiB.'),
      422: problemDetails('The body has errors; `detail` says which.'),
    },
  },
  listIncidents: {
    description: 'Those that go on, then resolved ones (the last 200), each the latest first.',
    responses: { 200: json('All incidents.', 'Incidents') },
  },
  readIncident: {
    description: 'With its evidence, and what to do.',
    parameters: [
      {
        name: 'id',
        in: 'path',
        required: true,
        schema: { type: 'string' },
        description: 'Its number.',
      },
    ],
    responses: { 200: json('The incident.', 'Incident'), 404: problemDetails('No incident has this number.') },
  },
  acknowledgeIncident: {
    description: 'The incident names who and why. Messages about it are sent as before.',
    requestBody: { required: true, content: { 'application/json': { schema: reference('AcknowledgeRequest') } } },
    responses: markResponses,
  },
  muteIncident: {
    description:
      'No message about it is sent until then, except of its end; what would have been sent last is sent then. It outlives reloads, restarts and upgrades. Another incident is told of.',
    requestBody: { required: true, content: { 'application/json': { schema: reference('MuteRequest') } } },
    responses: markResponses,
  },
  listAlerts: {
    description: 'Empty where the configuration names no target. URLs and keys of targets are not shown.',
    responses: { 200: json('The targets.', 'Alerts') },
  },
  testAlerts: {
    description:
      'Needs no body. Sends a message at once, past the queue, whatever kinds the target is configured for, and waits for its answer: up to 10 s.',
    parameters: [searchParameter('target', 'The id of a target. Absent: all.')],
    responses: {
      200: json('What each target made of it, accepted or not.', 'AlertTests'),
      404: problemDetails('There is no such target. `detail` names those that there are.'),
      409: problemDetails('The configuration has no targets.'),
    },
  },
  searchExchanges: {
    description:
      'What the gateway has stored (`store` in the configuration), by a query such as `status:5xx route:api since:1h heap`. A page may ' +
      'have fewer exchanges than `limit`, or none, and still a `cursor`: a search answers after 200 ms with what it has found.',
    parameters: [
      searchParameter('query', 'Conditions and words, all of which must hold; empty: all exchanges.'),
      {
        ...searchParameter('limit', 'The most exchanges.'),
        schema: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
      },
      searchParameter('cursor', '`cursor` of the page before: older exchanges.'),
      searchParameter('after', '`end` of an earlier page: exchanges that were stored since, the oldest first.'),
    ],
    responses: {
      200: json('Exchanges, and where the next page begins.', 'Exchanges'),
      400: problemDetails('The query or another parameter cannot be read; `detail` says what is wrong, and where.'),
      409: problemDetails('The gateway has no store, or cannot read it now; `detail` has the reason.'),
    },
  },
  groupExchanges: {
    description:
      'The newest exchanges that match, counted where they are stored, in some 200 ms: up to 20,000. `complete` says whether they are all. A success counts for those like it that were not stored.',
    parameters: [
      searchParameter('query', 'As of `searchExchanges`.'),
      {
        ...searchParameter('by', 'What they are counted by.'),
        required: true,
        schema: { type: 'string', enum: groupKeys },
      },
    ],
    responses: {
      200: json('The largest groups, at most 50.', 'ExchangeGroups'),
      400: problemDetails('The query or another parameter cannot be read; `detail` says what is wrong, and where.'),
      409: problemDetails('The gateway has no store, or cannot read it now; `detail` has the reason.'),
    },
  },
  listSecrets: {
    description: 'No value of a secret ever stands in an answer.',
    responses: {
      200: json('All secrets that the gateway keeps, and those that programs need and that are not there.', 'Secrets'),
      409: problemDetails('The secrets cannot be read; `detail` says why, and what to do.'),
    },
  },
  setSecrets: {
    description:
      'Sets all of `values`, or none. Of each application whose programs get one of them, new instances take the place of the old ones, which are drained and stopped when the new ones are ready. Needs the admin socket, or a token with the role `deploy`.',
    requestBody: { required: true, content: { 'application/json': { schema: reference('SetSecretsRequest') } } },
    responses: secretsResponses,
  },
  removeSecret: {
    description: 'Programs that need the secret are replaced, too, and cannot start without it: remove its use first.',
    requestBody: { required: true, content: { 'application/json': { schema: reference('RemoveSecretRequest') } } },
    responses: { ...secretsResponses, 404: problemDetails('There is no such secret.') },
  },
  rotateSecretsKey: {
    description: 'The values stay, and no program is started again.',
    responses: {
      200: json('All secrets are encrypted with the new key.', 'SecretsChange'),
      409: problemDetails('The secrets cannot be read or written now; `detail` says why, and what to do.'),
    },
  },
  restartInstance: {
    description:
      'The new instance starts beside the old one, which is drained and stopped when the new one is ready. Where the application has a fixed port, the old one ends first.',
    requestBody: { required: true, content: { 'application/json': { schema: reference('RestartRequest') } } },
    responses: {
      202: json('The restart has begun; the status shows how far it is.', 'Restart'),
      400: problemDetails('The body is not JSON.'),
      404: problemDetails('There is no such instance, or it ends already.'),
      409: problemDetails('No change is possible now, for example during an upgrade. `detail` has the reason.'),
      413: problemDetails('The body has more than 16 KiB.'),
      422: problemDetails('The body names no instance.'),
    },
  },
  searchOutput: {
    description:
      'Lines of applications that the gateway has started, by the same queries. A condition that only exchanges have, such as `status:5xx`, ' +
      'finds no line; `id:` and `trace:` find lines that contain the id.',
    parameters: [
      searchParameter('query', 'Conditions and words, all of which must hold; empty: all lines.'),
      {
        ...searchParameter('limit', 'The most lines.'),
        schema: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
      },
      searchParameter('cursor', '`cursor` of the page before: older lines.'),
      searchParameter('after', '`end` of an earlier page: lines that were stored since, the oldest first.'),
    ],
    responses: {
      200: json('Lines, and where the next page begins.', 'Output'),
      400: problemDetails('The query or another parameter cannot be read; `detail` says what is wrong, and where.'),
      409: problemDetails('The gateway has no store, or cannot read it now; `detail` has the reason.'),
    },
  },
  readContext: {
    description: 'Empty without a store.',
    parameters: [
      { name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'The id of the exchange.' },
    ],
    responses: {
      200: json('Lines of applications.', 'RequestContext'),
      404: problemDetails('No exchange has this id.'),
    },
  },
  readUnparsed: {
    description:
      'They are kept for seven days, in the store alone, and shown to operators alone. Empty without a store.',
    parameters: [
      { name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'The id of the exchange.' },
    ],
    responses: {
      200: json('At most 512 bytes of each attempt.', 'Unparsed'),
      404: problemDetails('No exchange has this id.'),
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

/** Responses of the authorization, before any operation. */
const refusals: Json = {
  401: {
    ...problemDetails('Over TCP: the token is missing or not valid.'),
    headers: { 'WWW-Authenticate': { schema: { type: 'string' }, description: 'Bearer.' } },
  },
  403: problemDetails('A browser sent the request for a page of another origin, or the role does not allow it.'),
  415: problemDetails('The body is not application/json.'),
  421: problemDetails('The host name is not one of the admin API.'),
  429: problemDetails(
    'Too many wrong tokens came from the same address, or too many searches of the same requester wait; `detail` says which.',
  ),
};

/** The OpenAPI 3.1.1 description of the admin API. */
export function openApi(version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const { id, method, path, summary } = operation;
    const access = 'access' in operation ? operation.access : null;
    const { description, parameters, requestBody, responses } = details[id];
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = {
      operationId: id,
      summary,
      description,
      ...(parameters === undefined ? {} : { parameters }),
      ...(requestBody === undefined ? {} : { requestBody }),
      ...(access === 'open' ? { security: [{}] } : {}),
      responses: { ...responses, ...refusals, default: problemDetails('Any other problem.') },
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Candor admin API',
      version,
      description:
        'HTTP on a unix socket that only the user who runs the gateway may open, and over TCP for requesters with a token. ' +
        'GET changes nothing.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ token: [] }, { session: [] }, {}],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Over TCP. The unix socket needs none.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'candor-session-<port>',
          description:
            'Of a browser that has logged in; over TLS the name begins with `__Host-`. Changes need `Origin` too.',
        },
      },
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, jsonSchema(schema)])),
    },
  };
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
  return rest;
}
