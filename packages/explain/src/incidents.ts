import { type FaultKeys, isCrash } from './fault-counts.ts';
import { truncateFix, truncateText, truncateTexts } from './report-texts.ts';
import type { Finding } from './finding.ts';
import { exampleOf, type LineReference } from './line-times.ts';
import type { LeftOut, Incident, IncidentRoot } from './summary-report.ts';

/** A longer gap between two failures begins a new incident. */
const gapMs = 60_000;

/** Fewer failures are no incident, unless the application's side explains them. */
const failuresMin = 5;

/**
 * How long a gateway may take an endpoint out after a failure: nginx's `fail_timeout` is 10 s, Envoy's ejection 30 s,
 * Apache's `retry` 60 s, unless configured otherwise.
 */
const ejectionMs = 60_000;

/** Endpoints of one gateway that fail within this time of each other fail together. */
const togetherMs = 2000;

/** Incidents that may be in progress at the same time. */
const openMax = 1000;

/** Ended incidents that are remembered; the largest are reported. */
const endedMax = 1000;

const reportedMax = 20;

/** Kinds of failures in one incident. */
const partsMax = 12;

/** Upstreams named in one incident. */
const upstreamsMax = 8;

interface Part {
  first: Finding;
  root: IncidentRoot;
  startMs: number;
  endMs: number;
  count: number;
}

/** An incident that is being counted. */
export interface IncidentGroup {
  readonly key: string;
  readonly gateway: Finding['gateway'];
  readonly isCrash: boolean;
  upstreams: string[];
  root: IncidentRoot;
  rootFinding: Finding;
  /** Whether the root turned out to be no failure of the incident, and no other is known. */
  isRootRemoved: boolean;
  startMs: number;
  endMs: number;
  count: number;
  consequences: number;
  readonly parts: Map<string, Part>;
}

/**
 * Finds incidents: failures in close succession that have one cause. When an application ends, its connections are reset, then
 * refused, and then the gateway takes its endpoint out: together they are one incident.
 */
export class Incidents {
  readonly #open = new Map<string, IncidentGroup>();
  /** By gateway: the incident of the last failure with a cause of its own. */
  readonly #lastRoot = new Map<string, IncidentGroup>();
  #ended: IncidentGroup[] = [];
  readonly #dropped = { kinds: 0, count: 0 };

  /** Returns the incident that the failure belongs to. One without a time belongs to none. */
  add(finding: Finding, keys: FaultKeys, reference: LineReference): IncidentGroup | null {
    const { atMs, isConsequence } = finding;
    if (atMs === null) return null;
    const cause = isConsequence ? this.#causeOf(finding, keys, atMs) : null;
    const group = cause ?? this.#groupOf(finding, keys, atMs, reference);
    if ((atMs < group.startMs || group.isRootRemoved) && !isConsequence) setRoot(group, finding, reference);
    group.startMs = Math.min(group.startMs, atMs);
    group.endMs = Math.max(group.endMs, atMs);
    addPart(group, finding, keys, atMs, reference);
    if (isConsequence) group.consequences += 1;
    else {
      if (group.root.isConsequence) setRoot(group, finding, reference);
      group.count += 1;
      this.#lastRoot.set(finding.gateway, group);
    }
    return group;
  }

  /** Removes a failure that turned out to be of another kind, or none. `group` is the incident that it was added to. */
  remove(finding: Finding, keys: FaultKeys, group: IncidentGroup): void {
    const part = group.parts.get(keys.part);
    if (part !== undefined && part.count > 0) part.count -= 1;
    if (finding.isConsequence) group.consequences = Math.max(0, group.consequences - 1);
    else group.count = Math.max(0, group.count - 1);
    if (sizeOf(group) === 0) this.#forget(group);
    else if (group.rootFinding === finding) setNextRoot(group);
  }

  /** Nothing is left of it: the next failure begins another one. */
  #forget(group: IncidentGroup): void {
    if (this.#open.get(group.key) === group) this.#open.delete(group.key);
    if (this.#lastRoot.get(group.gateway) === group) this.#lastRoot.delete(group.gateway);
  }

  /** All incidents, of any size, in the order of their start. The list is bounded. */
  report(): readonly Incident[] {
    const all = [...this.#ended, ...this.#open.values()].filter((group) => sizeOf(group) > 0);
    const ordered = all.map(copyOf).sort((a, b) => a.startMs - b.startMs);
    return mergeSimultaneous(ordered).map(incidentOf);
  }

  get dropped(): LeftOut {
    return this.#dropped;
  }

  /** The incident that a consequence followed from: of the same upstream, or the latest one of the same gateway. */
  #causeOf(finding: Finding, keys: FaultKeys, atMs: number): IncidentGroup | null {
    const same = this.#open.get(keys.incident);
    if (same !== undefined && same.count > 0 && isNear(same, atMs, ejectionMs)) return same;
    const last = this.#lastRoot.get(finding.gateway);
    return last !== undefined && isNear(last, atMs, ejectionMs) ? last : null;
  }

  #groupOf(
    finding: Finding,
    { incident: key, endpoint }: FaultKeys,
    atMs: number,
    reference: LineReference,
  ): IncidentGroup {
    const open = this.#open.get(key);
    if (open !== undefined && isNear(open, atMs, gapMs)) return open;
    if (open !== undefined) this.#end(key, open);
    else if (this.#open.size >= openMax) this.#makeRoom(atMs);
    const group: IncidentGroup = {
      key,
      gateway: finding.gateway,
      isCrash: isCrash(finding),
      upstreams: endpoint === null ? [] : [endpoint],
      root: rootOf(finding, reference),
      rootFinding: finding,
      isRootRemoved: false,
      startMs: atMs,
      endMs: atMs,
      count: 0,
      consequences: 0,
      parts: new Map(),
    };
    this.#open.set(key, group);
    return group;
  }

  #end(key: string, group: IncidentGroup): void {
    this.#open.delete(key);
    if (sizeOf(group) === 0) return;
    this.#ended.push(group);
    if (this.#ended.length < endedMax * 2) return;
    this.#ended.sort((a, b) => sizeOf(b) - sizeOf(a));
    for (const dropped of this.#ended.slice(endedMax)) {
      if (sizeOf(dropped) < failuresMin) continue;
      this.#dropped.kinds += 1;
      this.#dropped.count += sizeOf(dropped);
    }
    this.#ended = this.#ended.slice(0, endedMax);
  }

  /** Ends the incidents that are over. If that frees too few entries, ends the older half, so that this is seldom needed. */
  #makeRoom(atMs: number): void {
    for (const [key, group] of this.#open) if (!isNear(group, atMs, gapMs)) this.#end(key, group);
    if (this.#open.size < openMax / 2) return;
    const byAge = [...this.#open].sort(([, a], [, b]) => a.endMs - b.endMs);
    for (const [key, group] of byAge.slice(0, openMax / 2)) this.#end(key, group);
  }
}

/** The largest ones, in the order of their start; and how many were left out. */
export function largestIncidents(
  incidents: readonly Incident[],
  dropped: LeftOut,
): { readonly incidents: readonly Incident[]; readonly leftOut: LeftOut } {
  const worth = incidents.filter((one) => sizeOf(one) >= failuresMin || isExplained(one));
  const sorted = worth.toSorted((a, b) => sizeOf(b) - sizeOf(a));
  const rest = sorted.slice(reportedMax);
  return {
    incidents: sorted.slice(0, reportedMax).sort((a, b) => a.startMs - b.startMs),
    leftOut: {
      kinds: (dropped.kinds ?? 0) + rest.length,
      count: rest.reduce((sum, one) => sum + sizeOf(one), dropped.count),
    },
  };
}

/** A few unclear requests beside an incident are no incident of their own. */
const isExplained = ({ cause, parts }: Incident): boolean =>
  cause !== null && cause.confidence !== 'possible' && parts.some(({ shape }) => shape !== 'unknown');

function addPart(
  { parts, root, rootFinding }: IncidentGroup,
  finding: Finding,
  { part: key }: FaultKeys,
  atMs: number,
  reference: LineReference,
): void {
  const part = parts.get(key);
  // A kind whose failures were all removed keeps its place.
  if (part === undefined || part.count === 0) {
    if (part === undefined && parts.size >= partsMax) return;
    const first = rootFinding === finding ? root : rootOf(finding, reference);
    parts.set(key, { first: finding, root: first, startMs: atMs, endMs: atMs, count: 1 });
    return;
  }
  part.count += 1;
  part.startMs = Math.min(part.startMs, atMs);
  part.endMs = Math.max(part.endMs, atMs);
}

/** After its root was removed: the first of the kinds that are left, a cause before a consequence. */
function setNextRoot(group: IncidentGroup): void {
  const [next] = [...group.parts.values()]
    .filter(({ first, count }) => first !== group.rootFinding && count > 0)
    .sort((a, b) => Number(a.first.isConsequence) - Number(b.first.isConsequence) || a.startMs - b.startMs);
  group.isRootRemoved = next === undefined;
  if (next === undefined) return;
  group.root = next.root;
  group.rootFinding = next.first;
}

function setRoot(group: IncidentGroup, finding: Finding, reference: LineReference): void {
  group.root = rootOf(finding, reference);
  group.rootFinding = finding;
  group.isRootRemoved = false;
}

function rootOf({ isConsequence, sentence, evidence, fix }: Finding, reference: LineReference): IncidentRoot {
  return {
    ...exampleOf(reference),
    isConsequence,
    sentence: truncateText(sentence),
    evidence: truncateTexts(evidence),
    fix: truncateFix(fix),
  };
}

function isNear({ startMs, endMs }: IncidentGroup, atMs: number, withinMs: number): boolean {
  return atMs <= endMs + withinMs && atMs >= startMs - withinMs;
}

const sizeOf = ({ count, consequences }: Pick<IncidentGroup, 'count' | 'consequences'>): number => count + consequences;

const copyOf = (group: IncidentGroup): IncidentGroup => ({
  ...group,
  upstreams: [...group.upstreams],
  parts: new Map([...group.parts].map(([key, part]) => [key, { ...part }])),
});

/** Joins what ended at the same time behind one gateway: the endpoints of an application, or all addresses of its name. */
function mergeSimultaneous(ordered: readonly IncidentGroup[]): readonly IncidentGroup[] {
  const merged: IncidentGroup[] = [];
  for (const group of ordered) {
    const before = merged.findLast((one) => belongsTo(one, group));
    if (before === undefined) merged.push(group);
    else merge(before, group);
  }
  return merged;
}

function belongsTo(before: IncidentGroup, group: IncidentGroup): boolean {
  if (before.gateway !== group.gateway || !before.isCrash || !group.isCrash) return false;
  return group.startMs <= before.startMs + togetherMs && group.endMs >= before.startMs;
}

function merge(into: IncidentGroup, from: IncidentGroup): void {
  into.endMs = Math.max(into.endMs, from.endMs);
  into.count += from.count;
  into.consequences += from.consequences;
  into.upstreams = [...new Set([...into.upstreams, ...from.upstreams])].slice(0, upstreamsMax);
  for (const [key, part] of from.parts) {
    const same = into.parts.get(key);
    if (same === undefined) into.parts.set(key, part);
    else {
      same.count += part.count;
      same.startMs = Math.min(same.startMs, part.startMs);
      same.endMs = Math.max(same.endMs, part.endMs);
    }
  }
}

function incidentOf(group: IncidentGroup): Incident {
  const { gateway, shape, type, stage } = group.rootFinding;
  const { startMs, endMs, count, consequences, root, upstreams } = group;
  const minutes = Math.max(1000, endMs - startMs) / 60_000;
  const perMinute = Math.round((sizeOf(group) / minutes) * 10) / 10;
  const parts = [...group.parts.values()]
    .filter((part) => part.count > 0)
    .sort((a, b) => a.startMs - b.startMs)
    .map(({ first, ...part }) => ({
      shape: first.shape,
      type: first.type,
      isConsequence: first.isConsequence,
      count: part.count,
      startMs: part.startMs,
      endMs: part.endMs,
    }));
  const what = { gateway, upstreams, shape, type, stage, startMs, endMs, count, consequences, perMinute };
  return { ...what, root, parts, cause: null };
}
