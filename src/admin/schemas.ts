import * as z from 'zod';
import { otlpDropReasons, otlpSignals } from '../core/otlp-counts.ts';
import { endpointStates } from '../core/endpoint.ts';
import type { EventJson } from '../core/event-json.ts';
import type { SnakeCased } from '../core/json-case.ts';
import { suspectKinds } from '../core/live-incident.ts';
import { type AttemptRecord, type ExchangeRecord, recordVersion } from '../core/record.ts';
import { circuitStates } from '../core/route-breaker.ts';
import { deliveries, shapes, whoses } from '../core/shape.ts';
import { verdictStates } from '../core/service-verdict.ts';
import { gatewayStateSchema } from './gateway-state-schema.ts';
import { alertTargetSchema, objectiveSchema } from './alert-schemas.ts';
import { processFiguresSchema } from './output-schemas.ts';
import type { StatusResponse } from './admin-status.ts';
import type { IncidentStatus } from '../control/incident-status.ts';
import type { ReloadOutcome } from '../control/gateway-status.ts';
import type { OverlayJson } from './overlay-api.ts';
import type { EventGap } from './event-stream.ts';
import type { ProblemDetails } from './problem.ts';
import type { StopResponse } from './stopper.ts';
import type { UpgradeLine } from './upgrader.ts';

/**
 * Schemas of the responses of the admin API. The OpenAPI file is made from them, and the tests check every response
 * against them. Unknown keys are allowed: readers of the API must ignore them.
 */

const text = z.string();
const time = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC.');
const nullableText = z.string().nullable();
const count = z.int().min(0);

const verdictSchema = z.object({
  state: z.enum(verdictStates),
  reason: text.describe('One clause.'),
});

const endpointState = z.enum(endpointStates);

const waiting = z.object({
  for: z
    .enum(['endpoint', 'connection', 'turn'])
    .describe('`endpoint`: until one is ready; `connection`: until one is free; `turn`: because of `concurrency`.'),
  count,
  oldest_ms: z.number().min(0).describe('For how long the one has waited that has waited longest.'),
});

const minuteFigures = z.object({
  seconds: z.number().describe('Seconds that the figures cover: 55 to 60 after the first minute.'),
  requests: count,
  requests_per_s: z.number().min(0),
  errors: count.describe('Failed responses: any 5xx, and truncated ones. A client that left is not an error.'),
  error_share: z.number().min(0).max(1).nullable().describe('Null without requests.'),
  p50_ms: z.number().nullable().describe('Median duration of an exchange, without tunnels; within 17 %.'),
  p99_ms: z.number().nullable(),
});

const overlayEntry = z.object({
  id: text.describe('Such as `drain:api/10.0.0.1:3000`; restoring it clears the entry.'),
  kind: z.enum(['maintenance', 'pause', 'weight', 'drain', 'eject']),
  target: nullableText.describe('A route, an upstream or an endpoint; null: all routes.'),
  values: z.record(text, z.union([text, z.number()])).describe('Settings of the entry, by kind.'),
  reason: text.describe('The effect of the entry, one clause.'),
  matched: z.boolean().describe('false: the configuration has no such target, and the entry has no effect.'),
  revision: count.describe('The revision of the overlay that made the entry.'),
  at: text.describe('ISO 8601.'),
  actor: text,
});

export const overlaySchema = z.object({
  revision: count.describe('Grows with each change.'),
  persisted: z.boolean().describe('Whether the entries are on disk, where a later process finds them.'),
  memory_reason: nullableText.describe('Why the entries are not on disk; null if they are.'),
  entries: z.array(overlayEntry),
});

export const overlayChangeSchema = z.object({
  changed: z.boolean().describe('false: the overlay already had these entries.'),
  affected: z.array(text).describe('Ids of the entries that were set or cleared.'),
  warnings: z.array(text).describe('What the operator should know, one sentence each.'),
  overlay: overlaySchema,
});

const certificate = z.object({
  names: z.array(text),
  not_after: text,
  not_before: nullableText.describe('Null where it is not known, as below.'),
  issuer: nullableText.describe('Who issued it, or `self-signed`.'),
});

const suspectSchema = z.object({
  name: z.enum(suspectKinds),
  fit: z.number().describe('How well the facts fit, from 0 to 1. It is no probability.'),
  sentence: text,
  evidence: z.array(text),
  next_step: text,
});

export const incidentSchema = z.object({
  id: count.describe('Grows by one; it begins with 1 again only without a state folder.'),
  key: text.describe('Unique also across runs of the process.'),
  title: text.describe('A few words: what fails.'),
  reason: text.describe('What fails, how much of it, and what has probably caused it.'),
  upstream: text.describe('Empty: several (`upstreams`), or before one was chosen.'),
  upstreams: z.array(z.object({ upstream: text, failed: count })),
  cause: nullableText.describe('The commonest of the failures that began; null: 5xx of the application itself.'),
  shape: z.enum(shapes),
  whose: z.enum(whoses),
  started_at: text,
  opened_at: text.describe('When the gateway had seen enough failures.'),
  last_at: text.describe('Of the last failure.'),
  resolved_at: nullableText.describe('Null while it goes on.'),
  requests: count.describe('Of the upstream, since it started.'),
  failed: count,
  attempts_failed: count.describe('More than `failed` where other attempts have answered.'),
  requests_per_s_before: z.number().nullable().describe('In the minutes before; null: not known.'),
  requests_per_s_during: z.number(),
  causes: z.array(z.object({ cause: text, count, is_consequence: z.boolean() })),
  routes: z.array(z.object({ route: text, failed: count })),
  endpoints: z.array(z.object({ endpoint: text, attempts: count, failed: count })),
  suspects: z.array(suspectSchema).describe('What has probably caused it, the likeliest first; empty: not known.'),
  joined: count.nullable().describe('The incident that it turned out to be part of; null: of none.'),
  additions: z
    .array(
      z.object({
        since: text,
        reason: text,
        routes: z.array(text),
        endpoints: z.array(text),
        suspects: z.array(suspectSchema),
      }),
    )
    .describe('Routes or endpoints that had worked while it went on, and then began to fail as well.'),
  interrupted: z.boolean().describe('The process ended while it went on; `resolved_at` is when the next one found it.'),
  findings: z
    .array(text)
    .describe(
      'What the gateway found when it looked at once: a direct request, the newest failure, processes, the machine, changes before.',
    ),
});

export const statusSchema = z.object({
  deployment: text,
  member: text,
  version: text,
  pid: count,
  epoch: text.describe('Identifies the run of the process. Event ids begin with it.'),
  generation: count
    .nullable()
    .describe('Number of this owner of the state folder: the previous owner plus one; null if it owns no folder.'),
  started_at: time,
  uptime_s: z.number().min(0),
  revision: count,
  content_hash: text,
  source: nullableText.describe('Path of the configuration file; null for `candor run`.'),
  state: z.enum(['starting', 'serving', 'draining', 'stopped']),
  drain: z
    .object({
      phase: z.enum(['lame_duck', 'draining', 'force_closing', 'drained']),
      left_ms: z.number().describe('Time until the phase ends in any case.'),
      exchanges: count.describe('Active requests, without tunnels.'),
      tunnels: count,
      connections: count,
    })
    .nullable()
    .describe('What the shutdown waits for; null before it begins.'),
  incidents: z.array(incidentSchema).describe('Incidents that go on.'),
  verdict: verdictSchema.describe(
    'Whether requests are served well: `ok` only while at most 1 % of them have failed in the last 5 s.',
  ),
  problems: z
    .array(
      z.object({
        kind: z.enum([
          'workers_missing',
          'configuration_refused',
          'worker_sheds',
          'descriptors_scarce',
          'clients_refused',
          'log_failing',
          'store_failing',
          'otlp_failing',
          'replacement_failing',
          'alerts_failing',
          'disk_nearly_full',
        ]),
        since_s: z.number().min(0),
        reason: text.describe('One sentence.'),
        next_step: text.describe('What to do or look at next.'),
      }),
    )
    .describe('Current problems of the gateway itself, worst first.'),
  overlay: z
    .object({ revision: count, persisted: z.boolean(), memory_reason: nullableText, entries: z.array(overlayEntry) })
    .describe('Changes of operators at run time: they win over the file until they are cleared.'),
  last_minute: minuteFigures.describe('Of all requests, in the last minute.'),
  listeners: z.array(
    z.object({
      id: text,
      address: text,
      state: z.enum(['waiting', 'open', 'closed', 'failed']),
      certificates: z.array(certificate),
    }),
  ),
  admin: z
    .object({
      socket: nullableText,
      url: nullableText.describe('Null: not over TCP.'),
      certificate: certificate.nullable().describe('What it shows there; null in clear text.'),
    })
    .describe('Where the admin API answers.'),
  certificates: z
    .array(
      z.object({
        name: text,
        state: z.enum(['pending', 'valid', 'expired']),
        not_after: time.nullable(),
        renew_at: time.nullable().describe('When it will be renewed.'),
        failure: z
          .object({ reason: text, next_step: text, at: time, retry_at: time })
          .nullable()
          .describe('The last attempt, if it has failed.'),
        progress: z
          .object({
            step: z.enum(['queued', 'other_process', 'account', 'order', 'challenge', 'validation', 'finalize']),
            authority: nullableText.describe('URL of the directory of the CA; null before one is asked.'),
            name: nullableText.describe('Whose challenge it is; null at other steps.'),
            challenge: z.enum(['http-01', 'tls-alpn-01', 'dns-01']).nullable(),
            since: time.describe('When the step began.'),
          })
          .nullable()
          .describe(
            'What the order in progress, or the one that is due, waits for; null: nothing is to be ordered now.',
          ),
      }),
    )
    .describe('Those that the gateway obtains by itself.'),
  upstreams: z.array(
    z.object({
      id: text,
      application: nullableText,
      verdict: verdictSchema,
      last_minute: minuteFigures.describe('Of the requests that routes sent here, in the last minute.'),
      waiting: z
        .array(waiting)
        .describe('Requests that wait until an endpoint is ready, or for a connection to one; empty if none does.'),
      endpoints: z.array(
        z.object({
          id: text,
          address: text,
          state: endpointState,
          reason: text.describe('Why it is in that state, one sentence.'),
          since_s: z.number(),
          weight: z.number().describe('Its share of new requests relative to the other endpoints.'),
          connections: count.describe('In all workers, including idle ones.'),
          connections_max: count.describe('`connections.max` of its upstream.'),
          idle: count.describe('How many of the connections are idle.'),
          in_flight: count
            .nullable()
            .describe(
              'Requests in flight, or connections that are not idle; null: not known, over HTTP/2 without a bound.',
            ),
          last_minute: z
            .object({
              answered: count.describe('Attempts with a complete response.'),
              failed: count.describe('Attempts without one, by a failure that counts against its health.'),
              mean_ms: z
                .number()
                .min(0)
                .nullable()
                .describe('From the start of an attempt to the head of its response.'),
              p50_ms: z.number().min(0).nullable().describe('Of the last 40 to 60 s; within a quarter of the value.'),
              p99_ms: z.number().min(0).nullable(),
            })
            .describe('Attempts in the last minute.'),
          last_check: z
            .object({
              at: time,
              duration_ms: z.number().min(0),
              passed: z.boolean(),
              reason: text.describe('What it observed.'),
              request: nullableText.describe('The request line; null: it only connects.'),
              status: count.nullable(),
              body: nullableText.describe('At most 200 bytes, as far as the check reads it.'),
            })
            .nullable()
            .describe('What the last check has sent and got; null for instances of applications.'),
          waiting: count.describe('Requests that wait for a connection, in all workers.'),
          release: nullableText,
          certificate: certificate
            .nullable()
            .describe('What it has shown in its latest TLS handshake; null before the first, and without TLS.'),
        }),
      ),
    }),
  ),
  objectives: z
    .array(objectiveSchema)
    .describe('Objectives of routes (`slo`), and how fast their error budgets are used up.'),
  alerts: z.array(alertTargetSchema).describe('Who is told of incidents and the like.'),
  store: z
    .object({
      path: text,
      lost: count.describe(
        'Records, events, lines of applications and notes about their processes that were to be stored and were lost, since the start.',
      ),
    })
    .nullable()
    .describe(
      'The store of exchanges and events; null without one. While it fails there is a problem `store_failing`.',
    ),
  log_files: z
    .array(
      z.object({
        owner: text.describe('The application or the upstream.'),
        path: text,
        state: z.enum(['following', 'absent', 'unreadable']),
        reason: text.describe('Why it is not followed; empty while it is.'),
        skipped_bytes: count.describe('Bytes that were not read because the file grew too fast.'),
      }),
    )
    .describe('Logs that applications write (`logs`), which are read for the store.'),
  otlp: z
    .object({
      endpoint: text,
      signals: z.array(
        z.object({
          signal: z.enum(otlpSignals),
          exported: count.describe('Spans, log records or data points that the collector has taken, since the start.'),
          failed_requests: count.describe('Requests to the collector without an answer, or with another than success.'),
          dropped: z.array(z.object({ reason: z.enum(otlpDropReasons), count })),
        }),
      ),
    })
    .nullable()
    .describe('The OTLP collector; null without one. While it takes nothing there is a problem `otlp_failing`.'),
  timeouts: z
    .array(
      z.object({
        route: text,
        kind: z.enum(['never_fires', 'cuts_ordinary', 'longer_than_needed']),
        limit_ms: z.number().min(0).describe('`timeouts.response_head` of the route.'),
        advised_ms: z.number().min(0).describe('What it should be.'),
        reason: text.describe('One sentence, with the evidence.'),
        next_step: text.describe('The setting.'),
      }),
    )
    .describe('Timeouts of routes that do not fit the stored exchanges.'),
  bounds: z
    .array(
      z.object({
        kind: z.enum(['route', 'upstream']),
        id: text,
        requests: count.describe('In flight, in all workers.'),
        limit: count.nullable().describe('How many there may be; null: it adapts, and there was no request yet.'),
        adaptive: z.boolean().describe('Whether the bound adapts to the latency of the requests.'),
        waiting: z.array(waiting).describe('Requests that wait for their turn; empty if none does.'),
      }),
    )
    .describe('Bounds of requests in flight (`concurrency`).'),
  breakers: z
    .array(
      z.object({
        route: text,
        upstream: text,
        state: z.enum(circuitStates),
        reason: text.describe('Why it is not closed; empty where it is.'),
        since_s: count,
        retry_after_s: count.nullable().describe('When it becomes half-open; null where it is not open.'),
      }),
    )
    .describe('Circuit breakers of routes (`circuit_breaker`).'),
  applications: z.array(
    z.object({
      id: text,
      command: z.array(text),
      instances: z.array(
        z.object({
          id: text,
          pid: count.nullable(),
          port: count,
          phase: z.enum(['starting', 'ready', 'failing', 'backing_off', 'stopping', 'stopped']),
          reason: text,
          restarts: count,
          usage: processFiguresSchema
            .nullable()
            .describe('What its process used some seconds ago; null: not known, or none runs.'),
          earlier_command: z
            .array(text)
            .nullable()
            .describe('Its command, if an earlier configuration started it and a new instance will replace it.'),
          exposed_at: nullableText.describe('Address at which clients can bypass the gateway; null if there is none.'),
          last_lines: z.array(text),
        }),
      ),
    }),
  ),
  workers: z.array(
    z.object({
      id: count,
      state: z.enum(['starting', 'serving', 'retiring', 'lost']),
      revision: count,
      exchanges_active: count,
      client_connections: count,
    }),
  ),
});

export const readinessSchema = z.object({ ready: z.literal(true), state: z.literal('serving') });

export const reloadSchema = z.object({
  ok: z.literal(true),
  revision: count,
  changed: z.array(text).describe('Names of the changed routes, upstreams, applications and listeners.'),
  overlay: z.array(text).describe('Entries of the overlay that win over the file, one sentence each.'),
  admin_certificate: nullableText.describe(
    'In PEM: what the admin API shows over TCP from now on; null in clear text.',
  ),
});

export const eventSchema = z.object({
  epoch: text,
  seq: z.int().min(1),
  at: time,
  kind: text,
  member: text,
  worker: count.nullable(),
  revision: count,
  release: nullableText,
  subject: text,
  from: nullableText,
  to: nullableText,
  reason: text,
  evidence: z.object({}),
  actor: text,
});

const timedOut = z
  .boolean()
  .describe(
    'The search ended because its 200 ms were over, before the page was full: with `cursor` or `end` it goes on.',
  );

/** A page of the events of a time. */
export const eventsSchema = z.object({
  events: z.array(eventSchema),
  cursor: nullableText.describe('Where the next page begins; null if there is none.'),
  timed_out: timedOut,
});

export const gapSchema = z.object({
  reason: z.enum(['not_held', 'another_epoch']),
  missed: count.describe('Events of this epoch that are no longer held. Events of earlier epochs are gone.'),
  epoch: text.describe('The epoch of the events that follow.'),
});

const shape = z.enum(shapes);

const attemptSchema = z.object({
  endpoint: text,
  address: text,
  state: text,
  address_stale: z
    .literal(true)
    .optional()
    .describe('true: the last known address of a name whose lookup has failed since.'),
  protocol: z
    .literal('HTTP/2')
    .optional()
    .describe('Of the connection to the endpoint; absent: HTTP/1.1, or no connection.'),
  reused: z.boolean(),
  idle_ms: z.number().nullable(),
  local_port: count.nullable(),
  started_ms: z.number().describe('Milliseconds since the exchange began, like the stages after it.'),
  queued_ms: z
    .number()
    .optional()
    .describe('When a connection became free; absent if the attempt did not wait for one.'),
  dns_ms: z.number().nullable(),
  connected_ms: z.number().nullable(),
  tls_ms: z.number().nullable(),
  sent_ms: z.number().nullable(),
  head_ms: z.number().nullable(),
  ended_ms: z.number(),
  status: count.nullable(),
  cause: nullableText,
  stage: nullableText,
  evidence: z.looseObject({}).nullable(),
  exit: z
    .looseObject({
      code: z.int().nullable(),
      signal: nullableText,
      oom: z.boolean(),
      before_ms: z.number(),
      last_line: nullableText,
      after_answer_ms: z.number().optional(),
    })
    .nullable(),
  retry: z.boolean(),
  retry_reason: text,
});

export const recordSchema = z.object({
  v: z.literal(recordVersion),
  kind: z.enum(['exchange', 'tunnel']),
  id: text,
  trace_id: nullableText,
  at: time.describe('When the first byte of the request came: ISO 8601, UTC.'),
  process: nullableText.describe('The key of the gateway process in the log.'),
  deployment: nullableText,
  member: nullableText,
  process_started_at: time.nullable(),
  worker: count,
  revision: count,
  route: nullableText,
  upstream: nullableText,
  application: nullableText,
  release: nullableText,
  arm: nullableText,
  weight: z.number().nullable(),
  client: z.object({ address: text, port: count, peer: text, protocol: text }),
  tls: z.object({ version: text, sni: nullableText, cipher: nullableText }).nullable(),
  method: text,
  scheme: z.enum(['http', 'https']),
  host: text,
  path: text,
  query: nullableText,
  headers: z.record(text, text).optional().describe('The request headers that `log.headers` names.'),
  filter_ms: z
    .number()
    .optional()
    .describe('How long filters of the route suspended the request in total; absent if none did.'),
  body_ms: z
    .number()
    .optional()
    .describe('How long the request waited for its body before it got a connection; absent if it did not.'),
  waited_ms: z
    .number()
    .optional()
    .describe('How long the request has waited until an endpoint was ready; absent if it has not.'),
  session: z
    .enum(['new', 'moved'])
    .optional()
    .describe('Whether a sticky session began or moved to this endpoint; absent: neither.'),
  turn_ms: z
    .number()
    .optional()
    .describe('How long the request has waited for its turn (`concurrency`); absent if it has not, or less than 1 ms.'),
  attempts: z.array(attemptSchema),
  status: count.nullable(),
  received_status: count.nullable(),
  grpc_status: z.int().min(-1).nullable().describe('Of a gRPC response; -1: it came without one.'),
  shape,
  type: nullableText.describe('RFC 9209 §2.3.'),
  cause: nullableText,
  whose: z.enum(whoses).nullable(),
  stage: nullableText,
  detail: nullableText,
  evidence: z
    .looseObject({})
    .optional()
    .describe('The evidence of the cause; absent without one, and where the last attempt has it.'),
  delivery: z.enum(deliveries),
  end: z.enum(['forwarded', 'generated', 'truncated', 'abandoned']),
  bytes_in: count,
  bytes_out: count,
  duration_ms: z.number(),
  tunnel: z
    .object({
      protocol: text,
      how: z.enum(['closed', 'unclosed', 'reset', 'exit', 'drained', 'idle', 'failed']),
      by: z.enum(['client', 'application', 'gateway']),
      close_code: count.nullable().describe('Code of the first close frame (RFC 6455 §7.4).'),
    })
    .optional()
    .describe('Only for a tunnel: how it ended, and which side ended it.'),
  gateway_state: gatewayStateSchema
    .optional()
    .describe('What the gateway knew when the exchange ended; absent from successes.'),
});

/** One line of the answer to `upgrade`. */
export const upgradeLineSchema = z.union([
  z.object({ step: z.enum(['starting', 'reading_configuration', 'listening', 'ready', 'draining']), pid: count }),
  z.object({ outcome: z.literal('done'), pid: count.describe('Pid of the process that serves now.') }),
  z.object({
    outcome: z.literal('failed'),
    kind: z.enum(['refused', 'failure', 'validation_failed', 'timeout', 'stopping']),
    reason: text,
    errors: z.array(text),
  }),
]);

export const stopSchema = z.object({
  stopping: z.literal(true),
  pid: count.describe('Pid of the process that ends.'),
});

export const problemSchema = z.object({
  type: text,
  title: text,
  status: count,
  detail: text,
  errors: z.array(text).optional(),
});

export const incidentsSchema = z.object({ incidents: z.array(incidentSchema) });

/** A page of a search. */
export const exchangesSchema = z.object({
  exchanges: z.array(
    recordSchema.extend({
      stands_for: count.describe(
        'Of a success: itself, and those of its route that were not stored since the last one.',
      ),
    }),
  ),
  cursor: nullableText.describe('Where the next page begins; null if there is none.'),
  end: text.describe('For a later search with `after`: what was stored until now.'),
  timed_out: timedOut,
});

/** The type that each schema describes. If a type gets a key that its schema lacks or contradicts, this no longer compiles. */
type Fits<T extends U, U> = T;
export type CheckedStatus = Fits<SnakeCased<StatusResponse>, DeepReadonly<z.infer<typeof statusSchema>>>;
export type CheckedIncident = Fits<SnakeCased<IncidentStatus>, DeepReadonly<z.infer<typeof incidentSchema>>>;
export type CheckedReload = Fits<
  Extract<ReloadOutcome, { ok: true }> & { readonly admin_certificate: string | null },
  DeepReadonly<z.infer<typeof reloadSchema>>
>;
export type CheckedUpgradeLine = Fits<UpgradeLine, DeepReadonly<z.infer<typeof upgradeLineSchema>>>;
export type CheckedStop = Fits<StopResponse, DeepReadonly<z.infer<typeof stopSchema>>>;
export type CheckedEvent = Fits<
  Omit<EventJson, 'evidence'>,
  DeepReadonly<Omit<z.infer<typeof eventSchema>, 'evidence'>>
>;
export type CheckedProblem = Fits<ProblemDetails, DeepReadonly<z.infer<typeof problemSchema>>>;
export type CheckedOverlay = Fits<OverlayJson, DeepReadonly<z.infer<typeof overlaySchema>>>;
export type CheckedGap = Fits<EventGap, DeepReadonly<z.infer<typeof gapSchema>>>;
export type CheckedRecord = Fits<ExchangeRecord, DeepReadonly<z.infer<typeof recordSchema>>>;
export type CheckedRecordKeys = Fits<SameKeys<ExchangeRecord, z.infer<typeof recordSchema>>, true>;
export type CheckedAttemptKeys = Fits<SameKeys<AttemptRecord, z.infer<typeof attemptSchema>>, true>;

/** Whether both have the same keys, and the same of them are optional. */
type SameKeys<T, U> = KeyKinds<T> extends KeyKinds<U> ? (KeyKinds<U> extends KeyKinds<T> ? true : false) : false;
type KeyKinds<T> = { [K in keyof T]-?: Partial<Pick<T, K>> extends Pick<T, K> ? 'optional' : 'required' };

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
