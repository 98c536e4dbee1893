import * as z from 'zod';
import { instancesMax, weightMax } from '../core/overlay.ts';
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
  retry_after_s: z.int().min(1).max(retryAfterMaxS).optional().describe('The Retry-After header. Absent: 300.'),
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
      const { route = null, message = null, retry_after_s: retryAfterS = null } = read as Read<'maintenance'>;
      return { kind, route, message, retryAfterS };
    }
    case 'pause': {
      const { target, wait_ms: waitMs = null, waiters_max: waitersMax = null } = read as Read<'pause'>;
      return { kind, target, waitMs, waitersMax };
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

/** What a change is asked for, as the operator names it; null: all routes or entries. */
export function requestedTargetOf(change: OverlayChange): string | null {
  if (change.kind === 'maintenance') return change.route;
  if (change.kind === 'restore') return change.what;
  if (change.kind === 'scale' || change.kind === 'stop') return change.application;
  return change.kind === 'pause' ? change.target : change.endpoint;
}
