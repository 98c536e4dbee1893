import {
  addClient,
  type CountedClient,
  type CountedRequests,
  durationBoundsMs,
  type ExchangeCount,
} from '../core/counters.ts';
import type { EndedExchange, EndKind } from '../core/exchange.ts';
import type { Cause, Failure } from '#failures/failure.ts';
import { countedMethodOf } from '../core/attempt-counts.ts';
import { countedClient } from '../core/counted-client.ts';
import { traitKey } from '../core/request-traits.ts';
import { ClientRetries } from './client-retries.ts';
import type { Clock } from '../core/time.ts';
import { whoses } from '#failures/shape.ts';
import {
  endedAtOf,
  isClientDeadline,
  isLongLived,
  shapeOfExchange,
  shapeWithoutFailure,
  whoseOfExchange,
} from './exchange-shape.ts';
import { GoneNames, otherName } from './gone-names.ts';

/** Combinations of labels. More than this burden a metrics store and are not readable. */
const keysMaxDefault = 2000;

/** Clients that are told apart in one batch, so that these take some 10 KiB of it. */
const clientsOfBatchMax = 192;

/** The same of paths, each with so many characters. */
const pathsMax = 8;
const pathsOfBatchMax = 64;
const pathCharactersMax = 120;

/** What requests of one count and batch were, as far as it is told apart. */
const traitsMax = 16;

type StatusClass = ExchangeCount['statusClass'];
const statusClasses = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const satisfies readonly StatusClass[];
const ends = ['forwarded', 'generated', 'truncated', 'abandoned'] as const satisfies readonly EndKind[];
/** gRPC has 17 statuses; an application may send any number. */
const grpcStatusMax = 16;
/** None, one for each status, other and missing. */
const grpcNumbers = grpcStatusMax + 4;

const withoutFailure = ['none', 'app_error', 'client_abort'] as const;

/**
 * Counts exchanges in a worker. Known keys cost some table look-ups and no memory: the labels
 * of one route and upstream are folded into one small integer, which finds the cell.
 */
export class ExchangeCounters {
  readonly #keysMax: number;
  readonly #routes = new Map<string, Map<string, Map<number, ExchangeCount>>>();
  readonly #causes = new Map<Cause | 'client_deadline', number>();
  readonly #clientRetries = new ClientRetries();
  /** Cells with counts since the last delta. */
  #touched: ExchangeCount[] = [];
  #keys = 0;
  #clients = 0;
  #paths = 0;

  constructor(keysMax = keysMaxDefault) {
    this.#keysMax = keysMax;
  }

  count(exchange: EndedExchange): void {
    const cell = this.#cell(exchange);
    if (cell.count === 0) {
      this.#touched.push(cell);
      cell.firstEndedAt = endedAtOf(exchange);
      cell.firstStartedAt = exchange.startedWall;
    } else if (exchange.startedWall < (cell.firstStartedAt as number)) cell.firstStartedAt = exchange.startedWall;
    const durationMs = Math.max(0, exchange.endedAt - exchange.startedAt);
    cell.count += 1;
    cell.durationMsSum += durationMs;
    if (durationMs < cell.durationMsMin) cell.durationMsMin = durationMs;
    if (durationMs > cell.durationMsMax) cell.durationMsMax = durationMs;
    cell.bytesIn += exchange.bytesFromClient;
    cell.bytesOut += exchange.bytesToClient;
    const bucket = bucketOf(durationMs);
    cell.durations[bucket] = (cell.durations[bucket] as number) + 1;
    if (cell.heads !== undefined) noteHead(cell.heads, exchange);
    addTrait(cell.traits as number[], traitKey(exchange));
    if (this.#clientRetries.isRetry(exchange)) cell.clientRetries = (cell.clientRetries as number) + 1;
    if (cell.shape === 'none') cell.client = countedClient(exchange);
    else this.#countFailed(cell, exchange);
  }

  #countFailed({ shape, clients, requests }: ExchangeCount, exchange: EndedExchange): void {
    if (shape !== 'client_abort') this.#countRequest(requests as CountedRequests[], exchange);
    // A client that left without an answer has given up waiting; one that had the head of its response has not.
    const hasWaited = shape !== 'client_abort' || exchange.statusSent === 0;
    this.#countClient(clients as CountedClient[], countedClient(exchange));
    if (hasWaited) this.#clientRetries.noteFailed(exchange);
  }

  #countClient(clients: CountedClient[], client: string): void {
    if (addClient(clients, client, this.#clients < clientsOfBatchMax ? undefined : 0)) this.#clients += 1;
  }

  /** Methods and statuses are few, so that only paths are bounded. */
  #countRequest(requests: CountedRequests[], { method: sent, statusSent: status, target }: EndedExchange): void {
    const method = countedMethodOf(sent);
    const query = target.indexOf('?');
    const whole = query === -1 ? target : target.slice(0, query);
    const path = whole.length > pathCharactersMax ? '' : whole;
    const count = (one: string): boolean => {
      const known = requests.find((each) => each.path === one && each.status === status && each.method === method);
      if (known !== undefined) known.count += 1;
      return known !== undefined;
    };
    if (count(path)) return;
    const isOwn = path !== '' && requests.length < pathsMax && this.#paths < pathsOfBatchMax;
    if (isOwn) this.#paths += 1;
    else if (count('')) return;
    requests.push({ method, status, path: isOwn ? path : '', count: 1 });
  }

  /** The counts since the last call, without unchanged ones. Where there is no entry left, cells without counts give up theirs. */
  takeDelta(): ExchangeCount[] {
    if (this.#keys >= this.#keysMax) this.#dropUnused();
    const delta = this.#touched.map((cell) => ({
      ...cell,
      durations: cell.durations.slice(),
      ...(cell.heads === undefined ? {} : { heads: cell.heads.slice() }),
    }));
    for (const cell of this.#touched) clear(cell);
    this.#touched = [];
    this.#clients = 0;
    this.#paths = 0;
    return delta;
  }

  #dropUnused(): void {
    for (const [route, upstreams] of this.#routes) {
      for (const [upstream, cells] of upstreams) {
        for (const [label, { count }] of cells) {
          if (count > 0) continue;
          cells.delete(label);
          if (route !== otherName) this.#keys -= 1;
        }
        if (cells.size === 0) upstreams.delete(upstream);
      }
      if (upstreams.size === 0) this.#routes.delete(route);
    }
  }

  #cell(exchange: EndedExchange): ExchangeCount {
    const label = this.#label(exchange);
    return this.#routes.get(exchange.route)?.get(exchange.upstream)?.get(label) ?? this.#newCell(exchange, label);
  }

  #label(exchange: EndedExchange): number {
    const verdict =
      exchange.failure === null
        ? withoutFailure.indexOf(shapeWithoutFailure(exchange))
        : withoutFailure.length + this.#causeNumber(exchange.failure);
    const whose = whoseOfExchange(exchange);
    const party = whose === null ? 0 : 1 + whoses.indexOf(whose);
    const label =
      ((verdict * (whoses.length + 1) + party) * ends.length + ends.indexOf(exchange.endKind)) * statusClasses.length +
      classNumber(exchange.statusSent);
    return (label * grpcNumbers + grpcNumber(exchange.grpcStatus ?? null)) * 2 + (isLongLived(exchange) ? 1 : 0);
  }

  #causeNumber(failure: Failure): number {
    const key = isClientDeadline(failure) ? 'client_deadline' : failure.cause;
    const known = this.#causes.get(key);
    if (known !== undefined) return known;
    const number = this.#causes.size;
    this.#causes.set(key, number);
    return number;
  }

  /** `keysMax` limits the routes with their own counts. For other routes causes and ends are still counted separately. */
  #newCell(exchange: EndedExchange, label: number): ExchangeCount {
    const isOther = this.#keys >= this.#keysMax;
    const route = isOther ? otherName : exchange.route;
    const upstream = isOther ? otherName : exchange.upstream;
    const upstreams = valueOf(this.#routes, route, () => new Map<string, Map<number, ExchangeCount>>());
    const cells = valueOf(upstreams, upstream, () => new Map<number, ExchangeCount>());
    return valueOf(cells, label, () => {
      if (!isOther) this.#keys += 1;
      return newCount(exchange, route, upstream);
    });
  }
}

/** The names that there are; '' for exchanges without a route or an upstream. */
export type CurrentNames = () => {
  readonly routes: ReadonlySet<string>;
  readonly upstreams: ReadonlySet<string>;
};

/** Adds up the counts of the workers, in the main thread. */
export class CounterTotals {
  readonly #keysMax: number;
  readonly #totals = new Map<string, ExchangeCount>();
  readonly #current: CurrentNames;
  readonly #routesGone: GoneNames;
  readonly #upstreamsGone: GoneNames;

  constructor(clock: Clock, current: CurrentNames, keysMax = keysMaxDefault) {
    this.#current = current;
    this.#keysMax = keysMax;
    this.#routesGone = new GoneNames(clock);
    this.#upstreamsGone = new GoneNames(clock);
  }

  /** Call this several times a minute, also with nothing. */
  add(delta: readonly ExchangeCount[]): void {
    for (const counted of delta) addTo(this.#total(counted), counted);
    this.#routesGone.reviewIfDue(
      this.#totals,
      ({ route }) => route,
      () => this.#current().routes,
    );
    this.#upstreamsGone.reviewIfDue(
      this.#totals,
      ({ upstream }) => upstream,
      () => this.#current().upstreams,
    );
  }

  all(): readonly ExchangeCount[] {
    return [...this.#totals.values()];
  }

  #total(counted: ExchangeCount): ExchangeCount {
    const known = this.#totals.get(keyOf(counted));
    if (known !== undefined) return known;
    const isOther = this.#totals.size >= this.#keysMax;
    const labels = isOther ? { ...counted, route: otherName, upstream: otherName } : counted;
    return valueOf(this.#totals, keyOf(labels), () => {
      const { whose: _whose, firstEndedAt: _ended, firstStartedAt: _started, isLongLived: _lives, ...counted } = labels;
      const {
        heads: _heads,
        client: _client,
        clients: _clients,
        requests: _requests,
        traits: _traits,
        clientRetries: _retries,
        isClientDeadline: _deadline,
        ...common
      } = counted;
      const total = { ...common, durations: noDurations() };
      clear(total);
      return total;
    });
  }
}

/** No label but route and upstream can hold a line feed, and their names cannot either. */
function keyOf(count: ExchangeCount): string {
  const { route, upstream, statusClass, shape, cause, end, grpcStatus } = count;
  return [route, upstream, statusClass, shape, cause, end, grpcStatus ?? ''].join('\n');
}

function newCount(exchange: EndedExchange, route: string, upstream: string): ExchangeCount {
  const livesLong = isLongLived(exchange);
  return {
    route,
    upstream,
    statusClass: statusClasses[classNumber(exchange.statusSent)] as StatusClass,
    shape: shapeOfExchange(exchange),
    cause: exchange.failure?.cause ?? 'none',
    whose: whoseOfExchange(exchange),
    isClientDeadline: exchange.failure !== null && isClientDeadline(exchange.failure),
    firstEndedAt: 0,
    firstStartedAt: 0,
    end: exchange.endKind,
    grpcStatus: grpcText(grpcNumber(exchange.grpcStatus ?? null)),
    isLongLived: livesLong,
    ...(livesLong ? { heads: noDurations() } : {}),
    client: '',
    clients: [],
    requests: [],
    traits: [],
    clientRetries: 0,
    count: 0,
    durationMsSum: 0,
    durationMsMin: Infinity,
    durationMsMax: 0,
    bytesIn: 0,
    bytesOut: 0,
    durations: noDurations(),
  };
}

function addTrait(traits: number[], key: number): void {
  let at = 0;
  while (at < traits.length && traits[at] !== key) at += 2;
  if (at < traits.length) (traits[at + 1] as number) += 1;
  else if (at < 2 * traitsMax) traits.push(key, 1);
}

/** A tunnel or stream without an attempt has no head of its own. */
function noteHead(heads: number[], { attempts }: EndedExchange): void {
  const headMs = attempts.at(-1)?.headMs ?? -1;
  if (headMs < 0) return;
  const bucket = bucketOf(headMs);
  heads[bucket] = (heads[bucket] as number) + 1;
}

function noDurations(): number[] {
  return new Array<number>(durationBoundsMs.length + 1).fill(0);
}

/**
 * Exchanges that a lost worker had in flight: it alone knew their routes and endpoints, and when they began. Each of them broke without a full
 * response.
 */
export function lostExchanges(count: number): ExchangeCount {
  return {
    route: '',
    upstream: '',
    statusClass: 'none',
    shape: 'refused_by_gateway',
    cause: 'gateway_fault',
    whose: 'gateway',
    end: 'truncated',
    grpcStatus: null,
    count,
    durationMsSum: 0,
    durationMsMin: Infinity,
    durationMsMax: 0,
    bytesIn: 0,
    bytesOut: 0,
    durations: [],
  };
}

function addTo(total: ExchangeCount, counted: ExchangeCount): void {
  total.count += counted.count;
  total.durationMsSum += counted.durationMsSum;
  total.durationMsMin = Math.min(total.durationMsMin, counted.durationMsMin);
  total.durationMsMax = Math.max(total.durationMsMax, counted.durationMsMax);
  total.bytesIn += counted.bytesIn;
  total.bytesOut += counted.bytesOut;
  for (let index = 0; index < total.durations.length; index++) {
    total.durations[index] = (total.durations[index] as number) + (counted.durations[index] ?? 0);
  }
}

function clear(count: ExchangeCount): void {
  count.count = 0;
  count.durationMsSum = 0;
  count.durationMsMin = Infinity;
  count.durationMsMax = 0;
  count.bytesIn = 0;
  count.bytesOut = 0;
  count.durations.fill(0);
  count.heads?.fill(0);
  if (count.client !== undefined) count.client = '';
  if (count.clientRetries !== undefined) count.clientRetries = 0;
  // The batch has taken the last lists.
  if (count.traits !== undefined && count.traits.length > 0) count.traits = [];
  if (count.clients !== undefined && count.clients.length > 0) count.clients = [];
  if (count.requests !== undefined && count.requests.length > 0) count.requests = [];
}

/** The index in `statusClasses`. RFC 9110 §15: a status beyond 599 is taken for a 5xx. */
function classNumber(status: number): number {
  return status < 100 ? 0 : Math.min(Math.floor(status / 100), 5);
}

function grpcNumber(status: number | null): number {
  if (status === null) return 0;
  if (status < 0) return grpcNumbers - 1;
  return Math.min(status, grpcStatusMax + 1) + 1;
}

function grpcText(number: number): string | null {
  if (number === 0) return null;
  if (number === grpcNumbers - 1) return 'missing';
  return number - 1 > grpcStatusMax ? 'other' : String(number - 1);
}

/** Where the search begins: a cell for each power of two of sixteenths of a millisecond. */
const firstBuckets: readonly number[] = Array.from({ length: 32 }, (_, power) => {
  const ms = power === 0 ? 0 : 2 ** (power - 1) / 16;
  const found = durationBoundsMs.findIndex((bound) => bound >= ms);
  return found === -1 ? durationBoundsMs.length : found;
});

/** The last bound of the table. */
const longestMs = durationBoundsMs[durationBoundsMs.length - 1] as number;

/** The index of the first bound that the duration does not exceed; for longer durations the cell after the last bound. */
export function bucketOf(durationMs: number): number {
  if (durationMs > longestMs) return durationBoundsMs.length;
  let bucket = firstBuckets[32 - Math.clz32(durationMs * 16)] as number;
  while (durationMs > (durationBoundsMs[bucket] as number)) bucket += 1;
  return bucket;
}

function valueOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}
