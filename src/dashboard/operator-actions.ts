import type {
  ApplicationReleasesJson,
  EndpointJson,
  IncidentJson,
  OverlayEntryJson,
  StatusJson,
  UpstreamJson,
} from './model.ts';

/** A change that a person is asked to confirm. */
export interface OperatorAction {
  readonly operation: keyof typeof actionPaths;
  readonly body: ActionBody;
  /** On the button. */
  readonly label: string;
  /** What it will do, one or two sentences. */
  readonly effect: string;
  /** What the person is asked for besides; absent: nothing. */
  readonly inputs?: readonly ActionInput[];
}

/** Where each is asked for. */
const actionPaths = {
  drain: '/v1/overlay/drain',
  weight: '/v1/overlay/weight',
  eject: '/v1/overlay/eject',
  maintenance: '/v1/overlay/maintenance',
  pause: '/v1/overlay/pause',
  restore: '/v1/overlay/restore',
  restart: '/v1/instances/restart',
  acknowledge: '/v1/incidents/acknowledge',
  mute: '/v1/incidents/mute',
  promote: '/v1/releases/promote',
  abort: '/v1/releases/abort',
  rollback: '/v1/releases/rollback',
} as const;

type ActionBody = Readonly<Record<string, string | number | boolean | null>>;

/** A key of the body that the person gives. */
export type ActionInput =
  | { readonly kind: 'text'; readonly key: string; readonly label: string }
  /** The first is chosen. Null: the key is left out. */
  | {
      readonly kind: 'choice';
      readonly key: string;
      readonly label: string;
      readonly choices: readonly (readonly [name: string, value: string | number | null])[];
    }
  /** Has to be set. */
  | { readonly kind: 'confirmation'; readonly key: string; readonly label: string };

/** The body of an action with what the person has given: by key, as text; confirmations are 'true'. */
export function bodyOf({ body, inputs = [] }: OperatorAction, given: Readonly<Record<string, string>>): ActionBody {
  const added = inputs.flatMap((input): [string, string | number | boolean][] => {
    const text = (given[input.key] ?? '').trim();
    if (input.kind === 'choice') {
      const value = (input.choices.find(([name]) => name === text) ?? input.choices[0])?.[1] ?? null;
      return value === null ? [] : [[input.key, value]];
    }
    if (text === '') return [];
    return [[input.key, input.kind === 'confirmation' ? true : text]];
  });
  return { ...body, ...Object.fromEntries(added) };
}

/** Whether everything is confirmed that has to be. */
export function isConfirmed({ inputs = [] }: OperatorAction, given: Readonly<Record<string, string>>): boolean {
  return inputs.every(({ kind, key }) => kind !== 'confirmation' || given[key] === 'true');
}

/** `readyOthers`: of its upstream, apart from it. */
function drainEndpoint(endpoint: string, readyOthers: number): OperatorAction {
  const rest =
    readyOthers === 0
      ? 'No other endpoint of the upstream is ready: its requests will fail.'
      : 'The other endpoints of the upstream get them.';
  return {
    operation: 'drain',
    body: { endpoint },
    label: 'Drain',
    effect: `${endpoint} gets no new requests, and requests in flight finish. ${rest}`,
  };
}

const ejectionTimes = [
  ['5 minutes', 300],
  ['15 minutes', 900],
  ['an hour', 3600],
  ['a day', 86_400],
  ['until it is restored', null],
] as const;

/** `isLastReady`: no other endpoint of its upstream is ready. The gateway ejects it only if it is told to all the same. */
export function ejectEndpoint(endpoint: string, isLastReady: boolean): OperatorAction {
  const last = {
    kind: 'confirmation',
    key: 'force',
    label: 'Eject it although no other endpoint is ready: it goes on getting requests',
  } as const;
  return {
    operation: 'eject',
    body: { endpoint },
    label: 'Eject',
    effect: `${endpoint} gets no new requests as long as another endpoint of its upstream can be chosen, and requests in flight finish.`,
    inputs: [
      { kind: 'choice', key: 'seconds', label: 'For', choices: ejectionTimes },
      { kind: 'text', key: 'reason', label: 'Why' },
      ...(isLastReady ? [last] : []),
    ],
  };
}

export function changeWeight(endpoint: string, weight: number): OperatorAction {
  return {
    operation: 'weight',
    body: { endpoint, weight },
    label: 'Change weight',
    effect: `The share of new requests that ${endpoint} gets is ${weight}; 1 is that of the others.`,
  };
}

export function restoreEntry({ id, reason }: Pick<OverlayEntryJson, 'id' | 'reason'>): OperatorAction {
  return {
    operation: 'restore',
    body: { what: id },
    label: 'Restore',
    effect: `The configuration file applies again. Now: ${reason}.`,
  };
}

/** Of everything that operators have changed. */
export function restoreAll(entries: number): OperatorAction {
  return {
    operation: 'restore',
    body: {},
    label: 'Restore all',
    effect: `The configuration file applies again: all ${entries} entries are cleared.`,
  };
}

/** Of an instance that Candor runs. */
export function restartInstance(instance: string): OperatorAction {
  return {
    operation: 'restart',
    body: { instance },
    label: 'Restart',
    effect: `A new instance of the same program starts, and ${instance} is drained and stopped when the new one is ready. Where the application has a fixed port, ${instance} ends first.`,
  };
}

export const actionPath = ({ operation }: Pick<OperatorAction, 'operation'>): string => actionPaths[operation];

/**
 * What an operator can do about an endpoint. What undoes an earlier change comes first, and what ends all requests of the upstream
 * last; nothing is there that would change nothing.
 */
export function endpointActions(
  endpoint: Pick<EndpointJson, 'id' | 'address' | 'state'>,
  { endpoints }: Pick<UpstreamJson, 'endpoints'>,
  entries: readonly OverlayEntryJson[],
): OperatorAction[] {
  const own = entries.filter((entry) => isEntryOf(entry, endpoint));
  const restores = own.map((entry) => ({ ...restoreEntry(entry), label: `Restore ${entry.kind}` }));
  const gets = endpoint.state !== 'draining' && endpoint.state !== 'gone';
  if (!gets || own.some(({ kind }) => kind === 'drain')) return restores;
  const readyOthers = endpoints.filter((one) => one.id !== endpoint.id && isReady(one)).length;
  const isLastReady = isReady(endpoint) && readyOthers === 0;
  const drain = drainEndpoint(endpoint.id, readyOthers);
  const ejects = own.some(({ kind }) => kind === 'eject') ? [] : [ejectEndpoint(endpoint.id, isLastReady)];
  return isLastReady ? [...restores, ...ejects, drain] : [...restores, drain, ...ejects];
}

/** The entries of an instance name it without its address, which changes with each start. */
function isEntryOf({ kind, target }: OverlayEntryJson, { id, address }: Pick<EndpointJson, 'id' | 'address'>): boolean {
  return (
    (kind === 'drain' || kind === 'eject' || kind === 'weight') && (target === id || `${target}/${address}` === id)
  );
}

/** As the gateway sees it where it asks whether an endpoint is the last one. */
function isReady({ state }: Pick<EndpointJson, 'state'>): boolean {
  return state === 'healthy' || state === 'unchecked';
}

/** `route` is '' for all routes. */
export function beginMaintenance(route: string, message: string, retryAfterS: number | null): OperatorAction {
  const body: Record<string, string | number> = {};
  if (route !== '') body['route'] = route;
  if (message !== '') body['message'] = message;
  if (retryAfterS !== null) body['retry_after_s'] = retryAfterS;
  const requests = route === '' ? 'Requests of all routes, those apart that report readiness,' : `Requests of ${route}`;
  return {
    operation: 'maintenance',
    body,
    label: 'Begin maintenance',
    effect: `${requests} are answered with 503 until the entry is restored.`,
  };
}

export function beginPause(target: string, waitMs: number | null, waitersMax: number | null): OperatorAction {
  const body: Record<string, string | number> = { target };
  if (waitMs !== null) body['wait_ms'] = waitMs;
  if (waitersMax !== null) body['waiters_max'] = waitersMax;
  return {
    operation: 'pause',
    body,
    label: 'Pause',
    effect: `Requests for ${target} wait. Those that wait too long, or are too many, are answered with 503.`,
  };
}

const muteTimes = [
  ['30 minutes', '30m'],
  ['2 hours', '2h'],
  ['8 hours', '8h'],
  ['a day', '1d'],
  ['3 days', '3d'],
] as const;

/** What an operator can say of an incident that goes on. */
export function marksFor({ id, resolved_at: resolvedAt, acknowledged, muted }: IncidentJson): OperatorAction[] {
  if (resolvedAt !== null) return [];
  const why = { kind: 'text', key: 'reason', label: 'Why' } as const;
  const acknowledge: OperatorAction = {
    operation: 'acknowledge',
    body: { incident: id },
    label: 'Acknowledge',
    effect: `Incident ${id} says that you work on it. Messages about it are sent as before.`,
    inputs: [why],
  };
  const mute: OperatorAction = {
    operation: 'mute',
    body: { incident: id },
    label: 'Mute',
    effect: `No message about incident ${id} is sent until then, except of its end. Other incidents are told of.`,
    inputs: [{ kind: 'choice', key: 'until', label: 'For', choices: muteTimes }, why],
  };
  const unmute: OperatorAction = {
    operation: 'mute',
    body: { incident: id, until: null },
    label: 'Unmute',
    effect: `Messages about incident ${id} are sent again, also what was held back.`,
  };
  return [...(acknowledged === null ? [acknowledge] : []), muted === null ? mute : unmute];
}

/** What an operator can do about an incident at once, the likeliest to help first. */
export function actionsFor(incident: IncidentJson, { upstreams, overlay }: StatusJson): OperatorAction[] {
  if (incident.resolved_at !== null) return [];
  const endpoints = upstreams.find(({ id }) => id === incident.upstream)?.endpoints ?? [];
  return [
    ...restoreAfterOperator(incident, overlay.entries),
    ...drainTheFailing(incident, endpoints),
    ...maintainRoutes(incident, overlay.entries),
  ];
}

function restoreAfterOperator({ suspects }: IncidentJson, entries: readonly OverlayEntryJson[]): OperatorAction[] {
  const isSuspected = suspects[0]?.name === 'operator_action';
  const last = entries.toSorted((a, b) => b.revision - a.revision)[0];
  if (!isSuspected || last === undefined) return [];
  return [{ ...restoreEntry(last), label: `Restore ${last.id}` }];
}

/** One endpoint fails more than the others, which can take its requests. */
function drainTheFailing({ endpoints: counts }: IncidentJson, endpoints: readonly EndpointJson[]): OperatorAction[] {
  const share = (of: { readonly failed: number; readonly attempts: number }): number =>
    of.failed / Math.max(1, of.attempts);
  const [worst] = counts.toSorted((a, b) => share(b) - share(a));
  if (worst === undefined || worst.failed === 0) return [];
  const others = endpoints.filter((one) => one.id !== worst.endpoint && isReady(one));
  const othersFail = counts.some((one) => one.endpoint !== worst.endpoint && share(one) > share(worst) / 2);
  // One that is not ready gets no requests while another is.
  const getsRequests = endpoints.some(
    (one) => one.id === worst.endpoint && (isReady(one) || one.state === 'probation'),
  );
  if (!getsRequests || others.length === 0 || othersFail) return [];
  return [{ ...drainEndpoint(worst.endpoint, others.length), label: `Drain ${worst.endpoint}` }];
}

/** The route that fails most: a clear answer is better than an error. */
function maintainRoutes({ routes }: IncidentJson, entries: readonly OverlayEntryJson[]): OperatorAction[] {
  const [route] = routes.toSorted((a, b) => b.failed - a.failed);
  if (
    route === undefined ||
    entries.some(({ kind, target }) => kind === 'maintenance' && (target ?? route.route) === route.route)
  )
    return [];
  return [{ ...beginMaintenance(route.route, '', null), label: `Maintenance for ${route.route}` }];
}

/** What an operator can do about a rollout that goes on. */
export function rolloutActions({
  application,
  rollout,
}: Pick<ApplicationReleasesJson, 'application' | 'rollout'>): OperatorAction[] {
  if (rollout === null) return [];
  const { from, to, state } = rollout;
  const isStarting = state === 'preparing' || state === 'starting';
  const promoted =
    state === 'shifting'
      ? `${to} gets all requests now, and is watched from then on. Its steps end.`
      : `The watch of ${to} ends: it is in force.`;
  const aborted = isStarting
    ? `The instances of ${to} stop. ${from} has all requests as before.`
    : `${from} gets all requests again, and the instances of ${to} stop.`;
  const promote = { operation: 'promote', body: { application }, label: `Promote ${to}`, effect: promoted } as const;
  const abort: OperatorAction = {
    ...{ operation: 'abort', body: { application }, label: `Abort ${to}`, effect: aborted },
    inputs: [{ kind: 'text', key: 'reason', label: 'Why' }],
  };
  return isStarting ? [abort] : [promote, abort];
}

/** To a release that is not in force. None while a release is being rolled out. */
export function rollBackTo(
  { number, name }: ApplicationReleasesJson['releases'][number],
  { application, in_force: inForce, warm, rollout, rollouts }: ApplicationReleasesJson,
): OperatorAction[] {
  if (rollout !== null || inForce === null || name === inForce) return [];
  const when =
    name === warm
      ? 'at once: its instances still run'
      : 'as soon as its instances are ready, which takes as long as a start';
  const last = rollouts.find(({ to }) => to === number);
  const warning =
    last === undefined || last.state === 'promoted' || last.reason === null
      ? ''
      : ` Its last rollout was ${last.state}: ${last.reason}.`;
  return [
    {
      operation: 'rollback',
      body: { application, to: name },
      label: `Roll back to ${name}`,
      effect: `${name} gets all requests of ${application} in place of ${inForce}, ${when}. It is not judged.${warning}`,
    },
  ];
}
