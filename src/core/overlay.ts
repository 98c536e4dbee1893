import { addressText, type EndpointAddress } from './endpoint.ts';

/**
 * The changes that operators can make at run time, besides the configuration file. An entry wins over the file until it is
 * cleared (docs/adr/0028-configuration-and-overlay.md).
 */
export type OverlaySetting =
  | MaintenanceSetting
  | PauseSetting
  | WeightSetting
  | DrainSetting
  | EjectSetting
  | ScaleSetting
  | StopSetting;

/** The gateway answers 503 instead of the route's action. */
export interface MaintenanceSetting {
  readonly kind: 'maintenance';
  /** Null: every route except those that report readiness. */
  readonly route: string | null;
  /** Lowercase, without a port: requests for this host alone; `route` is null. Absent: for every host. */
  readonly host?: string;
  readonly message: string;
  /** Where `until` is there, Retry-After is the time until then instead. */
  readonly retryAfterS: number;
  /** RFC 3339: when it begins, and when it ends. Absent: at once, and when the entry is cleared. */
  readonly since?: string;
  readonly until?: string;
  /** Networks whose clients pass; absent: none do. */
  readonly allow?: readonly string[];
  /** The SHA-256 of a token, in hexadecimal digits: requests that show the token pass. Absent: there is none. */
  readonly pass?: string;
}

/** Requests wait until the entry is cleared, and then continue. */
export interface PauseSetting {
  readonly kind: 'pause';
  readonly scope: 'route' | 'upstream';
  readonly target: string;
  /** How long one request waits at most. */
  readonly waitMs: number;
  /** How many requests wait at most, in all workers together. */
  readonly waitersMax: number;
  /** RFC 3339; absent: until the entry is cleared. */
  readonly until?: string;
}

/** The share of new requests that an endpoint gets, relative to the weights of the other endpoints. */
interface WeightSetting {
  readonly kind: 'weight';
  readonly endpoint: string;
  /** 0: the endpoint gets no requests while another one can be chosen. */
  readonly weight: number;
}

/** The endpoint gets no new requests; requests in flight finish. */
export interface DrainSetting {
  readonly kind: 'drain';
  readonly endpoint: string;
}

/** The endpoint gets no new requests as long as another one of its upstream can be chosen, as if its traffic had made it an outlier. */
export interface EjectSetting {
  readonly kind: 'eject';
  readonly endpoint: string;
  /** RFC 3339; null: until the entry is cleared. */
  readonly until: string | null;
  /** What the operator says, one clause; '': nothing. */
  readonly why: string;
}

/** How many instances of an application, or of a worker, run. */
interface ScaleSetting {
  readonly kind: 'scale';
  readonly application: string;
  readonly instances: number;
}

/** No instance of an application runs, nor of its workers; or none of one worker. */
interface StopSetting {
  readonly kind: 'stop';
  readonly application: string;
}

export const weightMax = 1000;

/** As many as the configuration may say. */
export const instancesMax = 256;

export interface OverlayEntry {
  readonly setting: OverlaySetting;
  /** The revision of the overlay that made the entry. */
  readonly revision: number;
  /** ISO 8601. */
  readonly at: string;
  readonly actor: string;
}

/** The id of a setting. There is one setting of each kind per target. */
export function overlayIdOf(setting: OverlaySetting): string {
  switch (setting.kind) {
    case 'maintenance':
      if (setting.host !== undefined) return `maintenance:host:${setting.host}`;
      return setting.route === null ? 'maintenance' : `maintenance:${setting.route}`;
    case 'pause':
      return `pause:${setting.scope}:${setting.target}`;
    case 'weight':
    case 'drain':
    case 'eject':
      return `${setting.kind}:${setting.endpoint}`;
    case 'scale':
    case 'stop':
      return `${setting.kind}:${setting.application}`;
  }
}

/** The route, upstream, endpoint or application that a setting names; null: all routes. */
export function overlayTargetOf(setting: OverlaySetting): string | null {
  if (setting.kind === 'maintenance') return setting.host === undefined ? setting.route : `host:${setting.host}`;
  if (setting.kind === 'scale' || setting.kind === 'stop') return setting.application;
  return setting.kind === 'pause' ? setting.target : setting.endpoint;
}

/** The values of a setting besides its target, as JSON. */
export type OverlayValues = Readonly<Record<string, string | number>>;

export function overlayValuesOf(setting: OverlaySetting): OverlayValues {
  if (setting.kind === 'maintenance') {
    const { message, retryAfterS, since, until, allow, pass } = setting;
    return {
      message,
      ...(until === undefined ? { retry_after_s: retryAfterS } : {}),
      ...timesOf({ since, until }),
      ...(allow === undefined ? {} : { allow: allow.join(', ') }),
      // Never the hash: it is of no use to readers.
      ...(pass === undefined ? {} : { pass: 'set' }),
    };
  }
  if (setting.kind === 'pause')
    return { wait_ms: setting.waitMs, waiters_max: setting.waitersMax, ...timesOf({ until: setting.until }) };
  if (setting.kind === 'eject')
    return {
      ...(setting.until === null ? {} : { until: setting.until }),
      ...(setting.why === '' ? {} : { reason: setting.why }),
    };
  if (setting.kind === 'scale') return { instances: setting.instances };
  return setting.kind === 'weight' ? { weight: setting.weight } : {};
}

function timesOf(times: Readonly<Record<string, string | undefined>>): OverlayValues {
  return Object.fromEntries(
    Object.entries(times).flatMap(([name, time]) => (time === undefined ? [] : [[name, time]])),
  );
}

/** One clause for people: "route /api is in maintenance". */
export function overlayText(setting: OverlaySetting): string {
  switch (setting.kind) {
    case 'maintenance':
      return maintenanceText(setting);
    case 'pause':
      return `requests for ${setting.scope} ${setting.target} wait up to ${setting.waitMs / 1000} s${setting.until === undefined ? '' : ` until ${shortTime(setting.until)}`}`;
    case 'weight':
      return `endpoint ${setting.endpoint} has weight ${setting.weight}`;
    case 'drain':
      return `endpoint ${setting.endpoint} gets no new requests`;
    case 'eject':
      return `endpoint ${setting.endpoint} is ejected${ejectionText(setting)}`;
    case 'scale':
      return `the number of instances of ${setting.application} is ${setting.instances}`;
    case 'stop':
      return `all instances of ${setting.application} are stopped`;
  }
}

function maintenanceText({ route, host, since, until, allow, pass }: MaintenanceSetting): string {
  const what =
    host !== undefined
      ? `host ${host} is in maintenance`
      : route === null
        ? 'all routes are in maintenance'
        : `route ${route} is in maintenance`;
  const times = `${since === undefined ? '' : ` from ${shortTime(since)}`}${until === undefined ? '' : ` until ${shortTime(until)}`}`;
  const who = [...(allow ?? []), ...(pass === undefined ? [] : ['requests with the pass'])];
  return `${what}${times}${who.length === 0 ? '' : `, except for ${who.join(', ')}`}`;
}

const shortTime = (time: string): string => `${time.slice(0, 19)}Z`;

/** ' until …: …' */
export function ejectionText({ until, why }: EjectSetting): string {
  return `${until === null ? '' : ` until ${until.slice(0, 19)}Z`}${why === '' ? '' : `: ${why}`}`;
}

/**
 * The part of the overlay that a worker applies to its routes. Weights and drains reach it in the snapshots of the endpoints
 * instead. Sent whole at each change, since it is small.
 */
export interface RouteOverlay {
  /** A worker ignores an overlay that is not newer than its own. */
  readonly revision: number;
  readonly maintenance: readonly MaintenanceSetting[];
  /** `waitersMax` is the share of one worker. */
  readonly pauses: readonly PauseSetting[];
}

export const noRouteOverlay: RouteOverlay = { revision: 0, maintenance: [], pauses: [] };

/**
 * How the overlay names an endpoint. An instance of an application gets another port with each start, so that its endpoint is
 * named without the address (`web/web/1`): an entry holds as long as there is an instance of that name.
 */
export function overlayEndpointOf(endpoint: {
  readonly id: string;
  readonly instance?: string;
  readonly address: EndpointAddress;
}): string {
  const { id, instance, address } = endpoint;
  return instance === undefined ? id : id.slice(0, -`/${addressText(address)}`.length);
}
