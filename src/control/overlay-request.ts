import * as z from 'zod';
import { instancesMax, weightMax } from '../core/overlay.ts';
import { parseNetwork } from '../schema/format/network.ts';
import { reasonSchema } from '../core/schemas/order-reason.ts';
import {
  type OverlayChange,
  pauseWaitersDefault,
  pauseWaitersMax,
  pauseWaitMsDefault,
  pauseWaitMsMax,
} from './overlay-change.ts';
import { requestErrors } from './request-errors.ts';

/** Schemas of the request bodies that change the overlay. Operations validate with them, and the OpenAPI file is made from them. */

const name = z.string().min(1).max(1024);
/** A day. Longer maintenance is announced elsewhere. */
const retryAfterMaxS = 86_400;

const time = z.iso.datetime({ offset: true });
const network = z.string().refine((text) => parseNetwork(text).ok, 'a network such as 10.0.0.0/8, or an address');

export const maintenanceRequestSchema = z.strictObject({
  route: name
    .optional()
    .describe(
      'The id of a route, or the name of an upstream or application for the routes that lead to it now; `upstream:<id>` if a route has that id too. Absent: all routes except those that report readiness.',
    ),
  message: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('The message for clients. Absent: the default of the key `maintenance`.'),
  retry_after_s: z
    .int()
    .min(1)
    .max(retryAfterMaxS)
    .optional()
    .describe(
      'The Retry-After header. Absent: 300; with `until` it is the time until then, and this key has no effect.',
    ),
  host: z
    .string()
    .regex(/^[A-Za-z0-9._\-[\]:]{1,255}$/)
    .optional()
    .describe('Requests for this host alone, on all routes, without a port. Not beside `route`.'),
  since: time.optional().describe('When it begins, RFC 3339 with a time zone, 14 days ahead at most. Absent: at once.'),
  until: time.optional().describe('When it ends, likewise. Absent: when it is restored.'),
  allow: z.array(network).max(64).optional().describe('Networks and addresses of clients that are served as usual.'),
  pass_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe(
      'The SHA-256 of a token, in hexadecimal digits. Requests that show the token, in the header `Candor-Pass` or the cookie `candor-pass`, are served as usual.',
    ),
});

export const pauseRequestSchema = z.strictObject({
  target: name.describe('The id of a route or an upstream; `route:<id>` or `upstream:<id>` if both have that id.'),
  wait_ms: z
    .int()
    .min(100)
    .max(pauseWaitMsMax)
    .optional()
    .describe(`How long a request waits at most. Absent: ${pauseWaitMsDefault}.`),
  waiters_max: z
    .int()
    .min(1)
    .max(pauseWaitersMax)
    .optional()
    .describe(`How many requests wait at most. Absent: ${pauseWaitersDefault}.`),
  until: time.optional().describe('When it ends, RFC 3339 with a time zone. Absent: when it is restored.'),
});

const endpoint = name.describe('The id of an endpoint, or its address or instance if only one endpoint has it.');

export const weightRequestSchema = z.strictObject({
  endpoint,
  weight: z.int().min(0).max(weightMax).describe('0: no new requests while another endpoint can be chosen.'),
});

export const drainRequestSchema = z.strictObject({ endpoint });

/** A week. What is out for longer should not be in the configuration. */
const ejectMaxS = 7 * 86_400;

export const ejectRequestSchema = z.strictObject({
  endpoint,
  seconds: z
    .int()
    .min(1)
    .max(ejectMaxS)
    .optional()
    .describe('After this time it gets requests again. Absent: not before it is restored.'),
  reason: reasonSchema(1024).optional().describe('Why, one clause; shown wherever the entry is.'),
  force: z
    .boolean()
    .optional()
    .describe('Also if no other endpoint of its upstream is ready. It then goes on getting requests.'),
});

const application = name.describe('An application, such as `shop`, or a worker of one, such as `shop.mail`.');

export const scaleRequestSchema = z.strictObject({
  application,
  instances: z.int().min(1).max(instancesMax).describe('How many instances of it run side by side.'),
});

export const stopRequestSchema = z.strictObject({ application });

export const restoreRequestSchema = z.strictObject({
  what: name
    .optional()
    .describe(
      'The id of an entry, a kind, or a route, upstream, endpoint or application that entries name, or whose routes they name. Absent: all entries.',
    ),
});

const overlayRequestSchemas = {
  maintenance: maintenanceRequestSchema,
  pause: pauseRequestSchema,
  weight: weightRequestSchema,
  drain: drainRequestSchema,
  eject: ejectRequestSchema,
  scale: scaleRequestSchema,
  stop: stopRequestSchema,
  restore: restoreRequestSchema,
} as const;

export type OverlayRequestKind = keyof typeof overlayRequestSchemas;

type OverlayRequest =
  | { readonly ok: true; readonly change: OverlayChange }
  /** One sentence each. */
  | { readonly ok: false; readonly errors: readonly string[] };

export function readOverlayRequest(kind: OverlayRequestKind, body: unknown): OverlayRequest {
  const schema = overlayRequestSchemas[kind];
  const read = schema.safeParse(body, { reportInput: true });
  if (read.success) return { ok: true, change: changeOf(kind, read.data) };
  return { ok: false, errors: requestErrors(read.error, Object.keys(schema.shape)) };
}

type Read<K extends OverlayRequestKind> = z.infer<(typeof overlayRequestSchemas)[K]>;

function changeOf(kind: OverlayRequestKind, read: unknown): OverlayChange {
  switch (kind) {
    case 'maintenance': {
      const { route = null, message = null, retry_after_s: retryAfterS = null, ...rest } = read as Read<'maintenance'>;
      const { host, since, until, allow, pass_sha256: pass } = rest;
      return {
        ...{ kind, route, message, retryAfterS },
        ...(host === undefined ? {} : { host }),
        ...(since === undefined ? {} : { since: utc(since) }),
        ...(until === undefined ? {} : { until: utc(until) }),
        ...(allow === undefined ? {} : { allow: allow.map(networkOf) }),
        ...(pass === undefined ? {} : { pass }),
      };
    }
    case 'pause': {
      const { target, wait_ms: waitMs = null, waiters_max: waitersMax = null, until } = read as Read<'pause'>;
      return { kind, target, waitMs, waitersMax, ...(until === undefined ? {} : { until: utc(until) }) };
    }
    case 'weight':
      return { kind, ...(read as Read<'weight'>) };
    case 'drain':
      return { kind, ...(read as Read<'drain'>) };
    case 'scale':
      return { kind, ...(read as Read<'scale'>) };
    case 'stop':
      return { kind, ...(read as Read<'stop'>) };
    case 'eject': {
      const { endpoint, seconds, reason = '', force = false } = read as Read<'eject'>;
      return { kind, endpoint, durationMs: seconds === undefined ? null : seconds * 1000, why: reason, force };
    }
    case 'restore':
      return { kind, what: (read as Read<'restore'>).what ?? null };
  }
}

const utc = (time: string): string => new Date(time).toISOString();

function networkOf(text: string): string {
  const network = parseNetwork(text);
  return network.ok ? network.value : text;
}

/** What a change is asked for, as the operator names it; null: all routes or entries. */
export function requestedTargetOf(change: OverlayChange): string | null {
  if (change.kind === 'maintenance') return change.host === undefined ? change.route : `host:${change.host}`;
  if (change.kind === 'restore') return change.what;
  if (change.kind === 'scale' || change.kind === 'stop') return change.application;
  return change.kind === 'pause' ? change.target : change.endpoint;
}
