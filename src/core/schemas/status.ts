import * as z from 'zod';
import { notInForceSchema, rolloutSchema } from './releases.ts';
import type { Named } from './inferred.ts';
import { endpointStates } from '../endpoint.ts';
import { otlpDropReasons, otlpSignals } from '../otlp-counts.ts';
import { problemKindNames } from '../problem-kinds.ts';
import { circuitStates } from '../gateway-state.ts';
import { verdictStates } from '../service-verdict.ts';
import { alertTargetSchema, objectiveSchema } from './alerts.ts';
import { incidentSchema } from './incidents.ts';
import { processFiguresSchema } from './output.ts';
import { overlayEntry } from './overlay.ts';
import { count, nullableText, text, time } from './values.ts';

const verdictSchema = z.object({
  state: z.enum(verdictStates),
  reason: text.describe('One clause.'),
});

const endpointState = z.enum(endpointStates);

const waiting = z.object({
  for: z
    .enum(['endpoint', 'connection', 'turn', 'response'])
    .describe(
      '`endpoint`: until one is ready; `connection`: until one is free; `turn`: because of `concurrency`; `response`: they have been sent, and no response has begun.',
    ),
  count,
  oldest_ms: z.number().min(0).describe('For how long the one has waited that has waited longest.'),
});

const minuteFigures = z.object({
  seconds: z.number().describe('Seconds that the figures cover: 55 to 60 after the first minute.'),
  requests: count.describe('All that have ended, also those that their clients left before they were answered.'),
  requests_per_s: z.number().min(0),
  recent_per_s: z.number().min(0).describe('The same in the last 5 to 10 s.'),
  abandoned: count.describe('Of the requests: their clients left before they had the whole response.'),
  errors: count.describe(
    'Failed responses: any 5xx, gRPC statuses of a server’s failure, and truncated ones. A client that left is not an error.',
  ),
  error_share: z.number().min(0).max(1).nullable().describe('Null without requests.'),
  p50_ms: z
    .number()
    .nullable()
    .describe(
      'Median duration of an exchange, within 17 %; without tunnels and long-lived responses: those whose body went on for more than 5 s after the head.',
    ),
  p99_ms: z.number().nullable().describe('Never more than the longest duration of that time.'),
});

const certificate = z.object({
  names: z.array(text),
  not_after: text,
  not_before: nullableText.describe('Null where it is not known, as below.'),
  issuer: nullableText.describe('Who issued it, or `self-signed`.'),
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
  edited: z
    .boolean()
    .optional()
    .describe('Whether the file of the configuration has another text than the one that was applied.'),
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
        kind: z.enum(problemKindNames),
        since_s: z.number().min(0),
        reason: text.describe('One sentence.'),
        next_step: text.describe('What to do or look at next.'),
        application: text
          .optional()
          .describe(
            'Whose new instances are not ready, whose instances end again and again, or who prints too fast; absent: it is a problem of the gateway itself, or of an upstream.',
          ),
        upstream: text.optional().describe('Of which no endpoint is available; absent: it is another problem.'),
      }),
    )
    .describe(
      'Current problems of the gateway itself, of upstreams without an available endpoint, of new instances that do not replace old ones, and of instances that end again and again, worst first.',
    ),
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
        .describe(
          'Requests that wait until an endpoint is ready, or for a connection to one; and those that wait for a response, where one has waited for more than a second and longer than `p99_ms`. Empty if none does.',
        ),
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
          long_lived: count.describe(
            'Connections besides these, with a tunnel (WebSocket) or a response that is a stream.',
          ),
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
          certificate: certificate
            .nullable()
            .describe('What it has shown in its latest TLS handshake; null before the first, and without TLS.'),
        }),
      ),
    }),
  ),
  routes: z
    .array(
      z.object({
        id: text.describe('Empty: requests that matched no route.'),
        upstream: nullableText.describe('Of several the one that gets the most requests; null: it answers by itself.'),
        last_minute: minuteFigures,
      }),
    )
    .describe(
      'In the order of the configuration; of more than 200 those with the most errors, then the most requests in the last minute.',
    ),
  objectives: z
    .array(objectiveSchema)
    .describe('Objectives of routes (`slo`), and how fast their error budgets are used up.'),
  dependencies: z
    .array(
      z.object({
        name: text,
        kind: z.enum(['postgres', 'mysql', 'redis', 'http', 'tcp']),
        address: text.describe('Its URL, without what may be secret.'),
        state: z.enum(['unknown', 'up', 'degraded', 'down']),
        reason: text.describe('What the last check has seen, one clause that begins with a verb.'),
        next_step: nullableText.describe('Null while it is up, and before the first check.'),
        since_s: count,
        check_ms: z.number().min(0).nullable().describe('How long the last check took; null before the first.'),
        dependents: z.array(text).describe('Applications that depend on it (`depends_on`).'),
      }),
    )
    .describe('What applications depend on (`dependencies`), as the checks of the gateway see it.'),
  resources: z
    .array(
      z.object({
        application: text,
        holdings: z.array(
          z.object({
            setting: z.enum(['memory', 'cpu', 'processes', 'descriptors', 'nice', 'io', 'user', 'isolation']),
            value: text.describe('As it is set.'),
            by: nullableText.describe('By what it is held; null: it is not.'),
            remark: nullableText.describe('Why it is not held, or what is not covered.'),
            fix: nullableText.describe('What would hold it.'),
            is_refused: z.boolean().describe('No process is started without it.'),
          }),
        ),
      }),
    )
    .describe('Applications with `limits`, a `user` or `isolation`, and by what these are held on this machine.'),
  alerts: z.array(alertTargetSchema).describe('Who is told of incidents and the like.'),
  store: z
    .object({
      path: text,
      lost: count.describe(
        'Records, events, lines of applications and notes about their processes that were to be stored and were lost, since the start.',
      ),
      left_out: z
        .array(
          z.object({
            application: text,
            lines: count.describe('Since the start; they are not among `lost`.'),
            since: text.describe('Since when it prints too fast, or did last.'),
            last_at: text.describe('When the last of these lines came.'),
          }),
        )
        .describe('Applications that have printed too fast, so that lines of them were not stored.'),
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
          last_rejection: z
            .object({ message: text, at: text })
            .nullable()
            .describe('When the collector has last rejected a part of a request, and its words; null: never.'),
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
        advised_ms: z.number().min(0).nullable().describe('What it should be; null: not known.'),
        reason: text.describe('One sentence, with the evidence.'),
        next_step: text.describe('The setting.'),
      }),
    )
    .describe(
      'Timeouts of routes that do not fit the stored exchanges of well hours. Empty while an incident is open, and for an hour afterwards.',
    ),
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
  access: z
    .array(
      z.object({
        route: text,
        dry_run: z.boolean().describe('Requests that would be refused pass.'),
        refused: z
          .array(z.object({ rule: text.describe('The key of `access`.'), count }))
          .describe('By rule, the most first, since the start.'),
      }),
    )
    .describe('Routes with `access`.'),
  signed_links: z
    .array(
      z.object({
        route: text,
        admitted: count.describe('Requests with a valid link, since the start.'),
        refused: z.array(z.object({ fault: text.describe('What was wrong.'), count })).describe('The most first.'),
      }),
    )
    .describe('Routes with `signed_links`.'),
  maintenance_windows: z
    .array(
      z.object({
        route: text,
        closed: z.boolean().describe('A window is in force.'),
        begins: text.nullable().describe('When that window has begun, or the next one begins; null: none comes.'),
        ends: text.nullable(),
      }),
    )
    .describe('Routes with `maintenance_windows`.'),
  authentication: z
    .array(
      z.object({
        route: text,
        schemes: z.array(text).describe('How its clients may authenticate, any of them.'),
        admitted: count.describe('Requests that have passed, since the start.'),
        refused: z
          .array(z.object({ scheme: text, fault: text.describe('What was wrong; `missing`: no credentials.'), count }))
          .describe('Credentials that were not accepted, the most first.'),
        keys: z
          .array(
            z.object({
              scheme: text,
              count: count.describe('How many keys are known.'),
              age_s: z
                .number()
                .nullable()
                .describe('How old they are in the worker with the oldest ones. Null: it has none.'),
              fault: text.nullable().describe('Why the issuer could not be asked for them again. Null: it could.'),
            }),
          )
          .describe('Public keys that the route has from an issuer.'),
      }),
    )
    .describe('Routes with `authentication`.'),
  rate_limits: z
    .array(
      z.object({
        kind: z.enum(['route', 'upstream', 'application', 'file']),
        id: text,
        name: text,
        by: text.describe('What it counts by.'),
        rate: nullableText.describe('As it is written; null: it bounds requests at once alone.'),
        burst: count,
        at_once: count.nullable(),
        dry_run: z.boolean().describe('Whether it only counts what it would refuse.'),
        admitted: count.describe('Requests, since the start of the process.'),
        refused: count,
        would_refuse: count,
        top_keys: z
          .array(z.object({ key: text, count }))
          .describe(
            'Keys with the most refusals of the last two minutes. Values of headers and cookies are not shown.',
          ),
      }),
    )
    .describe(
      'Limits of requests by client (`rate_limits`). One at the top of the file stands with each route that has it.',
    ),
  rate_table: z
    .object({
      entries: count,
      evicted: count.describe('Keys that made room for others before their use was refilled.'),
      untracked: count.describe(
        'Requests of keys that found no room, because all others had used more of their limits.',
      ),
    })
    .nullable()
    .describe('The memory in which all workers count them; null: no limit has been in force.'),
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
      of: text.optional().describe('Of a worker: its application. A worker listens on no port.'),
      command: z.array(text).describe('Empty: it is removed, or has workers and jobs alone.'),
      answered_by: text
        .optional()
        .describe('What answers its requests in place of instances, such as `files`; absent: nothing does.'),
      wanted: count.optional().describe('How many instances are to run; operators may have changed it.'),
      releases: z
        .object({ in_force: text, rollout: rolloutSchema.nullable(), not_in_force: notInForceSchema })
        .nullable()
        .optional()
        .describe('The release in force, and what is being rolled out; null or absent: it was never deployed.'),
      instances: z.array(
        z.object({
          id: text,
          pid: count.nullable(),
          port: count,
          phase: z.enum(['starting', 'ready', 'failing', 'backing_off', 'stopping', 'stopped']),
          reason: text,
          restarts: count,
          late: z.boolean().describe('It starts, and `readiness.start_timeout` is over.'),
          usage: processFiguresSchema
            .nullable()
            .describe('What its process used some seconds ago; null: not known, or none runs.'),
          earlier_command: z
            .array(text)
            .nullable()
            .describe('Its command, if an earlier configuration started it and a new instance will replace it.'),
          release: nullableText.describe(
            'What its variables say of the release (`RELEASE`, `APP_VERSION`, `GIT_SHA` and the like); null: nothing.',
          ),
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

/** A gateway's status, as its admin API gives it. */
export type StatusResponse = Named<typeof statusSchema>;

/** The same as the control plane says it: it does not know where its admin API answers. */
export type GatewayStatus = Omit<StatusResponse, 'admin'>;

export type CertificateStatus = Named<typeof certificate>;
export type StatusProblem = GatewayStatus['problems'][number];
export type OverlayStatus = GatewayStatus['overlay'];
export type UpstreamStatus = GatewayStatus['upstreams'][number];
export type RouteStatus = GatewayStatus['routes'][number];
export type WaitingStatus = Named<typeof waiting>;
export type OtlpStatus = NonNullable<GatewayStatus['otlp']>;
export type TimeoutStatus = GatewayStatus['timeouts'][number];
export type StoreStatus = NonNullable<GatewayStatus['store']>;
export type TailedFileStatus = GatewayStatus['logFiles'][number];
export type EndpointStatus = UpstreamStatus['endpoints'][number];
export type ApplicationStatus = GatewayStatus['applications'][number];
export type InstanceStatus = ApplicationStatus['instances'][number];
export type MinuteFigures = Named<typeof minuteFigures>;
export type EndpointFigures = EndpointStatus['lastMinute'];
export type ServiceVerdict = Named<typeof verdictSchema>;
export type AdminStatus = StatusResponse['admin'];
