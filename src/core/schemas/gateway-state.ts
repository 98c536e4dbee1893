import * as z from 'zod';
import type { Described } from './inferred.ts';
import { circuitStates } from '../gateway-state.ts';

const count = z.int().min(0);

const endpointCondition = z.object({
  endpoint: z.string(),
  state: z.string(),
  since_ms: count.describe('For how long it had been in that state.'),
  reason: z.string(),
  refusing: z.literal(true).optional().describe('It refused the last connection, a moment ago.'),
  open: count.describe('Connections of all workers, those that were being opened included.'),
  idle: count.describe('How many of them were idle.'),
  waiting: count.describe('Requests that waited for one.'),
  open_max: count,
  long_lived: count
    .optional()
    .describe('Connections besides these, with tunnels and responses that are streams; absent: none.'),
  long_lived_max: count.optional(),
  in_flight: count.optional().describe('Only where `connections.requests_max` bounds them.'),
  in_flight_max: count.optional(),
});

const queueState = z.object({
  queue: z.string().describe('Such as `route /api` or `upstream app`.'),
  for: z.enum(['endpoint', 'connection', 'turn']),
  waiting: count,
  in_flight: count.optional(),
  in_flight_max: count.optional(),
});

/** What the gateway knew when an exchange failed: a member of its record. */
export const gatewayStateSchema = z.object({
  configuration: z.string().nullable().describe('Hash of the configuration that served the request.'),
  endpoints_ready: count.optional(),
  endpoints_total: count.optional(),
  endpoints: z
    .array(endpointCondition)
    .optional()
    .describe(
      'Those of the last attempts. Without an attempt, or where all of them have gone: the first of the upstream.',
    ),
  breaker: z
    .object({ state: z.enum(circuitStates), reason: z.string().nullable() })
    .optional()
    .describe('The circuit breaker of the route; absent: it has none.'),
  queues: z.array(queueState).optional(),
});

export type GatewayState = Described<typeof gatewayStateSchema>;
export type EndpointCondition = Described<typeof endpointCondition>;
export type QueueState = Described<typeof queueState>;
