import type { Cause } from '#failures/failure.ts';
import type { ScenarioStep, ScenarioUpstream } from '../play-scenario.ts';

// What happens beside requests, with the subjects, states and evidence that docs/events.md describes.

/** `endpoints` endpoints, `rate` requests each second, half of them within `medianMs`, 99 of 100 within `p99Ms`. */
export const upstream = (
  endpoints: number,
  rate: number,
  medianMs: number,
  p99Ms: number,
  more: Partial<ScenarioUpstream> = {},
): ScenarioUpstream => ({ endpoints, rate, medianMs, p99Ms, ...more });

export const applied = (at: number, ...changed: string[]): ScenarioStep => ({
  at,
  event: {
    kind: 'configuration_applied',
    subject: 'gateway',
    actor: 'signal:SIGHUP',
    reason: 'Every worker serves the new configuration.',
    evidence: { contentHash: `5f${at}c0`, source: 'candor.yaml', changed, configuration: 12 },
  },
});

const pidOf = (instance: string, at: number): number => 20_000 + Math.floor(at) * 10 + Number(instance.split('/')[1]);

export const started = (at: number, instance: string): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_started',
    subject: `instance:${instance}`,
    to: 'starting',
    reason: `started as process ${pidOf(instance, at)}, told to listen on port 40101`,
    evidence: { pid: pidOf(instance, at), port: 40_101, command: 'node server.js' },
  },
});

const ready = (at: number, instance: string, afterS: number): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_ready',
    subject: `instance:${instance}`,
    from: 'starting',
    to: 'ready',
    reason: 'answered 200',
    evidence: { port: 40_101, passes: 2, afterMs: afterS * 1000 },
  },
});

interface Exit {
  readonly code?: number;
  readonly signal?: string;
  readonly outOfMemory?: boolean;
  readonly ranS: number;
  readonly output?: readonly string[];
}

const exitEvent = (at: number, instance: string, exit: Exit, from: string, to: string): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_exited',
    subject: `instance:${instance}`,
    from,
    to,
    reason: exit.signal === undefined ? `The process exited with ${exit.code}.` : `It was killed by ${exit.signal}.`,
    evidence: {
      pid: pidOf(instance, at),
      code: exit.code ?? null,
      signal: exit.signal ?? null,
      outOfMemory: exit.outOfMemory ?? false,
      afterMs: exit.ranS * 1000,
      output: exit.output ?? [],
    },
  },
});

/** The process ends without having been asked to, and is started again later. */
export const exited = (at: number, instance: string, exit: Exit, again?: { afterS: number; readyS: number }) => [
  exitEvent(at, instance, exit, 'ready', 'backing_off'),
  ...(again === undefined
    ? []
    : [started(at + again.afterS, instance), ready(at + again.afterS + again.readyS, instance, again.readyS)]),
];

/** An old instance is drained and stopped. */
export const stopped = (at: number, instance: string): ScenarioStep =>
  exitEvent(at, instance, { signal: 'SIGTERM', ranS: 90_000 }, 'draining', 'stopped');

/**
 * New instances start beside the old ones, one after the other; each old one is stopped when its successor is ready. The new ones have the
 * numbers of the endpoints, since these are what fails afterwards.
 */
export const release = (
  at: number,
  application: string,
  instances: number,
  { eachS = 4, configuration = true } = {},
): ScenarioStep[] => [
  ...(configuration ? [applied(at, `applications: ${application}`)] : []),
  ...Array.from({ length: instances }, (_, index) => {
    const begin = at + 0.2 + index * eachS;
    return [
      started(begin, `${application}/${index + 1}`),
      ready(begin + eachS * 0.8, `${application}/${index + 1}`, eachS * 0.8),
      stopped(begin + eachS, `${application}/${instances + index + 1}`),
    ];
  }).flat(),
];

const endpointEvent = (at: number, endpoint: string, from: string, to: string, reason: string, check: string) => ({
  at,
  event: {
    kind: 'endpoint_state' as const,
    subject: `endpoint:${endpoint}`,
    from,
    to,
    reason,
    evidence: { address: `10.30.0.${endpoint.split('/')[1]}:8080`, check },
  },
});

/** The checks of these endpoints fail. */
export const unhealthy = (
  [from, to]: readonly [number, number],
  id: string,
  endpoints: readonly number[],
  reason: string,
  checkCause?: Cause,
): ScenarioStep[] => [
  {
    ...{ from, to, upstream: id, endpoints, state: 'unhealthy', reason },
    ...(checkCause === undefined ? {} : { checkCause }),
  },
  ...endpoints.flatMap((number) => [
    endpointEvent(from, `${id}/${number}`, 'healthy', 'unhealthy', reason, 'http'),
    endpointEvent(to, `${id}/${number}`, 'unhealthy', 'healthy', 'answered 200', 'http'),
  ]),
];

/** Requests of the endpoint fail while its checks pass: it gets none for a while. */
export const ejected = (
  [from, to]: readonly [number, number],
  id: string,
  number: number,
  figures: { requests: number; failures: number; cause: Cause; refused?: number },
): ScenarioStep[] => [
  {
    ...{ from, to, upstream: id, endpoints: [number], state: 'ejected' },
    reason: `${figures.failures} of ${figures.requests} requests failed`,
  },
  disagreement(from, `${id}/${number}`, figures, (to - from) * 1000),
  endpointEvent(to, `${id}/${number}`, 'ejected', 'probation', 'its pause is over', 'traffic'),
];

/** The event alone; `pauseMs` null: the endpoint stays in use. */
export const disagreement = (
  at: number,
  endpoint: string,
  { requests, failures, cause, refused = 0 }: { requests: number; failures: number; cause: Cause; refused?: number },
  pauseMs: number | null = null,
): ScenarioStep => ({
  at,
  event: {
    kind: 'health_disagreement',
    subject: `endpoint:${endpoint}`,
    from: 'healthy',
    to: pauseMs === null ? 'healthy' : 'ejected',
    reason: `its checks pass, but ${failures} of ${requests} requests failed`,
    evidence: {
      address: `10.30.0.${endpoint.split('/')[1]}:8080`,
      check: 'http',
      ...{ requests, failures, windowMs: 30_000, consecutiveUnreachable: refused },
      causes: { [cause]: failures },
      pauseMs,
    },
  },
});

/** An operator sets an entry of the overlay, such as `drain:shop/2`; `isCleared`: or clears it. */
export const overlay = (at: number, entry: string, values: object, isCleared = false): ScenarioStep => ({
  at,
  event: {
    kind: 'overlay_changed',
    subject: entry,
    actor: 'admin:socket',
    reason: isCleared ? `${entry} was cleared.` : `${entry} was set.`,
    evidence: {
      revision: 4,
      persisted: true,
      before: isCleared ? values : null,
      after: isCleared ? null : values,
    },
  },
});

export const nameState = (
  at: number,
  name: string,
  from: string,
  to: string,
  found: { cause?: Cause; rcode?: string; addresses?: readonly string[] } = {},
): ScenarioStep => ({
  at,
  event: {
    kind: 'name_state',
    subject: `name:${name}`,
    from,
    to,
    reason: found.cause === undefined ? `${name} is resolved.` : `The lookup of ${name} failed.`,
    evidence: { name, addresses: found.addresses ?? [], cause: found.cause ?? null, rcode: found.rcode ?? null },
  },
});

export const addresses = (
  at: number,
  name: string,
  added: readonly string[],
  removed: readonly string[],
): ScenarioStep => ({
  at,
  event: {
    kind: 'name_addresses',
    subject: `name:${name}`,
    reason: `${name} has other addresses.`,
    evidence: { name, added, removed },
  },
});

const dateOf = (at: number): string => new Date(1_795_000_000_000 + at * 1000).toISOString();

/** A certificate that an endpoint (`endpoint:pay/1`) or a listener (`listener:https`) shows. */
export const certificate = (
  at: number,
  subject: string,
  to: 'expiring' | 'expired',
  name: string,
  daysLeft: number,
): ScenarioStep => ({
  at,
  event: {
    kind: 'certificate_expiring',
    subject,
    from: to === 'expired' ? 'expiring' : 'valid',
    to,
    reason: to === 'expired' ? `The certificate of ${name} has expired.` : `${name}: ${daysLeft} days left.`,
    evidence: { names: [name], notAfter: dateOf(at + daysLeft * 86_400), daysLeft },
  },
});

export const scarce = (at: number, to: 'scarce' | 'enough', closed = 0, refused = 0): ScenarioStep => ({
  at,
  event: {
    kind: 'descriptors_exhausted',
    subject: 'gateway',
    from: to === 'scarce' ? 'enough' : 'scarce',
    to,
    evidence: { limit: 1024, open: to === 'scarce' ? 1021 : 640, closed, refused },
  },
});

export const refusedClients = (at: number, count: number): ScenarioStep => ({
  at,
  event: {
    kind: 'connections_refused',
    subject: 'gateway',
    evidence: { reason: 'descriptors', count, limit: null, address: '198.51.100.20' },
  },
});
