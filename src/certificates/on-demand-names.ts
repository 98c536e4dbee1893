import type { OnDemandTls } from '../core/listener-spec.ts';
import { allowedBy, type AskedName, holderOf, isAllowed, isOnDemandName } from '../core/on-demand.ts';
import { PerSecond } from '../core/per-second.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { SupplyState } from './managed-certificate.ts';
import { hostOf } from './acme-failure.ts';
import type { AcmeTransport } from './acme-documents.ts';

export interface PermissionAnswer {
  readonly isPermitted: boolean;
  /** False: there was no answer, so that it is asked again soon. */
  readonly isAnswer: boolean;
  /** Why it is not permitted, a clause. */
  readonly text: string;
}

/** Says whether the operator lets the gateway obtain a certificate for a name. */
interface NamePermission {
  /** Never rejects. */
  ask(name: string): Promise<PermissionAnswer>;
}

/** It looks into a database of the operator's, no longer. */
const answerMsMax = 5000;

/** Asks `GET <url>?domain=<name>`: a status from 200 to 299 permits. No redirect is followed. */
export class AskPermission implements NamePermission {
  readonly #url: string;
  readonly #transport: AcmeTransport;
  readonly #clock: Clock;

  constructor(url: string, transport: AcmeTransport, clock: Clock) {
    this.#url = url;
    this.#transport = transport;
    this.#clock = clock;
  }

  async ask(name: string): Promise<PermissionAnswer> {
    const url = new URL(this.#url);
    url.searchParams.set('domain', name);
    const abort = new AbortController();
    const late = Promise.withResolvers<null>();
    const timer = this.#clock.schedule(after(this.#clock.now(), answerMsMax), late.resolve, null);
    const request = { method: 'GET', url: url.href, headers: { 'user-agent': 'candor' }, body: null } as const;
    const sent = await Promise.race([this.#transport.send(request, abort.signal), late.promise]);
    timer.cancel();
    if (sent === null) abort.abort();
    const who = `the endpoint of "ask" (${hostOf(this.#url)})`;
    if (sent === null) return unanswered(`${who} did not answer within ${answerMsMax / 1000} s`);
    if (!sent.ok) return unanswered(`${who} cannot be asked (${sent.failure.code || sent.failure.reason})`);
    const { status } = sent.value;
    if (status >= 500) return unanswered(`${who} failed (status ${status})`);
    const isPermitted = status >= 200 && status < 300;
    return { isPermitted, isAnswer: true, text: `${who} does not permit it (status ${status})` };
  }
}

function unanswered(text: string): PermissionAnswer {
  return { isPermitted: false, isAnswer: false, text };
}

/** What is known of a name that has a certificate, or is to get one. */
interface OnDemandState {
  /** It is to be renewed, if it is still used. */
  readonly isDue: boolean;
  /** It has neither a certificate nor failed. */
  readonly isPending: boolean;
}

/** The issuer, as far as names on demand need it. */
interface OnDemandIssuer {
  /** Null: it is not known. */
  state(name: string): OnDemandState | null;
  counts(): OnDemandCounts;
  /** Orders a certificate, or renews it. */
  want(name: string): void;
}

interface OnDemandCounts {
  /** All that have a certificate, are being obtained or have failed. */
  readonly names: number;
  /** Those that have neither a certificate nor failed. */
  readonly pending: number;
}

export function onDemandState(state: SupplyState | null, wallTime: number): OnDemandState | null {
  if (state === null) return null;
  const { held, wanted } = state;
  return {
    isPending: state.isOnDemandPending,
    isDue:
      wanted.isOnDemand === true && held !== null && wallTime >= held.renewAt && (state.usedAt ?? 0) < held.renewAt,
  };
}

export function countsOf(states: readonly SupplyState[]): OnDemandCounts {
  const pending = states.filter(({ isOnDemandPending }) => isOnDemandPending);
  return { names: states.length, pending: pending.length };
}

interface OnDemandLimits {
  /** Names that are being obtained or asked for. */
  readonly atOnceMax: number;
  readonly perHourMax: number;
  /** Besides, of names that the list has literally: the operator has chosen them, and no flood uses these up. */
  readonly literalPerHourMax: number;
  readonly namesMax: number;
  /** Questions to the operator's endpoint in a second. */
  readonly asksPerSecondMax: number;
}

/**
 * Clients choose the names. Let's Encrypt issues 300 orders in three hours for one account, of which a third is left for renewals; each
 * change sends all certificates to all workers.
 */
const onDemandLimits: OnDemandLimits = {
  ...{ atOnceMax: 8, perHourMax: 60, literalPerHourMax: 20 },
  ...{ namesMax: 500, asksPerSecondMax: 10 },
};

/** Answers of the endpoint are kept so long. */
const permittedMs = 600_000;
const refusedMs = 300_000;
/** The endpoint did not answer. */
const silentMs = 10_000;
/** Names with an answer that is kept: the oldest are forgotten. */
const answersMax = 2000;

interface Answer {
  readonly isPermitted: boolean;
  /** Why there is no certificate, a clause; null: it is permitted. */
  readonly text: string | null;
  readonly until: Instant;
}

/** Decides which of the names that clients ask for get a certificate. A name that gets none costs a look into a few maps. */
export class OnDemandNames {
  readonly #settings: OnDemandTls;
  readonly #clock: Clock;
  readonly #issuer: OnDemandIssuer;
  readonly #permission: NamePermission | null;
  readonly #limits: OnDemandLimits;
  readonly #answers = new Map<string, Answer>();
  readonly #asking = new Set<string>();
  readonly #asksPerSecond: PerSecond;
  readonly #orders: OrderShares;

  constructor(
    settings: OnDemandTls,
    clock: Clock,
    issuer: OnDemandIssuer,
    permission: NamePermission | null,
    limits = onDemandLimits,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#issuer = issuer;
    this.#permission = permission;
    this.#limits = limits;
    this.#orders = new OrderShares(clock, limits, (name) => issuer.state(name)?.isPending === true);
    this.#asksPerSecond = new PerSecond(clock, limits.asksPerSecondMax);
  }

  /** A client has asked for it in a handshake; the name in lowercase. */
  note({ name, client }: AskedName): void {
    const state = this.#issuer.state(name);
    if (state !== null && !state.isDue) return;
    if (!isOnDemandName(this.#settings, name) || this.#asking.has(name)) return;
    if (isAllowed(this.#settings.allow, name)) return this.#order(name, client);
    const answer = this.#answerFor(name);
    if (answer?.isPermitted === true) return this.#order(name, client);
    if (answer === null) this.#ask(name, client);
  }

  /** Why there is no certificate, a clause; null: nothing is known beside the state of the order. */
  reasonFor(name: string): string | null {
    if (this.#asking.has(name)) return 'the endpoint of "ask" is being asked';
    return this.#answers.get(name)?.text ?? null;
  }

  #answerFor(name: string): Answer | null {
    const answer = this.#answers.get(name);
    return answer === undefined || this.#clock.now() >= answer.until ? null : answer;
  }

  #ask(name: string, client: string | null): void {
    if (this.#permission === null) return;
    if (this.#isFull(name) || this.#asking.size >= this.#limits.atOnceMax) return;
    if (!this.#asksPerSecond.take()) return;
    this.#asking.add(name);
    void this.#permission.ask(name).then(({ isPermitted, isAnswer, text }) => {
      this.#asking.delete(name);
      const keptMs = isPermitted ? permittedMs : isAnswer ? refusedMs : silentMs;
      this.#keep(name, { isPermitted, text: isPermitted ? null : text, until: after(this.#clock.now(), keptMs) });
      if (isPermitted) this.#order(name, client);
    });
  }

  #order(name: string, client: string | null): void {
    if (this.#issuer.state(name)?.isDue !== true) {
      if (this.#isFull(name)) return;
      const refusal = this.#orders.tryToBegin(name, this.#sharesOf(name, client));
      if (refusal !== null) return this.#refuse(name, refusal);
    }
    this.#answers.delete(name);
    this.#issuer.want(name);
  }

  /** What a flood has in common: one client, one pattern of the list, the domain of one holder. Null: the list has the name literally. */
  #sharesOf(name: string, client: string | null): readonly string[] | null {
    const { allow, ask } = this.#settings;
    const pattern = allowedBy(allow, name);
    if (pattern === name) return null;
    const shares = client === null ? [] : [`client ${client}`];
    // With one pattern alone there is nobody else to leave orders to.
    if (pattern === null) shares.push(`domain ${holderOf(name)}`);
    else if (allow.length > 1 || ask !== null) shares.push(`pattern ${pattern}`);
    return shares;
  }

  #isFull(name: string): boolean {
    const { namesMax, atOnceMax } = this.#limits;
    if (this.#issuer.state(name) !== null) return false;
    const { names, pending } = this.#issuer.counts();
    if (names >= namesMax) {
      this.#refuse(name, `there are ${namesMax} names on demand, which is the most`);
      return true;
    }
    if (pending < atOnceMax) return false;
    this.#refuse(name, `${atOnceMax} names on demand are being obtained, which is the most at once`);
    return true;
  }

  /** The next handshake may try again at once. */
  #refuse(name: string, text: string): void {
    const { isPermitted, until } = this.#answerFor(name) ?? { isPermitted: false, until: this.#clock.now() };
    this.#keep(name, { isPermitted, text, until });
  }

  #keep(name: string, answer: Answer): void {
    this.#answers.delete(name);
    this.#answers.set(name, answer);
    if (this.#answers.size <= answersMax) return;
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined) this.#answers.delete(oldest);
  }
}

const hourMs = 3_600_000;

interface OrderShareLimits {
  readonly atOnceMax: number;
  readonly perHourMax: number;
  readonly literalPerHourMax: number;
}

interface BegunOrder {
  readonly name: string;
  readonly at: Instant;
  /** Null: the list has the name literally. */
  readonly shares: readonly string[] | null;
}

/**
 * The orders on demand of the last hour, and whether another one may begin. A share (a client, a pattern, a domain) may have as many
 * orders as are still free for all others: alone it gets half of them, the next one half of the rest, and one that has none yet always
 * gets one while any is free.
 */
class OrderShares {
  readonly #clock: Clock;
  readonly #limits: OrderShareLimits;
  readonly #isPending: (name: string) => boolean;
  #begun: readonly BegunOrder[] = [];

  constructor(clock: Clock, limits: OrderShareLimits, isPending: (name: string) => boolean) {
    this.#clock = clock;
    this.#limits = limits;
    this.#isPending = isPending;
  }

  /** Null: the order has begun. Otherwise why it may not, a clause. */
  tryToBegin(name: string, shares: readonly string[] | null): string | null {
    const now = this.#clock.now();
    this.#begun = this.#begun.filter(({ at }) => now - at < hourMs);
    const refusal = shares === null ? this.#refusalOfLiteral() : this.#refusal(shares);
    if (refusal === null) this.#begun = [...this.#begun, { name, at: now, shares }];
    return refusal;
  }

  #refusalOfLiteral(): string | null {
    const { literalPerHourMax, perHourMax } = this.#limits;
    const most = literalPerHourMax + perHourMax;
    return this.#begun.length < most ? null : `${most} names were ordered on demand within an hour, which is the most`;
  }

  #refusal(shares: readonly string[]): string | null {
    const { atOnceMax, perHourMax } = this.#limits;
    const others = this.#begun.filter((order) => order.shares !== null);
    const pending = others.filter(({ name }) => this.#isPending(name));
    if (others.length >= perHourMax)
      return `${perHourMax} names were ordered on demand within an hour, which is the most`;
    for (const share of shares) {
      const ofShare = others.filter((order) => order.shares?.includes(share));
      if (ofShare.length >= perHourMax - others.length)
        return `${ofShare.length} names were ordered for the ${share} within an hour, and the rest is left to others`;
      const pendingOfShare = pending.filter((order) => order.shares?.includes(share));
      if (pendingOfShare.length > 0 && pendingOfShare.length >= atOnceMax - pending.length)
        return `${pendingOfShare.length} names of the ${share} are being obtained, and the rest is left to others`;
    }
    return null;
  }
}
