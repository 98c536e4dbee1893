import type { FlowSecond } from './flows.ts';
import type { Harm, Outage } from './outage.ts';
import { decodeSeconds, type PlayResult, type SeenIncident } from './play-result.ts';

/** Harm of a play, as its clients have seen it. Seconds count from the start of the clients. */
interface SeenHarm {
  readonly began: number;
  readonly ended: number;
  /** Of all requests between the two. */
  readonly share: number;
  /** Of the requests of the kind that suffered most. */
  readonly worstShare: number;
}

/** The first suspect at one moment: right, of the right kind without the names, another one, or no incident. */
export type CauseVerdict = 'right' | 'unnamed' | 'wrong' | 'none';

export interface OutageJudgement {
  readonly name: string;
  readonly kind: string;
  readonly lowRate: boolean;
  readonly no5xx: boolean;
  /** Null: the clients have suffered nothing, so that there is nothing to judge. */
  readonly harm: SeenHarm | null;
  /** Seconds of harm before an incident opened; null: none opened while it lasted. */
  readonly openedAfter: number | null;
  readonly atOpening: CauseVerdict;
  readonly tenSecondsLater: CauseVerdict;
  readonly atEnd: CauseVerdict;
  readonly isSideRight: boolean;
  /** No incident was open although harm went on. */
  readonly isResolvedEarly: boolean;
  readonly incidents: number;
}

export interface ControlJudgement {
  readonly name: string;
  readonly kind: string;
  readonly isFalseAlarm: boolean;
  /** Of the requests of ordinary clients, how many failed. */
  readonly failedShare: number;
}

/** How long after the end of an outage its last consequences may come. */
const afterEndSeconds = 20;
const laterSeconds = 10;

export function judgeOutage(outage: Outage, result: PlayResult): OutageJudgement {
  const { name, kind, lowRate, no5xx } = outage;
  const harm = harmOf(result, outage.harm);
  const own = result.incidents.filter(({ second, isJoined }) => second >= result.beginSecond && !isJoined);
  const began = result.incidents.filter(({ second }) => second < result.beginSecond).map(({ key }) => key);
  const seen = own.filter(({ key }) => !began.includes(key));
  const opened = seen[0]?.second ?? null;
  const isOpened = harm !== null && opened !== null && opened <= harm.ended + laterSeconds;
  const at = (second: number): CauseVerdict => verdictAt(seen, second, outage, result.names);
  return {
    name,
    kind,
    lowRate,
    no5xx,
    harm,
    openedAfter: isOpened ? Math.max(opened - harm.began, 0) : null,
    atOpening: isOpened ? at(opened) : 'none',
    tenSecondsLater: isOpened ? at(opened + laterSeconds) : 'none',
    atEnd: isOpened ? at(Math.max(result.endSecond, opened)) : 'none',
    isSideRight: isOpened && shownAt(seen, Math.max(result.endSecond, opened))?.whose === outage.truth.side,
    isResolvedEarly: isOpened && isResolvedBefore(seen, harm.ended),
    incidents: new Set(seen.map(({ key }) => key)).size,
  };
}

export function judgeControl(kind: string, result: PlayResult): ControlJudgement {
  const seconds = Object.values(result.flows).flatMap(decodeSeconds);
  const requests = sum(seconds, ({ requests }) => requests);
  return {
    name: result.name,
    kind,
    isFalseAlarm: result.incidents.length > 0,
    failedShare: requests === 0 ? 0 : sum(seconds, ({ failed }) => failed) / requests,
  };
}

/** When clients suffered, and how many of their requests. Null: none did. */
export function harmOf(result: PlayResult, kinds: readonly Harm[]): SeenHarm | null {
  const flows = Object.values(result.flows).map(decodeSeconds);
  const until = Math.min(result.endSecond + afterEndSeconds, result.lastSecond);
  const counts = Array.from({ length: until + 1 }, (_, second) =>
    second < result.beginSecond ? 0 : sum(flows, (flow) => harmed(flow[second], kinds)),
  );
  // A busy machine makes a single request slow.
  const least = kinds.includes('slow') ? 2 : 1;
  const began = counts.findIndex(
    (count, second) => count > 0 && sum(counts.slice(second, second + 5), (one) => one) >= least,
  );
  if (began < 0) return null;
  const ended = counts.findLastIndex((count) => count > 0);
  const shares = flows.map((flow) => {
    const seconds = flow.slice(began, ended + 1);
    return { requests: sum(seconds, ({ requests }) => requests), harmed: sum(seconds, (one) => harmed(one, kinds)) };
  });
  const frequent = shares.filter(({ requests }) => requests >= 10);
  return {
    began,
    ended,
    share:
      sum(shares, (one) => one.harmed) /
      Math.max(
        sum(shares, ({ requests }) => requests),
        1,
      ),
    worstShare: Math.max(0, ...frequent.map((one) => one.harmed / one.requests)),
  };
}

/** A request that failed may be slow or different as well, and counts once. */
function harmed(second: FlowSecond | undefined, kinds: readonly Harm[]): number {
  if (second === undefined) return 0;
  const more = (kinds.includes('different') ? second.different : 0) + (kinds.includes('slow') ? second.slow : 0);
  return Math.min(second.failed + more, second.requests);
}

/** What people see at a moment: of several incidents the earliest that is open, else the earliest. */
function shownAt(incidents: readonly SeenIncident[], second: number): SeenIncident | undefined {
  const states = statesAt(incidents, second);
  return states.find(({ isResolved }) => !isResolved) ?? states[0];
}

function statesAt(incidents: readonly SeenIncident[], second: number): SeenIncident[] {
  const states = new Map<string, SeenIncident>();
  for (const one of incidents) if (one.second <= second) states.set(one.key, one);
  return [...states.values()];
}

function verdictAt(
  incidents: readonly SeenIncident[],
  second: number,
  { truth }: Outage,
  names: readonly string[],
): CauseVerdict {
  const shown = shownAt(incidents, second);
  if (shown === undefined) return 'none';
  const first = shown.suspects[0];
  if (first === undefined || !(truth.suspects as readonly string[]).includes(first.name)) return 'wrong';
  const { title, reason, upstream, routes, endpoints, causes } = shown;
  const texts = [title, reason, upstream, ...routes, ...endpoints, ...causes, first.sentence, first.nextStep];
  const text = [...texts, ...first.evidence].join('\n').toLowerCase();
  const isNamed = names.every((name) => name.split('|').some((one) => text.includes(one.toLowerCase())));
  return isNamed ? 'right' : 'unnamed';
}

/** Whether at some moment all incidents were resolved, and clients suffered five seconds later or more. */
function isResolvedBefore(incidents: readonly SeenIncident[], harmEnded: number): boolean {
  return incidents.some(
    ({ second, isResolved }) =>
      isResolved && second + 5 <= harmEnded && statesAt(incidents, second).every((state) => state.isResolved),
  );
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
