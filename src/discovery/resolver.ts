import type { Cancellable, NetworkFault } from '../core/connector.ts';
import type { EventSink } from '../core/event.ts';
import { dnsFailure } from '../core/dns-failure.ts';
import { explain } from '#failures/failure-texts.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Family, FamilyAnswer, NameAnswer, NameQuestion, NameResolver } from '../core/name-resolver.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import {
  type DnsCacheEntry,
  afterLookup,
  emptyEntry,
  type FamilyOutcome,
  type ResolutionState,
  resolutionStateOf,
} from '../policy/dns-cache.ts';
import { unknownCode } from '../core/unknown-code.ts';

export interface ResolverParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly names: NameResolver;
  readonly events: EventSink;
  /** The addresses or the state of a name have changed. */
  readonly onChange: () => void;
  /** Called for an answer that no entry of the failure table fits. */
  readonly onUnclassified: (fault: NetworkFault) => void;
}

/**
 * Keeps names resolved, on the main thread: looks each up again before its answer expires, and soon after a lookup
 * that failed. No request waits for a lookup; callers read the last result and its state.
 */
export class Resolver {
  readonly #parts: ResolverParts;
  readonly #watched = new Map<string, WatchedName>();

  constructor(parts: ResolverParts) {
    this.#parts = parts;
  }

  /** Begins to look up new names. Of known ones only the time limit changes. */
  watch(questions: readonly NameQuestion[]): void {
    for (const question of questions) {
      const known = this.#watched.get(keyOf(question));
      if (known !== undefined) known.limitMs = question.limitMs;
      else this.#begin(question);
    }
  }

  /** Forgets every other name. */
  keepOnly(questions: readonly NameQuestion[]): void {
    const wanted = new Set(questions.map(keyOf));
    for (const [key, name] of this.#watched) {
      if (wanted.has(key)) continue;
      name.stop();
      this.#watched.delete(key);
    }
  }

  /** The last result for a watched name; null for another name. */
  entryOf(question: NameQuestion): DnsCacheEntry | null {
    return this.#watched.get(keyOf(question))?.entry ?? null;
  }

  /**
   * Why a name has no current addresses: its last failure, or that its first lookup is still in progress. Null where
   * it has some.
   */
  failureOf(question: NameQuestion): Failure | null {
    return this.#watched.get(keyOf(question))?.failure ?? null;
  }

  /** Whether the first lookup of each name has ended. */
  get settled(): boolean {
    return [...this.#watched.values()].every(({ entry }) => entry.lookups > 0);
  }

  stop(): void {
    this.keepOnly([]);
  }

  #begin(question: NameQuestion): void {
    const name = new WatchedName(question, this.#parts);
    this.#watched.set(keyOf(question), name);
    name.lookUp();
  }
}

/** The time limit is not part of the key: it does not change what the answer is. */
function keyOf({ name, families, servers }: NameQuestion): string {
  return JSON.stringify([name, families.toSorted(), servers]);
}

class WatchedName {
  entry: DnsCacheEntry;
  limitMs: number;
  readonly #question: NameQuestion;
  readonly #parts: ResolverParts;
  #askedAt: Instant;
  #lookup: Cancellable | null = null;
  #timer: Timer | null = null;

  constructor(question: NameQuestion, parts: ResolverParts) {
    this.#question = question;
    this.#parts = parts;
    this.limitMs = question.limitMs;
    this.#askedAt = parts.clock.now();
    this.entry = emptyEntry(this.#askedAt);
  }

  get failure(): Failure | null {
    if (this.entry.lookups > 0) return this.entry.failure;
    return fail('dns_timeout', 'dns', { name: this.#question.name, limitMs: this.#waitedMs() });
  }

  lookUp(): void {
    const { clock, names } = this.#parts;
    const { limitMs } = this;
    this.#askedAt = clock.now();
    this.#timer = clock.schedule(after(this.#askedAt, limitMs), overdue, this as WatchedName);
    this.#lookup = names.lookUp(
      { ...this.#question, limitMs },
      { onLookedUp: (answer) => this.#note(answer.source, (family) => this.#outcomeOf(answer[family])) },
    );
  }

  /** For the timer of the lookup only. */
  onOverdue(): void {
    this.#lookup?.cancel();
    const { name } = this.#question;
    const failure = fail('dns_timeout', 'dns', { name, limitMs: this.limitMs });
    this.#note(this.entry.source, () => ({ failure }));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#lookup?.cancel();
  }

  #outcomeOf(answer: FamilyAnswer | null): FamilyOutcome | null {
    if (answer === null) return null;
    if (answer.found) return answer;
    return { failure: this.#failureOf(answer.fault) };
  }

  #failureOf(fault: NetworkFault): Failure {
    const { name } = this.#question;
    const failure = dnsFailure(fault.code, name);
    // The retries ended a little before our own limit: the time that was waited is reported.
    if (failure?.cause === 'dns_timeout') return fail('dns_timeout', 'dns', { name, limitMs: this.#waitedMs() });
    if (failure !== null) return failure;
    this.#parts.onUnclassified(fault);
    return unknownCode(fault);
  }

  #waitedMs(): number {
    return Math.max(1, Math.round(this.#parts.clock.now() - this.#askedAt));
  }

  #note(source: NameAnswer['source'], outcomeOf: (family: Family) => FamilyOutcome | null): void {
    const { clock, random, onChange } = this.#parts;
    this.#lookup = null;
    this.#timer?.cancel();
    const families = new Map<Family, FamilyOutcome>();
    for (const family of this.#question.families) {
      const outcome = outcomeOf(family);
      if (outcome !== null) families.set(family, outcome);
    }
    const before = this.entry;
    this.entry = afterLookup(before, { source, families }, clock.now(), random.next());
    this.#timer = clock.schedule(this.entry.nextAt, lookUpAgain, this as WatchedName);
    if (this.#emitChanges(before, this.entry)) onChange();
  }

  /** Returns whether anything has changed. */
  #emitChanges(before: DnsCacheEntry, now: DnsCacheEntry): boolean {
    const [from, to] = [resolutionStateOf(before), resolutionStateOf(now)];
    const added = without(addressesOf(now), addressesOf(before));
    const removed = without(addressesOf(before), addressesOf(now));
    const { name } = this.#question;
    const { events } = this.#parts;
    const subject = `name:${name}`;
    if (added.length + removed.length > 0 && before.lookups > 0) {
      const reason = `${name} resolves to other addresses${listed('; new', added)}${listed('; gone', removed)}`;
      events.emit({ kind: 'name_addresses', subject, reason, evidence: { name, added, removed } });
    }
    const hasOtherFailure =
      before.failure?.cause !== now.failure?.cause || rcodeOf(before.failure) !== rcodeOf(now.failure);
    if (from === to && !hasOtherFailure) return added.length + removed.length > 0;
    const evidence = {
      name,
      addresses: addressesOf(now),
      cause: now.failure?.cause ?? null,
      rcode: rcodeOf(now.failure),
    };
    // The first lookup of a name that succeeds is not reported.
    if (from !== 'resolving' || to !== 'resolved')
      events.emit({ kind: 'name_state', subject, from, to, reason: reasonOf(to, now), evidence });
    return true;
  }
}

function overdue(name: WatchedName): void {
  name.onOverdue();
}

function lookUpAgain(name: WatchedName): void {
  name.lookUp();
}

function addressesOf({ ipv4, ipv6 }: DnsCacheEntry): readonly string[] {
  return [...ipv4, ...ipv6];
}

function without(these: readonly string[], those: readonly string[]): readonly string[] {
  return these.filter((address) => !those.includes(address));
}

/** How many addresses the sentence lists; the evidence of the event has all of them. */
const listedMax = 8;

function listed(what: string, addresses: readonly string[]): string {
  if (addresses.length === 0) return '';
  const more = addresses.length > listedMax ? ` and ${addresses.length - listedMax} more` : '';
  return `${what}: ${addresses.slice(0, listedMax).join(', ')}${more}`;
}

function rcodeOf(failure: Failure | null): string | null {
  return failure !== null && 'rcode' in failure.evidence ? failure.evidence.rcode : null;
}

function reasonOf(state: ResolutionState, { failure }: DnsCacheEntry): string {
  if (failure === null) return 'it is looked up again';
  const kept = state === 'stale' ? ' Its last good addresses stay in use.' : '';
  return `${explain(failure)}${kept}`;
}
