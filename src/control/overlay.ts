import { isDeepStrictEqual } from 'node:util';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import {
  type OverlayEntry,
  overlayEndpointOf,
  overlayIdOf,
  type OverlaySetting,
  overlayTargetOf,
  overlayText,
  overlayValuesOf,
  type RouteOverlay,
  type DrainSetting,
  type EjectSetting,
  ejectionText,
} from '../core/overlay.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { after, type Clock, type Timer, type Instant } from '../core/time.ts';
import type { OverlayOutcome } from './gateway-status.ts';
import type { OverlayStatus } from '../core/schemas/status.ts';
import { type OverlayChange, planChange } from './overlay-change.ts';
import { overlayEntriesMax } from './overlay-file.ts';
import type { OverlayStorage } from './overlay-store.ts';
import { findEndpoint, isMatched, type OverlayTargets } from './overlay-targets.ts';
import { reasonBesideState } from '../core/reason-beside-state.ts';
import type { EndpointId, EndpointState } from '../core/endpoint.ts';

interface Override {
  readonly weight: number | null;
  /** Null: it gets requests. */
  readonly out: TakenOut | null;
}

/** An operator has taken an endpoint out. */
interface TakenOut {
  readonly state: 'draining' | 'ejected';
  readonly actor: string;
  /** 'drained by …' */
  readonly text: string;
  /** When this process began to. */
  readonly sinceInstant: Instant;
}

/** Applies weights, drains and ejections of the overlay to the endpoints that workers receive. */
class EndpointOverrides {
  readonly #clock: Clock;
  #overrides: ReadonlyMap<string, Override> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  use(entries: readonly OverlayEntry[]): void {
    const overrides = new Map<string, Override>();
    for (const { setting, actor } of entries) {
      if (setting.kind !== 'weight' && setting.kind !== 'drain' && setting.kind !== 'eject') continue;
      const { weight, out } = overrides.get(setting.endpoint) ?? { weight: null, out: null };
      if (setting.kind === 'weight') overrides.set(setting.endpoint, { weight: setting.weight, out });
      // A drain is stricter, whichever came first.
      else if (out?.state !== 'draining')
        overrides.set(setting.endpoint, { weight, out: this.#takenOut(setting, actor) });
    }
    this.#overrides = overrides;
  }

  #takenOut(setting: DrainSetting | EjectSetting, actor: string): TakenOut {
    const state = setting.kind === 'drain' ? 'draining' : 'ejected';
    const before = this.#overrides.get(setting.endpoint)?.out;
    const sinceInstant = before?.state === state ? before.sinceInstant : this.#clock.now();
    const text = setting.kind === 'drain' ? `drained by ${actor}` : `ejected by ${actor}${ejectionText(setting)}`;
    return { state, actor, text, sinceInstant };
  }

  adjust(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    if (this.#overrides.size === 0) return endpoints;
    return endpoints.map((endpoint) => {
      const override = this.#overrides.get(overlayEndpointOf(endpoint));
      return override === undefined ? endpoint : overridden(endpoint, override);
    });
  }
}

function overridden(endpoint: EndpointSnapshot, { weight, out }: Override): EndpointSnapshot {
  const weighted = weight === null ? endpoint : { ...endpoint, weight };
  const { state, reason } = endpoint;
  if (out === null || (out.state === 'draining' ? isLeaving : getsLess).has(state)) return weighted;
  const own = reason === '' ? state : `${state}: ${reasonBesideState(state, reason)}`;
  // An ejected endpoint is tried while no other is left; one whose circuit breaker is not closed must not be, nor does it get probes.
  const taken = out.state === 'ejected' && state === 'half_open' ? 'circuit_open' : out.state;
  return {
    ...weighted,
    state: taken,
    takenOutBy: out.actor,
    sinceInstant: out.sinceInstant,
    reason: `${out.text}; otherwise ${own}`,
  };
}

const isLeaving: ReadonlySet<EndpointState> = new Set(['draining', 'gone']);

/** States in which an endpoint gets no more requests than an ejected one. */
const getsLess: ReadonlySet<EndpointState> = new Set([...isLeaving, 'starting', 'unhealthy', 'circuit_open']);

interface InstanceOverrides {
  readonly stopped: ReadonlySet<string>;
  readonly instances: ReadonlyMap<string, number>;
}

function instanceOverrides(entries: readonly OverlayEntry[]): InstanceOverrides {
  const stopped = new Set<string>();
  const instances = new Map<string, number>();
  for (const { setting } of entries) {
    if (setting.kind === 'stop') stopped.add(setting.application);
    else if (setting.kind === 'scale') instances.set(setting.application, setting.instances);
  }
  return { stopped, instances };
}

interface OverlayParts {
  readonly clock: Clock;
  readonly events: EventSink;
  /** Null: the entries are lost when this process ends. */
  readonly store: OverlayStorage | null;
  readonly targets: () => OverlayTargets;
  /** Why the overlay may not be changed now, one sentence; null if it may. */
  readonly refusal: () => string | null;
  /** Sends the entries for routes to all workers. */
  readonly sendRoutes: (overlay: RouteOverlay) => void;
  /** Weights, drains or ejections have changed: sends the endpoints to the workers. */
  readonly onEndpointsChanged: () => void;
  /** How many instances of applications run may have changed. */
  readonly onScaled?: () => void;
  /** Lets an endpoint that was ejected because of its traffic try again now. Returns whether it was. */
  readonly endPause?: (endpoint: EndpointId) => boolean;
  readonly workers: () => number;
}

/** A waiting request does not notice this delay, and reading a small file takes some 0.1 ms. */
const followEveryMs = 250;

/** Where an entry whose time is over cannot be cleared yet, such as during an upgrade. */
const expireAgainMs = 1000;

const noTargets: OverlayTargets = { routes: [], upstreams: [] };

const inMemory = 'there is no state folder (`state`)';

/**
 * The changes that operators make at run time. They are written to disk first, then sent to the workers, so that a crash loses
 * no change that workers apply. If the disk is full, an operator can still drain an endpoint: the change is then in memory only, and
 * the response says so.
 */
export class Overlay {
  readonly #parts: OverlayParts;
  readonly #overrides: EndpointOverrides;
  #revision = 0;
  #entries: readonly OverlayEntry[] = [];
  /** Why the disk does not have these entries; null if it has them. */
  #memoryReason: string | null;
  /** How many instances of which applications run; null: the file has not been read yet. */
  #scales: InstanceOverrides | null = null;
  #followTimer: Timer | null = null;
  #expiryTimer: Timer | null = null;
  /** Changes run one after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(parts: OverlayParts) {
    this.#parts = parts;
    this.#overrides = new EndpointOverrides(parts.clock);
    this.#memoryReason = parts.store === null ? inMemory : null;
  }

  /** Loads the overlay of an earlier process. Once, before the first snapshot. */
  load(): void {
    const { store, events } = this.#parts;
    const reading = store?.read() ?? { kind: 'none' };
    if (reading.kind === 'read') {
      this.#revision = reading.content.revision;
      this.#use(reading.content.entries);
    }
    if (reading.kind !== 'ignored' || store === null) return;
    const { file, why, aside } = reading;
    const kept = aside === null ? '' : `; it was renamed to ${aside}`;
    const reason = `${file} is ignored, because ${why}; no earlier change of an operator is active${kept}`;
    const evidence = { folder: store.folder, file, errno: null };
    events.emit({ kind: 'state_unusable', subject: 'gateway', reason, evidence });
  }

  /**
   * From now on another process changes the overlay, and this one finishes its requests: requests that a pause holds here continue
   * when the pause is ended there. Until `close`.
   */
  follow(): void {
    const { clock } = this.#parts;
    this.#expiryTimer?.cancel();
    this.#followTimer = clock.schedule(after(clock.now(), followEveryMs), followIsDue, this as Overlay);
  }

  /** Called by the timer of `follow` only. */
  takeNewer(): void {
    const found = this.#parts.store?.peek() ?? null;
    if (found !== null && found.revision > this.#revision) {
      this.#revision = found.revision;
      this.#use(found.entries);
      this.#parts.sendRoutes(this.routes);
    }
    this.follow();
  }

  close(): void {
    this.#followTimer?.cancel();
    this.#expiryTimer?.cancel();
  }

  #scheduleExpiry(): void {
    this.#expiryTimer?.cancel();
    const { clock } = this.#parts;
    const first = Math.min(...this.#entries.map(endOf));
    // The process that has the overlay now ends them.
    if (first === Infinity || this.#followTimer !== null) return;
    const leftMs = first - clock.wallTime();
    const inMs = leftMs > 0 ? leftMs : expireAgainMs;
    this.#expiryTimer = clock.schedule(after(clock.now(), inMs), expiryIsDue, this as Overlay);
  }

  /** Clears entries whose time is over. Called by the timer only. */
  expire(): void {
    this.#changes = this.#changes.then(() => this.#expire()).catch(() => undefined);
  }

  async #expire(): Promise<void> {
    const now = this.#parts.clock.wallTime();
    const over = this.#entries.filter((entry) => endOf(entry) <= now);
    if (over.length === 0 || this.#parts.refusal() !== null) return this.#scheduleExpiry();
    await this.#apply(
      this.#revision + 1,
      this.#entries.filter((entry) => !over.includes(entry)),
    );
    for (const { setting } of over) this.#emit('gateway', setting, null);
  }

  /** `ifRevision`: the change is made only if the overlay has this revision; null: in any case. */
  change(change: OverlayChange, actor: string, ifRevision: number | null): Promise<OverlayOutcome> {
    const changed = this.#changes.then(() => this.#change(change, actor, ifRevision));
    this.#changes = changed.catch(() => undefined);
    return changed;
  }

  async #change(change: OverlayChange, actor: string, ifRevision: number | null): Promise<OverlayOutcome> {
    const refusal = this.#parts.refusal();
    if (refusal !== null) return { ok: false, kind: 'refused', why: refusal };
    if (ifRevision !== null && ifRevision !== this.#revision) return this.#conflict(ifRevision);
    const wallTime = this.#parts.clock.wallTime();
    const plan = planChange(change, this.#entries, this.#parts.targets(), wallTime);
    if (!plan.ok && change.kind === 'restore' && change.what !== null && this.#endPause(change.what))
      return this.#outcome(true, [], [`ejection:${change.what}`]);
    if (!plan.ok) return { ok: false, kind: plan.kind ?? 'unknown_target', why: plan.why };
    const { set } = plan;
    const before = set.map((one) => this.#entryOf(one));
    const isSame = plan.cleared.length === 0 && set.every((one, at) => isDeepStrictEqual(before[at]?.setting, one));
    if (isSame) return this.#outcome(false, set);
    const rest = this.#entries.filter((entry) => !before.includes(entry) && !plan.cleared.includes(entry));
    if (set.length > 0 && rest.length + set.length > overlayEntriesMax) {
      return {
        ok: false,
        kind: 'refused',
        why: `The overlay has ${overlayEntriesMax} entries, as many as it may have.`,
      };
    }
    const revision = this.#revision + 1;
    const at = new Date(wallTime).toISOString();
    await this.#apply(revision, [...rest, ...set.map((setting) => ({ setting, revision, at, actor }))]);
    for (const [at, setting] of set.entries()) this.#emit(actor, before[at]?.setting ?? null, setting);
    for (const { setting } of plan.cleared) this.#emit(actor, setting, null);
    return this.#outcome(true, set.length === 0 ? plan.cleared.map(({ setting }) => setting) : set);
  }

  /** What is not in the overlay may be out because of its traffic. */
  #endPause(what: string): boolean {
    const targets = this.#parts.targets();
    const found = findEndpoint(what.replace(/^(?:eject|ejection):/, ''), targets);
    if (!found.ok) return false;
    const all = targets.upstreams.flatMap(({ endpoints }) => endpoints);
    const ended = all.filter((one) => overlayEndpointOf(one) === found.target && this.#parts.endPause?.(one.id));
    return ended.length > 0;
  }

  async #apply(revision: number, entries: readonly OverlayEntry[]): Promise<void> {
    const { store, sendRoutes, onEndpointsChanged, onScaled } = this.#parts;
    this.#memoryReason = store === null ? inMemory : await store.write({ revision, entries });
    this.#revision = revision;
    this.#use(entries);
    sendRoutes(this.routes);
    onEndpointsChanged();
    onScaled?.();
  }

  #use(entries: readonly OverlayEntry[]): void {
    this.#entries = entries;
    this.#overrides.use(entries);
    this.#scales = instanceOverrides(entries);
    this.#scheduleExpiry();
  }

  /** As many instances of it as operators want. Before `load` it looks into the file, which another process may still change. */
  scaled(spec: ApplicationSpec): ApplicationSpec {
    const scales = this.#scales ?? instanceOverrides(this.#parts.store?.peek()?.entries ?? []);
    const { id, of = id, command } = spec;
    const isStopped = scales.stopped.has(id) || scales.stopped.has(of);
    const instances = isStopped
      ? 0
      : command.length === 0
        ? spec.instances
        : (scales.instances.get(id) ?? spec.instances);
    return instances === spec.instances ? spec : { ...spec, instances };
  }

  /** An operator has stopped this application. */
  isStopped(application: string): boolean {
    return this.#scales?.stopped.has(application) === true;
  }

  #entryOf(setting: OverlaySetting): OverlayEntry | null {
    const id = overlayIdOf(setting);
    return this.#entries.find((entry) => overlayIdOf(entry.setting) === id) ?? null;
  }

  #conflict(ifRevision: number): OverlayOutcome {
    const why = `The overlay has revision ${this.#revision}, not ${ifRevision}: it has changed meanwhile.`;
    return { ok: false, kind: 'conflict', why };
  }

  #outcome(
    changed: boolean,
    settings: readonly OverlaySetting[],
    affected: readonly string[] = settings.map(overlayIdOf),
  ): OverlayOutcome {
    const targets = this.#parts.targets();
    const upstreams = targets.upstreams.filter(({ endpoints }) => settings.some((one) => isDrainOf(one, endpoints)));
    const emptied = upstreams.filter(({ endpoints }) => endpoints.every(({ state }) => !canServe.has(state)));
    const warnings = emptied.map(({ id }) => `Upstream ${id} has no endpoint left that gets requests.`);
    if (this.#memoryReason !== null) warnings.push(`The change is lost when the process ends: ${this.#memoryReason}.`);
    return { ok: true, changed, affected, warnings, overlay: this.status() };
  }

  #emit(actor: string, before: OverlaySetting | null, after: OverlaySetting | null): void {
    const setting = after ?? before;
    if (setting === null) return;
    const reason = after === null ? `restored: no longer "${overlayText(setting)}"` : overlayText(setting);
    const evidence = {
      revision: this.#revision,
      persisted: this.#memoryReason === null,
      before: before === null ? null : overlayValuesOf(before),
      after: after === null ? null : overlayValuesOf(after),
    };
    const subject = `overlay:${overlayIdOf(setting)}` as const;
    this.#parts.events.emit({ kind: 'overlay_changed', subject, reason, evidence, actor });
  }

  status(): OverlayStatus {
    // The status is requested often, and usually the overlay is empty.
    const targets = this.#entries.length === 0 ? noTargets : this.#parts.targets();
    const entries = this.#entries.map(({ setting, revision, at, actor }) => ({
      id: overlayIdOf(setting),
      kind: setting.kind,
      target: overlayTargetOf(setting),
      values: overlayValuesOf(setting),
      reason: overlayText(setting),
      matched: isMatched(setting, targets),
      revision,
      at,
      actor,
    }));
    return {
      revision: this.#revision,
      persisted: this.#memoryReason === null,
      memoryReason: this.#memoryReason,
      entries,
    };
  }

  /** For the response to a reload: which entries win over the file, one sentence each. */
  notes(): readonly string[] {
    return this.status().entries.map(({ id, reason, matched, actor, at }) =>
      matched
        ? `The overlay wins over the file: ${reason} (set by ${actor}, ${at}), until \`candor restore ${id}\`.`
        : `The overlay has ${id}, but this configuration has no such target; the entry is kept and has no effect.`,
    );
  }

  /** The entries that workers apply to their routes. */
  get routes(): RouteOverlay {
    const settings = this.#entries.map(({ setting }) => setting);
    const share = (waitersMax: number): number =>
      Math.max(1, Math.floor(waitersMax / Math.max(1, this.#parts.workers())));
    return {
      revision: this.#revision,
      maintenance: settings.filter((setting) => setting.kind === 'maintenance'),
      pauses: settings
        .filter((setting) => setting.kind === 'pause')
        .map((setting) => ({ ...setting, waitersMax: share(setting.waitersMax) })),
    };
  }

  /** Applies the overlay to endpoints before they are sent to workers. */
  adjust(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    return this.#overrides.adjust(endpoints);
  }
}

function expiryIsDue(overlay: Overlay): void {
  overlay.expire();
}

/** Milliseconds since 1970; Infinity: an entry that does not end by itself. */
function endOf({ setting }: OverlayEntry): number {
  const until =
    setting.kind === 'eject' || setting.kind === 'maintenance' || setting.kind === 'pause' ? setting.until : null;
  return until === null || until === undefined ? Infinity : Date.parse(until);
}

function followIsDue(overlay: Overlay): void {
  overlay.takeNewer();
}

/** States in which an endpoint may be chosen. */
const canServe: ReadonlySet<EndpointSnapshot['state']> = new Set([
  'healthy',
  'unchecked',
  'unknown',
  'ejected',
  'probation',
  'half_open',
]);

function isDrainOf(setting: OverlaySetting, endpoints: readonly EndpointSnapshot[]): boolean {
  return setting.kind === 'drain' && endpoints.some((endpoint) => overlayEndpointOf(endpoint) === setting.endpoint);
}
