import { randomUUID } from 'node:crypto';
import { setTimeout as passTime } from 'node:timers/promises';
import {
  type CertificateAuthority,
  certificateAuthority,
  type FaultOrigin,
  fin,
  RawClient,
  type RawOutcome,
  refusingAddress,
  send,
  startFaultOrigin,
  type UnreachableAddress,
  unansweringAddress,
} from '../../src/testing/testing.ts';
import type { UpstreamTls } from '../../src/core/upstream-spec.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { systemClock } from '../../src/system/system.ts';
import { tortureFaults } from '../../src/testing/torture/faults.ts';
import { type GatewayUnderTest, startGatewayUnderTest, type Target, type TestTimeouts } from './gateway-under-test.ts';
import type { ExpectedRow } from './load-expected.ts';
import { Http2Front } from './http2-front.ts';
import { hasOwnHost, isOccupied, largeBodies, occupiedMs, OwnSettings, ownHost } from './own-settings.ts';
import { TlsFront, upstreamTlsOf } from './tls-front.ts';

/**
 * Where the connections of a run have TLS, or HTTP/2. On both sides: the origins of the faults, whose upstreams are not special.
 */
export type Security =
  | 'in clear text'
  | 'with TLS before the gateway'
  | 'with TLS on both sides'
  | 'with HTTP/2 before the gateway';

/** The short timeouts that `expected.md` names. */
const timeouts: TestTimeouts = { connectMs: 300, responseHeadMs: 700, idleMs: 400 };

/**
 * The longest time for an exchange of the run: the slow drip takes a second, the longest timeout half of one, and the
 * rest is for a busy machine.
 */
export const exchangeMsMax = 5000;

/** The longest time for a row: a few exchanges, each with its limit, and 33 MB on a busy machine. */
export const playMsMax = 15_000;

/**
 * How long the routes of `held` rows hold responses back: far longer than any row takes, so that no row depends on the
 * speed of the machine.
 */
const heldMs = 10_000;

/**
 * Whether the connection to the origin is new, or has just carried another exchange; whether there are two origins;
 * whether responses are held back.
 */
export type Condition = 'fresh' | 'used' | 'of two' | 'held' | 'held, of two';

const hosts: Readonly<Record<Condition, string>> = {
  fresh: 'fresh.test',
  used: 'used.test',
  'of two': 'two.test',
  held: 'held.test',
  'held, of two': 'held-two.test',
};
const prefixes = ['/fault', '/ok', '/slow'];

/** The conditions under which a row must hold: both, if it names none and an origin gets the request. */
export function conditionsOf({ name, request }: ExpectedRow): readonly Condition[] {
  if (request.held) return [request.ofTwo ? 'held, of two' : 'held'];
  if (request.ofTwo) return ['of two'];
  if (request.reusedAfterMs !== null) return ['used'];
  if (hasOwnHost(name)) return ['fresh'];
  return prefixes.some((prefix) => targetOf(name).startsWith(prefix)) ? ['fresh', 'used'] : ['fresh'];
}

/** Everything that a run needs: good and bad origins, unusable addresses, and a gateway before them. */
export class FaultRun {
  readonly gateway: GatewayUnderTest;
  readonly origin: FaultOrigin;
  readonly #second: FaultOrigin;
  readonly #own: OwnSettings;
  readonly #opened: readonly Closable[];
  /** Through which its clients come; null: they come by themselves. */
  #front: Http2Front | null = null;

  private constructor(
    gateway: GatewayUnderTest,
    origin: FaultOrigin,
    second: FaultOrigin,
    own: OwnSettings,
    opened: readonly Closable[],
  ) {
    this.gateway = gateway;
    this.origin = origin;
    this.#second = second;
    this.#own = own;
    this.#opened = opened;
  }

  /** Rejects, with nothing left open, if a part of it cannot be started. */
  static async start(security: Security): Promise<FaultRun> {
    const opened: Closable[] = [];
    const keep = async <T extends Closable>(opening: Promise<T>): Promise<T> => {
      const one = await opening;
      opened.push(one);
      return one;
    };
    try {
      const origin = await keep(startFaultOrigin({ faults: tortureFaults }));
      const second = await keep(startFaultOrigin({ faults: tortureFaults }));
      const closing = await keep(startFaultOrigin({ atAccept: () => [fin] }));
      const talking = await keep(startFaultOrigin({ atAccept: () => [send('220 mail.test ESMTP ready\r\n')] }));
      const refusing = await keep(refusingAddress());
      const unanswering = await keep(unansweringAddress());
      const own = await keep(OwnSettings.start(origin, { refusing, unanswering }));
      const hasTls = security === 'with TLS before the gateway' || security === 'with TLS on both sides';
      const authority = hasTls ? certificateAuthority(systemClock.wallTime()) : null;
      const others = { closing, talking, refusing, unanswering, own };
      if (authority === null || security !== 'with TLS on both sides') {
        const gateway = await startBefore({ origin, second, tls: null, ...others }, authority);
        const run = new FaultRun(gateway, origin, second, own, opened);
        if (security === 'with HTTP/2 before the gateway') run.#front = await keep(Http2Front.start(gateway));
        return run;
      }
      const front = await keep(TlsFront.start(origin.address, authority));
      const secondFront = await keep(TlsFront.start(second.address, authority));
      const tls = upstreamTlsOf(authority);
      const gateway = await startBefore({ origin: front, second: secondFront, tls, ...others }, authority);
      return new FaultRun(gateway, origin, second, own, opened);
    } catch (error) {
      for (const one of opened.toReversed()) await one.close();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    for (const one of this.#opened.toReversed()) await one.close();
  }

  /** Runs a row: returns what the client received, and its request id. */
  async play(row: ExpectedRow, condition: Condition): Promise<Played> {
    if (condition === 'used') await this.#useOnce(row);
    const occupant = isOccupied(row.name) ? await this.#occupy(row.name) : null;
    const faultId = randomUUID();
    const client = this.#connect();
    client.write(headOf(row, condition, faultId));
    this.#sendBody(client, row.request.bodyBytes);
    if (row.request.leaves) await this.#leave(client, faultId);
    const outcome = await client.response(row.request.method, exchangeMsMax);
    // A truncated response ends with its connection; the client must notice that in time as well.
    if (outcome.response?.complete === false) await client.waitFor(() => client.state !== 'open', exchangeMsMax);
    client.close();
    occupant?.close();
    return { faultId, outcome, next: await this.#ask('/ok') };
  }

  /** How often a request came, to any origin. */
  seen(faultId: string): number {
    return this.origin.count(faultId) + this.#second.count(faultId) + this.#own.count(faultId);
  }

  /** Records come in batches, some time after the client has its answer. */
  async findRecord(faultId: string): Promise<ExchangeRecord | null> {
    for (const limit = performance.now() + playMsMax; performance.now() < limit; await passTime(20)) {
      const record = await this.gateway.findRecord(faultId);
      if (record !== null) return record;
    }
    return null;
  }

  #connect(): RawClient {
    return this.#front === null ? this.gateway.connect() : new RawClient(this.#front.address);
  }

  async #ask(target: string): Promise<RawOutcome> {
    const client = this.#connect();
    client.write(`GET ${target} HTTP/1.1\r\nHost: ${hosts.used}\r\n\r\n`);
    const outcome = await client.response('GET', exchangeMsMax);
    client.close();
    return outcome;
  }

  /** A request that is in flight on the good endpoint of its upstream until it is closed. */
  async #occupy(name: string): Promise<RawClient> {
    const id = randomUUID();
    const client = this.#connect();
    client.write(`GET /slow/${occupiedMs(name)} HTTP/1.1\r\nHost: ${ownHost(name)}\r\nX-Fault-Id: ${id}\r\n\r\n`);
    await this.origin.seen(id);
    return client;
  }

  /** Resolves when the gateway has counted this many exchanges and none is in flight, or after the limit. */
  async quiet(exchanges: number): Promise<void> {
    for (const limit = performance.now() + exchangeMsMax; performance.now() < limit; await passTime(20)) {
      const { ended, active } = this.gateway.exchanges();
      if (ended >= exchanges && active === 0) return;
    }
  }

  /**
   * Gives the pool a connection to the origin that has carried one good exchange: a plain one, or the beginning of the
   * fault itself if the fault begins so.
   */
  async #useOnce(row: ExpectedRow): Promise<void> {
    await this.#ask(row.name === 'close-when-idle' ? '/fault/close-when-idle' : '/ok');
    await passTime(row.request.reusedAfterMs ?? 0);
  }

  async #leave(client: RawClient, faultId: string): Promise<void> {
    await this.origin.seen(faultId);
    client.reset();
  }

  #sendBody(client: RawClient, bytes: number): void {
    const piece = Buffer.alloc(Math.min(bytes, 1_048_576), 'x');
    for (let left = bytes; left > 0; left -= piece.length)
      client.write(left < piece.length ? piece.subarray(0, left) : piece);
  }
}

interface Closable {
  close(): Promise<void>;
}

/** The origins behind the gateway. */
interface Behind {
  /** The origin, or the TLS before it. */
  readonly origin: Pick<FaultOrigin, 'address'>;
  readonly second: Pick<FaultOrigin, 'address'>;
  /** How the gateway speaks to these two; null: in clear text. */
  readonly tls: UpstreamTls | null;
  readonly closing: FaultOrigin;
  readonly talking: FaultOrigin;
  readonly refusing: UnreachableAddress;
  readonly unanswering: UnreachableAddress;
  readonly own: OwnSettings;
}

/** The gateway of the run: a route for each condition, and for each case that has an upstream of its own. */
function startBefore(behind: Behind, authority: CertificateAuthority | null): Promise<GatewayUnderTest> {
  const { origin, second, tls, closing, talking, refusing, unanswering, own } = behind;
  type Unnamed = Omit<Target, 'name' | 'hostName'>;
  const one: Unnamed = { prefixes, to: origin.address, ...(tls === null ? {} : { tls }) };
  const both: Unnamed = { ...one, alsoTo: second.address, keepsConnections: false };
  return startGatewayUnderTest(
    [
      { name: 'origin', hostName: hosts.used, ...one },
      { name: 'origin-fresh', hostName: hosts.fresh, ...one, keepsConnections: false },
      { name: 'two', hostName: hosts['of two'], ...both },
      { name: 'held', hostName: hosts.held, ...one, keepsConnections: false, heldMs },
      { name: 'held-two', hostName: hosts['held, of two'], ...both, heldMs },
      { name: 'closing', prefixes: ['/close-at-accept'], to: closing.address },
      { name: 'talking', prefixes: ['/talks-first'], to: talking.address },
      { name: 'refusing', prefixes: ['/refused'], to: refusing },
      { name: 'unanswering', prefixes: ['/unanswered'], to: unanswering },
      { name: 'unhealthy', prefixes: ['/unhealthy'], to: refusing, checked: true },
      { name: 'maintenance', prefixes: ['/maintenance'], to: 'maintenance' },
      ...own.targets,
    ],
    timeouts,
    own.dns,
    authority,
  );
}

export interface Played {
  /** The ids of the request: X-Fault-Id for the origin, X-Request-Id for the gateway. */
  readonly faultId: string;
  readonly outcome: RawOutcome;
  /** A plain request right after the row. Its answer must be exactly the origin's page. */
  readonly next: RawOutcome;
}

/** The path and host for a row's request. */
function targetOf(name: string): string {
  if (hasOwnHost(name) || name in hops) return largeBodies[name]?.target ?? '/ok';
  switch (name) {
    case 'refused':
    case 'unanswered':
    case 'unhealthy':
    case 'maintenance':
    case 'close-at-accept':
    case 'talks-first':
      return `/${name}`;
    case 'no-route':
      return '/no/such/route';
    case 'upgrade-declined':
      return '/ok';
    case 'client-leaves':
      return '/slow/2000';
    default:
      return `/fault/${name}`;
  }
}

/** The hops that a request claims to have passed. The gateway's own name is `edge.test`. */
const hops: Readonly<Record<string, readonly string[]>> = {
  loop: ['Via: 1.1 elsewhere.test, 1.1 edge.test, 1.1 edge.test, 1.1 edge.test, 1.1 edge.test'],
  'loop-by-cdn-loop': ['CDN-Loop: edge.test; v=1, edge.test; v=1, edge.test; v=1, edge.test; v=1'],
  'two-passages': ['Via: 1.1 edge.test, 1.1 edge.test', 'CDN-Loop: edge.test, edge.test'],
  'hops-without-end': [`Via: ${Array.from({ length: 17 }, (_, hop) => `1.1 hop-${hop}.test`).join(', ')}`],
  'two-hops': ['Via: 1.1 one.test, 1.0 two.test', 'CDN-Loop: other.test'],
};

function headOf(row: ExpectedRow, condition: Condition, faultId: string): string {
  const { method, bodyBytes } = row.request;
  const lines = [
    `${method} ${targetOf(row.name)} HTTP/1.1`,
    `Host: ${hasOwnHost(row.name) ? ownHost(row.name) : hosts[condition]}`,
    ...(hops[row.name] ?? []),
    'Accept: application/json',
    `X-Fault-Id: ${faultId}`,
    `X-Request-Id: ${faultId}`,
  ];
  if (bodyBytes > 0) lines.push(`Content-Length: ${bodyBytes}`);
  if (row.name === 'upgrade-declined') lines.push('Connection: Upgrade', 'Upgrade: websocket');
  return `${lines.join('\r\n')}\r\n\r\n`;
}
