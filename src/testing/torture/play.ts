import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { after, type Clock } from '../../core/time.ts';
import { RawClient, type RawOutcome } from '../raw-client.ts';
import { headerOf, parseRawResponse, type RawResponse } from '../raw-response.ts';
import { goodBody } from './faults.ts';
import type { TortureStage } from './stage.ts';
import type { ConnectionUse, TortureObservation, TortureCase, TortureRequest } from './torture-case.ts';

/** A request of a case. */
export interface PlannedRun {
  readonly of: TortureCase;
  readonly request: TortureRequest;
  readonly on: ConnectionUse;
}

interface PlayerOptions {
  readonly gateway: GatewayTarget;
  readonly stage: TortureStage;
  readonly clock: Clock;
  /** For one exchange. An exchange without an end by then counts as waiting. */
  readonly timeoutMs: number;
}

/** A plain request that did not get through. */
export interface FailedCheck extends RawOutcome {
  /**
   * Node's code of the error that broke the connection to the gateway ('ECONNREFUSED', 'CERT_HAS_EXPIRED'); null without
   * one.
   */
  readonly errno: string | null;
}

/** Sends requests through the gateway to the torture origin, and records what both ends see. */
export class Player {
  readonly #gateway: GatewayTarget;
  readonly #stage: TortureStage;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #requestsSent = 0;

  constructor({ gateway, stage, clock, timeoutMs }: PlayerOptions) {
    this.#gateway = gateway;
    this.#stage = stage;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends the request and returns the observation; 'not_set_up' if the gateway has no route to that part of the torture
   * origin.
   */
  async play({ of, request, on }: PlannedRun): Promise<TortureObservation | 'not_set_up'> {
    await this.#stage.plain.retireConnections(retireMsMax);
    const client = openClient(this.#gateway, this.#clock);
    if (on === 'reused') await this.#askGood(client);
    const startedAt = this.#clock.now();
    const id = this.#newId();
    client.forget();
    client.write(this.#head(`/${of.group}/fault/${of.asks}`, id, request));
    sendBody(client, request.bodyBytes);
    // Bytes that are clearly not HTTP need no further waiting.
    const settled = (): boolean => client.state !== 'open' || isSettled(client.bytes, request.method);
    await client.waitFor(settled, this.#timeoutMs);
    const outcome = await client.response(request.method, 0);
    if (outcome.response?.status === 101) await client.waitFor(() => client.state !== 'open', tunnelMs);
    const bytes = client.bytes;
    const elapsedMs = this.#clock.now() - startedAt;
    if (this.#isAstray(of, id, outcome)) return client.close(), 'not_set_up';
    if (of.restMs > 0) await pass(this.#clock, of.restMs);
    const neighbour = await this.#askNeighbours(client, outcome);
    client.close();
    return {
      ...describe(outcome, bytes),
      elapsedMs,
      ...this.#atOrigin(id),
      poisoned: of.expects.poison?.pattern.test(bytes.toString('latin1')) ?? false,
      neighbour,
    };
  }

  /** Sends a plain request: 'ok', or what came instead. */
  async check(): Promise<FailedCheck | 'ok'> {
    const client = openClient(this.#gateway, this.#clock);
    const { outcome, good } = await this.#askGood(client);
    client.close();
    return good ? 'ok' : { ...outcome, errno: client.errno };
  }

  /** The observations of the origin: how often the request came, and on which connection. */
  #atOrigin(id: string): { originSaw: number; reusedAtOrigin: boolean } {
    const { plain, tls } = this.#stage;
    const requests = [...plain.requests, ...(tls?.behind.requests ?? [])];
    const seen = requests.filter((request) => request.faultId === id);
    const originSaw = plain.count(id) + (tls?.count(id) ?? 0);
    return { originSaw, reusedAtOrigin: (seen[0]?.numberOnConnection ?? 1) > 1 };
  }

  /** Whether a request for another part went to the plain part, or to none. */
  #isAstray(of: TortureCase, id: string, { response }: RawOutcome): boolean {
    if (of.group === 'plain') return false;
    return this.#stage.plain.count(id) > 0 || (response !== null && [403, 404, 421].includes(response.status));
  }

  /** Sends a plain request from the same client if possible, and one from another client. */
  async #askNeighbours(client: RawClient, { response }: RawOutcome): Promise<TortureObservation['neighbour']> {
    if (client.state === 'open' && response?.complete === true && response.status !== 101) {
      const { outcome, good } = await this.#askGood(client);
      // A gateway may close after any response. A close does not fail the next request, which it never accepted.
      if (!good && outcome.bytes.length > 0) return isFailure(outcome) ? 'failed' : 'mixed_up';
    }
    const other = openClient(this.#gateway, this.#clock);
    const { outcome, good } = await this.#askGood(other);
    other.close();
    if (good) return 'fine';
    return isFailure(outcome) ? 'failed' : 'mixed_up';
  }

  async #askGood(client: RawClient): Promise<{ outcome: RawOutcome; good: boolean }> {
    const id = this.#newId();
    client.forget();
    client.write(this.#head('/plain/fault/good', id, { method: 'GET', bodyBytes: 0 }));
    const outcome = await client.response('GET', this.#timeoutMs);
    const { response } = outcome;
    const body = response?.body.toString('latin1');
    return { outcome, good: response?.status === 200 && response.complete && body === goodBody(id) };
  }

  #head(path: string, id: string, { method, bodyBytes, upgrade = false }: TortureRequest): string {
    const lines = [
      `${method} ${targetOf(this.#gateway, path)} HTTP/1.1`,
      `Host: ${this.#gateway.url.host}`,
      'User-Agent: candor-torture',
      'Accept: */*',
      `X-Fault-Id: ${id}`,
    ];
    if (bodyBytes > 0) lines.push('Content-Type: text/plain', `Content-Length: ${bodyBytes}`);
    if (upgrade) lines.push('Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${webSocketKey}`);
    if (upgrade) lines.push('Sec-WebSocket-Version: 13');
    return `${lines.join('\r\n')}\r\n\r\n`;
  }

  #newId(): string {
    return `${this.#clock.wallTime().toString(36)}-${++this.#requestsSent}`;
  }
}

type Described = Omit<TortureObservation, 'elapsedMs' | 'originSaw' | 'reusedAtOrigin' | 'poisoned' | 'neighbour'>;

/** What the client received, from its bytes. */
function describe({ response, state }: RawOutcome, bytes: Buffer): Described {
  const tunnel = response?.status === 101 ? bytes.subarray(bytes.indexOf('\r\n\r\n') + 4) : null;
  return {
    status: response?.status ?? null,
    interim: response?.interim ?? interimOf(bytes),
    completeness: completenessOf(response, state !== 'open', bytes),
    body: (tunnel ?? response?.body ?? Buffer.alloc(0)).toString('latin1'),
    strayBytes: tunnel === null ? (response?.rest.length ?? 0) : 0,
    named: errorsNamed(response),
    proxyStatus: response === null ? null : headerOf(response, 'proxy-status'),
    server: response === null ? null : headerOf(response, 'server'),
  };
}

function completenessOf(
  response: RawResponse | null,
  ended: boolean,
  bytes: Buffer,
): TortureObservation['completeness'] {
  if (response !== null && !response.version.startsWith('HTTP/1.')) return 'not_http';
  if (response?.complete === true) return 'complete';
  if (response !== null) return ended ? 'cut' : 'waiting';
  const rest = afterInterim(bytes);
  if (rest.length > 0 && !mayBecomeHead(rest)) return 'not_http';
  return ended ? 'closed' : 'waiting';
}

/** Whether further bytes cannot change the finding. */
function isSettled(bytes: Buffer, method: string): boolean {
  const response = parseRawResponse(bytes, method, 'no');
  if (response !== null) return response.complete || !response.version.startsWith('HTTP/1.');
  return bytes.length > 0 && !mayBecomeHead(afterInterim(bytes)) && afterInterim(bytes).length > 0;
}

/** Parses an incomplete head, as far as possible. */
function mayBecomeHead(bytes: Buffer): boolean {
  const text = bytes.toString('latin1', 0, 13);
  const pattern = 'HTTP/1.1 200 ';
  return /^HTTP\/1\.[0-9] [1-9][0-9]{2}[ \r]/.test(text) || (bytes.length < 13 && pattern.startsWith(text));
}

/** Skips complete heads of interim responses. */
function afterInterim(bytes: Buffer): Buffer {
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1 || !/^HTTP\/1\.[0-9] 1[0-9]{2}[ \r]/.test(rest.toString('latin1', 0, 13))) return rest;
    rest = rest.subarray(end + 4);
  }
}

function interimOf(bytes: Buffer): number[] {
  const interim = bytes.subarray(0, bytes.length - afterInterim(bytes).length).toString('latin1');
  return [...interim.matchAll(/(?:^|\r\n\r\n)HTTP\/1\.[0-9] (1[0-9]{2})/g)].map((match) => Number(match[1]));
}

/** The error types in Proxy-Status. The value is a token (RFC 9209 §2.1.1), so a full parser is not needed. */
function errorsNamed(response: RawResponse | null): readonly string[] {
  const value = response === null ? null : headerOf(response, 'proxy-status');
  if (value === null) return [];
  const bare = value.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return [...bare.matchAll(/;\s*error=([a-z_0-9*-]+)/gi)].map((match) => match[1] as string);
}

/** No response, or one that reports a failure: the request was not mistaken for another. */
function isFailure({ response, bytes }: RawOutcome): boolean {
  if (response === null) return afterInterim(bytes).length === 0 || mayBecomeHead(bytes);
  return response.status >= 400 || !response.complete;
}

function sendBody(client: RawClient, bytes: number): void {
  const slice = Buffer.alloc(Math.min(bytes, 1_048_576), 'x');
  for (let left = bytes; left > 0; left -= slice.length)
    client.write(left < slice.length ? slice.subarray(0, left) : slice);
}

/** Lets time pass. */
export function pass(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(after(clock.now(), ms), resolve, undefined);
  });
}

/** A gateway that watches its idle connections sees the close within a millisecond. Others do not delay the test further. */
const retireMsMax = 100;
/** For the first bytes of the new protocol. */
const tunnelMs = 300;
/** Any 16 bytes will do (RFC 6455 §4.1). */
const webSocketKey = 'Y2FuZG9yIHRvcnR1cmUuLg==';

/** The address of the gateway, and how to connect to it. */
export interface GatewayTarget {
  readonly url: URL;
  /** Whether the certificate of the gateway must be valid. */
  readonly verify: boolean;
}

function openClient({ url, verify }: GatewayTarget, clock: Clock): RawClient {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  if (!secure) return new RawClient({ host, port, clock });
  const open = (): Socket =>
    connectTls({
      host,
      port,
      ...(/^[0-9.]+$|:/.test(host) ? {} : { servername: host }),
      rejectUnauthorized: verify,
      ALPNProtocols: ['http/1.1'],
    });
  return new RawClient({ host, port, clock, open });
}

/** The target for a path of the torture origin, with the path of the gateway's URL before it. */
function targetOf({ url }: GatewayTarget, path: string): string {
  return url.pathname.replace(/\/+$/, '') + path;
}
