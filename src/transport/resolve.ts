import { lookup, Resolver } from 'node:dns';
import type { Cancellable } from '../core/connector.ts';
import { dnsCodes } from '#failures/dns-codes.ts';
import type {
  Family,
  FamilyAnswer,
  LookupWaiter,
  NameAnswer,
  NameQuestion,
  NameResolver,
  NameSource,
} from '../core/name-resolver.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { networkFault } from './errno.ts';
import { candidatesFor, readSystemNames, type SystemNames } from './system-names.ts';

/** Lets so many callers run at a time; later ones wait, first come, first served. */
class ConcurrencyLimiter {
  #free: number;
  readonly #waiters: (() => void)[] = [];

  constructor(max: number) {
    this.#free = max;
  }

  /** Resolves when it is the caller's turn, which ends with `give`. */
  acquire(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  release(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/**
 * Resolves names to addresses. Neither of Node's two ways is enough: `dns.lookup` returns neither TTL nor RCODE, and blocks a
 * thread that file access needs too; `dns.Resolver` knows neither the hosts file nor search domains, and asks no second server
 * after a SERVFAIL. So this follows the order of getaddrinfo, around `dns.Resolver`:
 *
 *     localhost ─▶ hosts file ─▶ each completed name: each name server ─▶ getaddrinfo, where all said "no such name"
 *
 * The last step is for names that only the system knows (mDNS, NSS modules, split DNS of a VPN). It is left out where
 * the configuration names the servers.
 */
export function createNameResolver(clock: Clock, system: () => Promise<SystemNames> = readSystemNames): NameResolver {
  const shared: SharedLookups = { clock, system, atSystem: new Set(), limiter: new ConcurrencyLimiter(questionsMax) };
  return {
    lookUp(question: NameQuestion, waiter: LookupWaiter): Cancellable {
      const running = new Lookup(question, shared);
      void running.run().then((answer) => {
        if (!running.cancelled) waiter.onLookedUp(answer);
      });
      return running;
    },
  };
}

type Answers = ReadonlyMap<Family, FamilyAnswer>;

/**
 * How long the second address family may take once the first is known: some name servers never answer a query for AAAA. Far
 * more than a good server needs, and short enough for a start of the gateway.
 */
const otherFamilyMs = 250;

/** After this time a datagram counts as lost. Resolvers wait longer; here several servers must fit into one limit. */
const repeatMs = 1000;

/**
 * How many queries are in flight at one time. Each has a socket of its own: a configuration with a thousand names must not use
 * up the descriptors that connections need.
 */
const questionsMax = 128;

/** Shared by all lookups. */
interface SharedLookups {
  readonly clock: Clock;
  readonly system: () => Promise<SystemNames>;
  /** Names whose lookup by the system is still running; it cannot be cancelled. */
  readonly atSystem: Set<string>;
  readonly limiter: ConcurrencyLimiter;
}

class Lookup implements Cancellable {
  cancelled = false;
  readonly #question: NameQuestion;
  readonly #clock: Clock;
  readonly #shared: SharedLookups;
  readonly #asking = new Set<Resolver>();

  constructor(question: NameQuestion, shared: SharedLookups) {
    this.#question = question;
    this.#clock = shared.clock;
    this.#shared = shared;
  }

  cancel(): void {
    this.cancelled = true;
    for (const resolver of this.#asking) resolver.cancel();
  }

  async run(): Promise<NameAnswer> {
    const { name, servers } = this.#question;
    const bare = name.replace(/\.$/, '').toLowerCase();
    if (bare === 'localhost' || bare.endsWith('.localhost')) return this.#answer('machine', this.#local(loopback));
    const system = await this.#shared.system();
    const listed = system.hosts.get(bare);
    if (listed !== undefined) return this.#answer('machine', this.#local(listed));
    const answers = await this.#askAll(candidatesFor(bare === name ? bare : `${bare}.`, system.search), [
      ...(servers.length > 0 ? servers : system.servers),
    ]);
    if (servers.length > 0 || this.cancelled || !everyAbsent(answers)) return this.#answer('dns', answers);
    const known = await this.#askSystem();
    return known === null ? this.#answer('dns', answers) : this.#answer('system', known);
  }

  #answer(source: NameSource, answers: Answers): NameAnswer {
    return { source, ipv4: answers.get('ipv4') ?? null, ipv6: answers.get('ipv6') ?? null };
  }

  #local(known: ReadonlyMap<Family, readonly string[]>): Answers {
    return new Map(
      this.#question.families.map((family) => {
        const addresses = known.get(family) ?? [];
        return [family, addresses.length > 0 ? { found: true, addresses, ttlS: null } : failedAnswer('ENODATA')];
      }),
    );
  }

  /** Looks up both families of one completed name before the next, so that they never belong to two hosts. */
  async #askAll(candidates: readonly string[], servers: readonly string[]): Promise<Answers> {
    let gravest: Answers = new Map();
    for (const candidate of candidates) {
      const answers = await this.#askBoth(candidate, servers);
      if (someFound(answers) || this.cancelled) return answers;
      if (gravest.size === 0 || everyAbsent(gravest)) gravest = answers;
      // A server that did not answer for this name will not answer for the next one.
      if (!everyAbsent(answers)) break;
    }
    return gravest;
  }

  async #askBoth(name: string, servers: readonly string[]): Promise<Answers> {
    const answers = new Map<Family, FamilyAnswer>();
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    let secondFamilyTimer: Timer | null = null;
    const round = { isOver: false };
    const asked = this.#question.families.map(async (family) => {
      const answer = await this.#askServers(name, family, servers, round);
      answers.set(family, answer);
      if (answer.found)
        secondFamilyTimer ??= this.#clock.schedule(after(this.#clock.now(), otherFamilyMs), resolve, undefined);
    });
    await Promise.race([Promise.all(asked), enough]);
    (secondFamilyTimer as Timer | null)?.cancel();
    // Cancels queries whose answer is not needed any more.
    round.isOver = true;
    for (const resolver of this.#asking) resolver.cancel();
    for (const family of this.#question.families)
      if (!answers.has(family)) answers.set(family, failedAnswer('ETIMEOUT'));
    return new Map(answers);
  }

  /** Asks one server after the other until one has the name. If none has, the first server that answered decides. */
  async #askServers(
    name: string,
    family: Family,
    servers: readonly string[],
    round: { readonly isOver: boolean },
  ): Promise<FamilyAnswer> {
    let believed = failedAnswer('UNKNOWN_ARES_ERROR');
    let isAnswer = false;
    for (const server of servers) {
      const answer = await this.#askLimited(name, family, server, servers.length);
      if (answer.found || isAbsent(answer) || this.cancelled || round.isOver) return answer;
      const declined = dnsCodes[answer.fault.code]?.kind === 'declined';
      if (!isAnswer) believed = answer;
      isAnswer ||= declined;
    }
    return believed;
  }

  async #askLimited(name: string, family: Family, server: string, servers: number): Promise<FamilyAnswer> {
    const { limiter } = this.#shared;
    await limiter.acquire();
    try {
      return this.cancelled ? failedAnswer('ETIMEOUT') : await this.#ask(name, family, server, servers);
    } finally {
      limiter.release();
    }
  }

  #ask(name: string, family: Family, server: string, servers: number): Promise<FamilyAnswer> {
    const shareMs = this.#question.limitMs / servers;
    const timeout = Math.max(50, Math.min(repeatMs, Math.floor(shareMs / 2)));
    // The last retry may end after the caller's own limit, which is the one to report.
    const tries = Math.ceil(shareMs / timeout) + 1;
    const resolver = new Resolver({ timeout, tries, maxTimeout: timeout });
    this.#asking.add(resolver);
    return new Promise((resolve) => {
      const settle = (answer: FamilyAnswer): void => {
        this.#asking.delete(resolver);
        resolve(answer);
      };
      try {
        resolver.setServers([server]);
      } catch {
        return settle(failedAnswer('ECONNREFUSED')); // what cannot be a server cannot be reached
      }
      const onRecords = (error: Error | null, records: readonly { address: string; ttl: number }[]): void => {
        if (error !== null) return settle({ found: false, fault: networkFault('dns', error) });
        const addresses = records.map(({ address }) => address);
        if (addresses.length === 0) return settle(failedAnswer('ENODATA'));
        // Not spread into Math.min: an answer by TCP may have thousands of records.
        settle({
          found: true,
          addresses,
          ttlS: records.reduce((least, { ttl }) => Math.min(least, ttlOf(ttl)), ttlMaxS),
        });
      };
      if (family === 'ipv4') resolver.resolve4(name, { ttl: true }, onRecords);
      else resolver.resolve6(name, { ttl: true }, onRecords);
    });
  }

  /**
   * Null where the system has no more than the name servers, and while its last lookup of the name is running: each lookup
   * blocks one of the few threads that file access needs too.
   */
  #askSystem(): Promise<Answers | null> {
    const { name, families } = this.#question;
    if (this.#shared.atSystem.has(name)) return Promise.resolve(null);
    this.#shared.atSystem.add(name);
    return new Promise((resolve) => {
      lookup(name, { all: true, order: 'verbatim' }, (error, entries) => {
        this.#shared.atSystem.delete(name);
        if (error !== null) return resolve(null);
        const answers = this.#local(
          new Map(
            families.map((family) => {
              const version = family === 'ipv4' ? 4 : 6;
              return [family, entries.filter((entry) => entry.family === version).map(({ address }) => address)];
            }),
          ),
        );
        resolve(someFound(answers) ? answers : null);
      });
    });
  }
}

/** The largest TTL; one with its highest bit set counts as 0 (RFC 2181 §8). */
const ttlMaxS = 2 ** 31 - 1;

function ttlOf(ttlS: number): number {
  return ttlS < 0 || ttlS > ttlMaxS ? 0 : ttlS;
}

const loopback: ReadonlyMap<Family, readonly string[]> = new Map([
  ['ipv4', ['127.0.0.1']],
  ['ipv6', ['::1']],
]);

function failedAnswer(code: string): FamilyAnswer & { readonly found: false } {
  return { found: false, fault: { stage: 'dns', code, alertId: null } };
}

function isAbsent(answer: FamilyAnswer): boolean {
  return !answer.found && dnsCodes[answer.fault.code]?.kind === 'absent';
}

function someFound(answers: Answers): boolean {
  return [...answers.values()].some(({ found }) => found);
}

function everyAbsent(answers: Answers): boolean {
  return [...answers.values()].every(isAbsent);
}
