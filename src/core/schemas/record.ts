import * as z from 'zod';
import type { Cause, Evidence } from '#failures/failure.ts';
import type { SnakeCased } from '#failures/json-case.ts';
import type { ProxyErrorType } from '#failures/proxy-error.ts';
import type { Stage } from '#failures/stage.ts';
import { armNames } from '../endpoint-release.ts';
import type { RetryReason } from '../exchange.ts';
import { recordVersion } from '../record.ts';
import { groupKeys } from '../exchange-groups.ts';
import type { Described } from './inferred.ts';
import { deliveries, shapes, whoses } from '#failures/shape.ts';
import { gatewayStateSchema } from './gateway-state.ts';
import { count, nullableText, storeFailing, text, time, timedOut, typed } from './values.ts';

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
  cause: typed<Cause | null>(nullableText),
  stage: typed<Stage | null>(nullableText),
  evidence: typed<SnakeCased<Evidence[Cause]> | null>(z.looseObject({}).nullable()),
  exit: z
    .object({
      code: z.int().nullable(),
      signal: nullableText,
      oom: z.boolean(),
      before_ms: z.number(),
      last_line: nullableText,
      stopped: z
        .object({ replaced_by: nullableText.describe('The instance that had replaced it.') })
        .optional()
        .describe('Candor stopped it; absent: it ended otherwise.'),
      after_answer_ms: z.number().optional(),
    })
    .nullable(),
  retry: z.boolean(),
  retry_reason: typed<RetryReason>(text),
  release: text.optional().describe('The release that the endpoint runs; absent: that of the exchange, or none.'),
  surplus_bytes: count.optional().describe('Bytes that came with the end of the response, behind it; absent: none.'),
  stderr: z
    .array(text)
    .optional()
    .describe('The first lines that the application wrote to STDERR of FastCGI meanwhile, redacted; absent: none.'),
  bytes_to_endpoint: count
    .optional()
    .describe("Bytes of the request's body that the connection took; absent: none, or the only attempt of a success."),
  bytes_from_endpoint: count.optional().describe("Bytes of the response's body that came; absent: as above."),
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
  client: z.object({ address: text, port: count, peer: text, protocol: text }),
  tls: z.object({ version: text, sni: nullableText, cipher: nullableText }).nullable(),
  method: text,
  scheme: z.enum(['http', 'https']),
  host: text,
  path: text,
  query: nullableText,
  headers: z.record(text, text).optional().describe('The request headers that `log.headers` names.'),
  fields: z.record(text, text).optional().describe('The values that `log.fields` of the route names.'),
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
  user: text.optional().describe('Who has authenticated at the gateway; absent: nobody has.'),
  page_replaced: z
    .literal(true)
    .optional()
    .describe(
      'The client got one of `error_pages` in place of the body that the application sent; absent: it did not.',
    ),
  drawn_upstream: text
    .optional()
    .describe('The upstream that a route that divides its requests has drawn, where another one got this request.'),
  turn_ms: z
    .number()
    .optional()
    .describe(
      'How long the request has waited for its turn (`concurrency`, or because its address has flooded the gateway); absent if it has not, or less than 1 ms.',
    ),
  release: text.optional().describe('The release of the application that the last endpoint runs; absent without one.'),
  arm: z
    .enum(armNames)
    .optional()
    .describe('Which of two releases that was, the old or the new one; absent while only one runs.'),
  weight: z
    .number()
    .optional()
    .describe(
      'The share of the requests that this release was to get; absent as above, and for a canary of chosen requests.',
    ),
  attempts: z.array(attemptSchema),
  status: count.nullable(),
  received_status: count.nullable(),
  grpc_status: z.int().min(-1).nullable().describe('Of a gRPC response; -1: it came without one.'),
  shape,
  type: typed<ProxyErrorType | null>(nullableText.describe('RFC 9209 §2.3.')),
  cause: typed<Cause | null>(nullableText),
  whose: z.enum(whoses).nullable(),
  stage: typed<Stage | null>(nullableText),
  detail: nullableText,
  evidence: typed<SnakeCased<Evidence[Cause]>>(z.looseObject({}))
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
  unlogged: count
    .optional()
    .describe(
      'How many successes of its route the log has not, since the last record of one (`log.sample` of the route); absent: none.',
    ),
});

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
  store_failing: storeFailing,
});

/** What a search finds, counted by one of its values. */
export const exchangeGroupsSchema = z.object({
  by: z.enum(groupKeys),
  groups: z
    .array(z.object({ value: text.describe('Empty: they have none.'), count, failed: count }))
    .describe('The largest first, at most 50.'),
  counted: count.describe('Requests.'),
  complete: z.boolean().describe('Whether they are all that match; otherwise the newest.'),
  store_failing: storeFailing,
});

export type ExchangeGroupsJson = Described<typeof exchangeGroupsSchema>;

/**
 * The record of an exchange, with all its keys. Its line in the log leaves out keys that have their default value
 * (`record-defaults.ts`): `record/write-record.ts` writes it, `record/parse-record.ts` reads it.
 */
export type ExchangeRecord = Described<typeof recordSchema>;

export type AttemptRecord = Described<typeof attemptSchema>;
