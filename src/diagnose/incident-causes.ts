import type { TimedEvent } from './application-events.ts';
import type { ApplicationEventKind } from './finding.ts';
import type { CauseConfidence, Incident, IncidentCause, IncidentPart } from './summary-report.ts';

/** How an event of the application's side shows in the gateway's log. */
interface Relation {
  /** How long before the first failure the event may have happened, and how long after it. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Whether it may also happen at any time of the incident. */
  readonly isThroughout: boolean;
  readonly explains: (part: IncidentPart) => boolean;
}

const isCut = ({ shape }: IncidentPart): boolean => shape === 'reset';
const isRefused = ({ type, shape }: IncidentPart): boolean =>
  type === 'connection_refused' || type === 'destination_unavailable' || (shape === 'unreachable' && type === null);
const isUnclear = ({ shape }: IncidentPart): boolean => shape === 'unknown';
const isEnded = (part: IncidentPart): boolean => isCut(part) || isRefused(part) || isUnclear(part);
const isSlow = ({ shape, type }: IncidentPart): boolean => shape === 'too_slow' || type === 'connection_timeout';
const isFull = ({ type }: IncidentPart): boolean => type === 'connection_limit_reached';

const ended: Relation = { beforeMs: 60_000, afterMs: 3000, isThroughout: false, explains: isEnded };
const busy: Relation = {
  beforeMs: 300_000,
  afterMs: 10_000,
  isThroughout: true,
  explains: (part) => isSlow(part) || isFull(part) || isRefused(part) || isUnclear(part),
};
const killed: Relation = {
  beforeMs: 5000,
  afterMs: 3000,
  isThroughout: true,
  explains: (part) => isCut(part) || isSlow(part) || isUnclear(part),
};

/** The surest explanation first. Kinds that explain nothing by themselves have no relation. */
const relations: readonly (readonly [kind: ApplicationEventKind, relation: Relation])[] = [
  ['oom_kill', ended],
  ['crash', ended],
  ['stop', ended],
  ['timeout', killed],
  ['saturated', busy],
  ['exit', ended],
  ['restart', ended],
  ['unhealthy', busy],
];

/** Programs that serve no requests of a gateway: their end explains nothing by itself. */
const notApplications =
  /^(?:mysqld?|mariadbd?|postgres|postgresql|redis(?:-server)?|mongod|memcached|elasticsearch|chrome|chromium|firefox|nginx|haproxy|envoy|caddy|traefik|apache2|httpd|sshd|cron|dockerd|containerd|kubelet|systemd(?:-\w+)?|apt(?:-get)?|dpkg|rsync|tar|gzip|backup)$/;

/** An event this near to the first failure is not a coincidence. */
const nearMs = 10_000;

/** The incidents, each with the event of the application's side that explains it best. */
export function withCauses(incidents: readonly Incident[], events: readonly TimedEvent[]): readonly Incident[] {
  if (events.length === 0) return incidents;
  return incidents.map((incident) => ({ ...incident, cause: causeOf(incident, events) }));
}

function causeOf(incident: Incident, events: readonly TimedEvent[]): IncidentCause | null {
  const around = events.filter(({ atMs }) => atMs >= incident.startMs - 300_000 && atMs <= incident.endMs + 10_000);
  for (const [kind, relation] of relations) {
    const found = around.filter(({ event, atMs }) => event.kind === kind && isRelated(incident, atMs, relation));
    if (found.length === 0) continue;
    const planned = kind === 'stop' ? null : plannedBefore(around, found);
    const candidates = planned === null ? found : [planned];
    const judged = candidates.map((one) => ({ one, ...confidenceOf(incident, one, candidates) }));
    judged.sort(
      (a, b) => rank[b.confidence] - rank[a.confidence] || distance(incident, a.one) - distance(incident, b.one),
    );
    const [best] = judged;
    if (best !== undefined) return causeFrom(best.one, best.confidence, best.reason);
  }
  return null;
}

const rank: Readonly<Record<CauseConfidence, number>> = { certain: 2, likely: 1, possible: 0 };

const distance = ({ startMs }: Incident, { atMs }: TimedEvent): number => Math.abs(startMs - atMs);

function isRelated({ startMs, endMs, parts }: Incident, atMs: number, relation: Relation): boolean {
  const until = relation.isThroughout ? endMs + relation.afterMs : startMs + relation.afterMs;
  return atMs >= startMs - relation.beforeMs && atMs <= until && parts.some(relation.explains);
}

/** A unit that is stopped on purpose exits, and may be killed: its stop is the cause. */
function plannedBefore(around: readonly TimedEvent[], found: readonly TimedEvent[]): TimedEvent | null {
  if (found.some(({ event }) => event.kind === 'oom_kill')) return null;
  const [exit] = found;
  if (exit === undefined) return null;
  const stop = around.findLast(
    ({ event, atMs }) =>
      event.kind === 'stop' &&
      atMs <= exit.atMs &&
      exit.atMs - atMs <= 120_000 &&
      haveCommonName(event.names, exit.event.names),
  );
  return stop ?? null;
}

interface Judgement {
  readonly confidence: CauseConfidence;
  readonly reason: string;
}

function confidenceOf(incident: Incident, one: TimedEvent, candidates: readonly TimedEvent[]): Judgement {
  const { names } = one.event;
  const ours = wordsOf(incident.upstreams);
  const common = commonWord(names, ours);
  if (common !== null)
    return { confidence: 'certain', reason: `The upstream and the application are both called ${common}` };
  const [first = ''] = names;
  if (notApplications.test(first.toLowerCase()))
    return { confidence: 'possible', reason: `${first} is not known to be the application behind this gateway` };
  const others = candidates.filter((other) => other !== one && !haveCommonName(other.event.names, names));
  if (others.length > 0) return { confidence: 'possible', reason: 'Several programs ended at that time' };
  if (ours.size > 0 && wordsOf(names.filter((name) => name.includes('.service'))).size > 0)
    return { confidence: 'possible', reason: 'The names of the upstream and of the application differ' };
  const isLocal = incident.upstreams.length > 0 && incident.upstreams.every(isOfThisMachine);
  const isNear = distance(incident, one) <= nearMs;
  if (isLocal && isNear)
    return { confidence: 'certain', reason: 'The upstream is on this machine, and nothing else happened at that time' };
  if (isNear)
    return { confidence: 'likely', reason: 'The times agree; the log does not show that it is this upstream' };
  return { confidence: isLocal ? 'likely' : 'possible', reason: 'It happened in the minutes before' };
}

function isOfThisMachine(upstream: string): boolean {
  return /^(?:127\.|localhost\b|\[?::1\b|unix:|\/)/.test(upstream);
}

/** Words of paths, hosts and pools that name no application. */
const commonWords = new Set(
  'http https unix run var tmp sock socket sockets localhost local server servers service upstream upstreams backend backends default internal cluster node pod container slice system scope static srv main com net org www'.split(
    ' ',
  ),
);

/** 'shop' and 'api' of `shop-api.service`; no numbers, and none of the words above. */
function wordsOf(names: readonly string[]): ReadonlySet<string> {
  const words = names.flatMap((name) => name.toLowerCase().split(/[^a-z]+/));
  return new Set(words.filter((word) => word.length >= 3 && !commonWords.has(word)));
}

function commonWord(names: readonly string[], ours: ReadonlySet<string>): string | null {
  for (const word of wordsOf(names)) if (ours.has(word)) return word;
  return null;
}

function haveCommonName(some: readonly string[], others: readonly string[]): boolean {
  return some.some((name) => others.includes(name)) || commonWord(some, wordsOf(others)) !== null;
}

function causeFrom(
  { source, event, atMs, sentence, fix, example }: TimedEvent,
  confidence: CauseConfidence,
  reason: string,
): IncidentCause {
  return { ...example, confidence, reason, source, kind: event.kind, atMs, sentence, fix };
}
