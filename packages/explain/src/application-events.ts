import type { ApplicationEvent, Finding } from './finding.ts';
import { exampleOf, type LineReference } from './line-reference.ts';
import { truncateFix, truncateText } from './report-texts.ts';
import type { Example } from './summary-report.ts';

/** Events that are remembered. Of a kind that repeats (all workers busy), the first and the latest matter. */
const rememberedMax = 4000;

/** Addresses at which applications listen. More are not on one machine. */
const listenersMax = 200;

/** Processes that their server has ended for a timeout, and that may be killed after it. */
const timedOutMax = 1000;

/** A server kills a process that did not end by itself within this time. */
const killedWithinMs = 120_000;

/** One event of the application's side, as it is related to incidents. */
export interface TimedEvent {
  readonly source: Finding['gateway'];
  readonly event: ApplicationEvent;
  readonly atMs: number;
  readonly sentence: string;
  readonly fix: Finding['fix'];
  readonly example: Example;
  /** Where the application listens, if a log shows it. */
  readonly addresses: readonly string[];
}

interface Listener {
  readonly log: string;
  readonly names: readonly string[];
  readonly address: string;
}

/** The events of the application's side that have a time. Its memory is bounded: the oldest are forgotten. */
export class ApplicationEvents {
  #events: TimedEvent[] = [];
  #listeners: Listener[] = [];
  readonly #timedOut = new Map<string, number | null>();
  dropped = 0;

  /** Returns what the line says in the light of earlier ones: the kill of a worker whose time has run out is no cause. */
  add(finding: Finding, event: ApplicationEvent, reference: LineReference): Finding {
    const judged = this.#afterTimeout(finding, event, logOf(finding.gateway, reference.file));
    this.#addListener(event, logOf(finding.gateway, reference.file));
    this.#remember(judged, judged.application ?? event, reference);
    return judged;
  }

  #afterTimeout(finding: Finding, event: ApplicationEvent, log: string): Finding {
    if (event.pid === undefined) return finding;
    const key = `${log} ${event.pid}`;
    if (event.kind === 'timeout') {
      if (this.#timedOut.size >= timedOutMax) this.#timedOut.clear();
      this.#timedOut.set(key, finding.atMs);
      return finding;
    }
    const timedOutMs = this.#timedOut.get(key);
    if (timedOutMs === undefined || (event.kind !== 'oom_kill' && event.kind !== 'crash')) return finding;
    if (timedOutMs !== null && finding.atMs !== null && finding.atMs - timedOutMs > killedWithinMs) return finding;
    const sentence = `The worker with pid ${event.pid} was killed, since its time had run out.`;
    return { ...finding, sentence, fix: null, application: { ...event, kind: null } };
  }

  #addListener({ listens, names }: ApplicationEvent, log: string): void {
    if (listens === undefined || this.#listeners.length >= listenersMax) return;
    if (!this.#listeners.some((one) => one.address === listens && one.log === log))
      this.#listeners.push({ log, names, address: listens });
  }

  #remember({ atMs, gateway, sentence, fix }: Finding, event: ApplicationEvent, reference: LineReference): void {
    if (atMs === null || event.kind === null || event.kind === 'dependency') return;
    this.#events.push({
      source: gateway,
      event,
      atMs,
      sentence: truncateText(sentence),
      fix: truncateFix(fix),
      example: exampleOf(reference),
      addresses: [],
    });
    if (this.#events.length < rememberedMax * 2) return;
    this.dropped += rememberedMax;
    this.#events = this.#events.slice(rememberedMax);
  }

  /** In the order of their times. */
  get all(): readonly TimedEvent[] {
    const all = this.#events
      .toSorted((a, b) => a.atMs - b.atMs)
      .map((one) => ({ ...one, addresses: addressesOf(one, this.#listeners) }));
    return withAddressesOfProcess(all);
  }
}

/** What the kernel tells of a process that the log of the application names, too, concerns that application. */
function withAddressesOfProcess(events: readonly TimedEvent[]): readonly TimedEvent[] {
  const known = new Map<string, TimedEvent>();
  for (const one of events) if (one.event.pid !== undefined && one.addresses.length > 0) known.set(one.event.pid, one);
  if (known.size === 0) return events;
  return events.map((one) => {
    const same = one.addresses.length > 0 ? undefined : known.get(one.event.pid ?? '');
    const isSame = same !== undefined && Math.abs(same.atMs - one.atMs) <= killedWithinMs;
    return isSame ? { ...one, addresses: same.addresses } : one;
  });
}

const logOf = (source: string, file: string | null): string => `${source} ${file ?? ''}`;

/** Addresses in the same log are the application's; those of another log only if it is the only one of that name. */
function addressesOf({ source, event, example }: TimedEvent, listeners: readonly Listener[]): readonly string[] {
  if (event.listens !== undefined) return [event.listens];
  const ofLog = listeners.filter(({ log }) => log === logOf(source, example.file));
  const found = ofLog.length > 0 ? ofLog : listeners.filter(({ names }) => names.some((n) => event.names.includes(n)));
  const addresses = [...new Set(found.map(({ address }) => address))];
  return ofLog.length > 0 || addresses.length === 1 ? addresses : [];
}
