import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, type IncomingMessage, request as startRequest, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { Agent as SecureAgent, request as startSecureRequest } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  brotliCompressSync,
  brotliDecompressSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { endRequest, FastCgiServer, stdout } from '../../src/wire/fastcgi-server.test-support.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';

// Many clients at once, each with bodies of its own, through whatever the gateway does with bodies.

export const kib = 1024;

/** Lines of 16 bytes, each with a place for the mark of its client and with its own number. */
const template = Buffer.from(
  Array.from({ length: (3 * kib * kib) / 16 }, (_, line) => `00000-${String(line).padStart(8, '0')}.\n`).join(''),
);

/** A body of so many bytes in which every line has the mark of its client. */
export function markedBody(mark: number, bytes: number): Buffer {
  const body = Buffer.from(template.subarray(0, bytes));
  const digits = Buffer.from(String(mark).padStart(5, '0'));
  for (let at = 0; at < bytes; at += 16) digits.copy(body, at, 0, Math.min(5, bytes - at));
  return body;
}

/** Where two bodies first differ, in words. */
function difference(actual: Uint8Array, expected: Uint8Array): string {
  let at = 0;
  while (at < expected.length && actual[at] === expected[at]) at++;
  const seen = Buffer.from(actual.subarray(Math.max(0, at - 16), at + 32)).toString('latin1');
  return `${actual.length} bytes for ${expected.length}, different from ${at} on: ${JSON.stringify(seen)}`;
}

/** One thing that the gateway does with bodies: a route, and what its requests send and get. */
export interface BodyFeature {
  readonly name: string;
  /** Of the route. `ROOT` is the folder of the files. */
  readonly settings: string;
  readonly sent?: number;
  readonly got: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly coding?: 'gzip' | 'br' | 'zstd';
  /** What the client gets in place of the application's body. */
  readonly becomes?: (body: Buffer) => Buffer;
  /** The application answers the first request of each mark with 503. */
  readonly fails?: true;
  /** The application does not say how long its body is. */
  readonly chunked?: true;
  /** In place of the path of the route; a mark that many clients share. */
  readonly file?: number;
  readonly status?: number;
}

const encode = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync } as const;
const decode: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

type Protocol = 'http/1.1' | 'https' | 'h2';

/** A request: everything that its client, and the application, can check. */
class MarkedRequest {
  readonly feature: BodyFeature;
  readonly path: string;
  readonly method: string;
  readonly body: Buffer | null;
  readonly headers: Record<string, string | number>;
  readonly isSlow: boolean;
  readonly #expected: Buffer;

  constructor(feature: BodyFeature, index: number, mark: number, isSlow: boolean, size: (most: number) => number) {
    this.feature = feature;
    this.isSlow = isSlow;
    const got = feature.file === undefined ? size(feature.got) : feature.got;
    const own = markedBody(feature.file ?? mark, got);
    this.#expected = feature.becomes?.(own) ?? own;
    const plain = feature.sent === undefined ? null : markedBody(mark + 50_000, size(feature.sent));
    this.body = plain === null || feature.coding === undefined ? plain : encode[feature.coding](plain);
    this.method = plain === null ? 'GET' : 'PUT';
    const asked = `mark=${mark}&got=${got}&sent=${plain?.length ?? 0}`;
    const flags = `${feature.fails === true ? '&fails' : ''}${feature.chunked === true ? '&chunked' : ''}`;
    this.path = `/f${index}/${feature.file === undefined ? '' : `${feature.file}.txt`}?${asked}${flags}`;
    this.headers = {
      ...feature.headers,
      ...(this.body === null ? {} : { 'content-length': this.body.length }),
      ...(plain !== null && feature.coding !== undefined ? { 'content-encoding': feature.coding } : {}),
    };
  }

  check(status: number, coding: string | undefined, received: Buffer, protocol: Protocol): string | null {
    const bytes = coding === undefined ? received : (decode[coding]?.(received) ?? received);
    const isRight = status === (this.feature.status ?? 200) && bytes.equals(this.#expected);
    return isRight
      ? null
      : `${this.feature.name} over ${protocol}, ${this.path}: ${status}, ${difference(bytes, this.#expected)}`;
  }
}

/** Reads a body at the speed of its client. */
async function readAll(stream: Readable, isSlow: boolean): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    parts.push(part);
    const before = bytes;
    bytes += part.length;
    if (isSlow && before >> 17 !== bytes >> 17) await sleep(3);
  }
  return Buffer.concat(parts);
}

/** Writes a body in parts of uneven length. */
async function writeAll(stream: Writable, body: Buffer | null, isSlow: boolean): Promise<void> {
  for (let at = 0, part = 1; body !== null && at < body.length; part++) {
    const end = Math.min(body.length, at + (isSlow ? 30_000 : 100_000) + part * 17);
    if (!stream.write(body.subarray(at, end))) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
    if (stream.destroyed) return;
    if (isSlow) await sleep(1);
    at = end;
  }
  stream.end();
}

/** The application: answers with the body that is asked for, and says whether it has got the body that the client says. */
class MarkedApplication {
  readonly faults: string[] = [];
  readonly #failed = new Set<number>();
  readonly #servers: Server[];

  constructor() {
    const serve = (
      request: IncomingMessage | Http2ServerRequest,
      response: ServerResponse | Http2ServerResponse,
    ): void => {
      this.#serve(request, response as ServerResponse).catch((error: unknown) => this.faults.push(String(error)));
    };
    this.#servers = [createServer(serve), createHttp2Server(serve) as unknown as Server];
  }

  async listen(): Promise<number[]> {
    for (const server of this.#servers) await once(server.listen(0, '127.0.0.1'), 'listening');
    return this.#servers.map((server) => (server.address() as AddressInfo).port);
  }

  async #serve(request: IncomingMessage | Http2ServerRequest, response: ServerResponse): Promise<void> {
    // That of the client, where the gateway asks whether it may pass.
    const uri = String(request.headers['x-forwarded-uri'] ?? request.url);
    const query = new URLSearchParams(uri.slice(uri.indexOf('?')));
    const [mark, got, sent] = ['mark', 'got', 'sent'].map((name) => Number(query.get(name))) as [
      number,
      number,
      number,
    ];
    const received = await readAll(request, false);
    const isAsked = request.headers['x-forwarded-uri'] !== undefined;
    const expected = isAsked ? Buffer.alloc(0) : markedBody(mark + 50_000, sent);
    if (!received.equals(expected)) this.faults.push(`the application got ${uri}: ${difference(received, expected)}`);
    const fails = query.has('fails') && !this.#failed.has(mark);
    if (fails) this.#failed.add(mark);
    const body = fails ? markedBody(99_999, kib) : markedBody(mark, got);
    const length = query.has('chunked') ? {} : { 'content-length': body.length };
    response.writeHead(fails ? 503 : isAsked ? 401 : 200, { 'content-type': 'text/plain', ...length });
    await writeAll(response, body, !fails && mark % 3 === 0);
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/** Serves what the application serves, over FastCGI. */
function fastCgiApplication(): FastCgiServer {
  return new FastCgiServer(({ variables, isKept, body }, socket) => {
    const query = new URLSearchParams(variables.get('QUERY_STRING') ?? '');
    const [mark, got, sent] = ['mark', 'got', 'sent'].map((name) => Number(query.get(name))) as [
      number,
      number,
      number,
    ];
    const isRight = body.equals(markedBody(mark + 50_000, sent));
    const head = Buffer.from(`Content-Type: text/plain\r\nStatus: ${isRight ? 200 : 500}\r\n\r\n`);
    const bytes = Buffer.concat([stdout(Buffer.concat([head, markedBody(mark, got)])), endRequest()]);
    if (isKept) socket.write(bytes);
    else socket.end(bytes);
  });
}

/** Files, by their mark. */
export const fileSizes: Readonly<Record<number, number>> = { 90001: 700 * kib, 90002: 40 * kib };

interface MarkedRun {
  readonly features: readonly BodyFeature[];
  /** So many requests of each feature, over each protocol. */
  readonly requests: number;
  readonly seed: string;
}

/** Lets all clients send at once, and returns what was wrong. */
export async function runMarked({ features, requests, seed }: MarkedRun): Promise<string[]> {
  const authority = certificateAuthority(systemClock.wallTime());
  const issued = authority.issue({ names: ['edge.test'] });
  const folder = mkdtempSync(join(tmpdir(), 'candor-marked-'));
  for (const [mark, bytes] of Object.entries(fileSizes))
    writeFileSync(join(folder, `${mark}.txt`), markedBody(Number(mark), bytes));
  const application = new MarkedApplication();
  const php = fastCgiApplication();
  const [port, http2Port] = await application.listen();
  const phpPort = await php.listen();
  const routes = features.map(
    ({ settings }, index) =>
      `  - { path: /f${index}, rewrite: { path: / }, ${settings.replaceAll('ROOT', JSON.stringify(folder))} }`,
  );
  let edge: YamlGateway | null = null;
  let clients: MarkedClients | null = null;
  try {
    edge = await startFromYaml(
      `
listeners:
  http: "127.0.0.1:0"
  https: { bind: "127.0.0.1:0", tls: { certificates: [{ certificate_file: edge.pem, key_file: edge.key }] } }
upstreams:
  app: { endpoints: "127.0.0.1:${port}", check: none }
  streams: { endpoints: "127.0.0.1:${http2Port}", check: none, http2: true }
  php: { endpoints: "127.0.0.1:${phpPort}", check: none, protocol: fastcgi }
routes:
${routes.join('\n')}
`,
      { files: { 'edge.pem': issued.certificate, 'edge.key': issued.key } },
    );
    const asking = (clients = new MarkedClients(edge, authority.certificate));
    const faults = await Promise.all(plan(features, requests, seed).map((asked) => asking.ask(...asked)));
    return [...faults.filter((fault) => fault !== null), ...application.faults];
  } finally {
    clients?.close();
    await edge?.stop();
    application.close();
    await php.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Marks count up, so that no two clients have the same. */
function plan(features: readonly BodyFeature[], requests: number, seed: string): [Protocol, MarkedRequest][] {
  const random = new SeededRandom(seed);
  let mark = 0;
  const size = (most: number): number => {
    const kind = mark % 3 === 1 ? 1 : random.next(); // Each feature has one body of more than a few reads.
    if (kind < 0.1) return 1 + Math.floor(random.next() * 20);
    return kind < 0.3 ? Math.min(most, 65_536) - (mark % 3) : Math.ceil(most * (0.6 + 0.4 * random.next()));
  };
  return Array.from({ length: requests }, () =>
    features.flatMap((feature, index) =>
      (['http/1.1', 'https', 'h2'] as const).map((protocol): [Protocol, MarkedRequest] => {
        mark++;
        return [protocol, new MarkedRequest(feature, index, mark, mark % 2 === 0, size)];
      }),
    ),
  ).flat();
}

/** Far above the usual time. */
const limitMs = 30_000;

/** Clients of all protocols, whose connections carry several requests. */
class MarkedClients {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 12 });
  readonly #secure: SecureAgent;
  readonly #session: ClientHttp2Session;
  readonly #edge: YamlGateway;

  constructor(edge: YamlGateway, ca: string) {
    this.#edge = edge;
    const tls = { ca, servername: 'edge.test' };
    this.#secure = new SecureAgent({ keepAlive: true, maxSockets: 12, ...tls });
    this.#session = connectHttp2(`https://127.0.0.1:${edge.address('https').port}`, tls);
    this.#session.on('error', () => {});
  }

  async ask(protocol: Protocol, asked: MarkedRequest): Promise<string | null> {
    const late = new AbortController();
    try {
      const answer = protocol === 'h2' ? this.#askHttp2(asked) : this.#ask(protocol, asked);
      const tooLate = sleep(limitMs, null, { signal: late.signal }).then(() => Promise.reject(new Error('no answer')));
      const { status, coding, body } = await Promise.race([answer, tooLate]);
      return asked.check(status, coding, body, protocol);
    } catch (error) {
      return `${asked.feature.name} over ${protocol}, ${asked.path}: ${error as Error}`;
    } finally {
      late.abort();
    }
  }

  async #ask(protocol: Protocol, { path, method, headers, body, isSlow }: MarkedRequest) {
    const isSecure = protocol === 'https';
    const target = { ...this.#edge.address(isSecure ? 'https' : 'http'), path, method, headers };
    const request = isSecure
      ? startSecureRequest({ ...target, headers: { ...headers, host: 'edge.test' }, agent: this.#secure })
      : startRequest({ ...target, agent: this.#agent });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    const [[response]] = await Promise.all([answered, writeAll(request, body, isSlow)]);
    const received = await readAll(response, isSlow);
    return { status: response.statusCode ?? 0, coding: response.headers['content-encoding'], body: received };
  }

  async #askHttp2({ path, method, headers, body, isSlow }: MarkedRequest) {
    const stream = this.#session.request(
      { ':path': path, ':method': method, ...headers },
      { endStream: body === null },
    );
    const answered = once(stream, 'response') as Promise<[Record<string, string>]>;
    const sent = body === null ? null : writeAll(stream, body, isSlow);
    const [[head]] = await Promise.all([answered, sent]);
    const received = await readAll(stream, isSlow);
    return { status: Number(head[':status']), coding: head['content-encoding'], body: received };
  }

  close(): void {
    this.#agent.destroy();
    this.#secure.destroy();
    this.#session.destroy();
  }
}

/** Fails with the first few of what was wrong. */
export function assertNothingMixed(faults: readonly string[]): void {
  assert.equal(
    faults.length,
    0,
    `${faults.length} bodies were not those of their clients:\n${faults.slice(0, 5).join('\n')}`,
  );
}
