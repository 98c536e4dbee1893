import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, request as requestSecurely, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Pebble } from './pebble-server.test-support.ts';

/** What the front was asked for. */
interface FrontRequest {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly step: FrontStep;
  /** What the account has signed; null: nothing. */
  readonly payload: unknown;
}

/** Pebble's paths, by what they are for. */
const steps = {
  dir: 'directory',
  'nonce-plz': 'nonce',
  'sign-me-up': 'account',
  'order-plz': 'new_order',
  'my-order': 'order',
  authZ: 'authorization',
  chalZ: 'challenge',
  'finalize-order': 'finalize',
  certZ: 'download',
  renewal: 'renewal_information',
} as const;

type FrontStep = (typeof steps)[keyof typeof steps] | 'other';

interface FrontAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/**
 * A web server before pebble that does what pebble does not: it gives renewal information (RFC 9773), limits rates, has another
 * time, and waits as long as the test wants. Everything else is pebble's answer.
 */
export class AuthorityFront {
  readonly requests: FrontRequest[] = [];
  /** Null: the directory has no renewal information. */
  window: { readonly start: number; readonly end: number } | null = null;
  /** Its clock minus this machine's, as its responses say. */
  clockDifferenceMs = 0;
  /** Answers in pebble's place, or lets a request wait; null: pebble is asked. */
  answer: (request: FrontRequest) => Promise<FrontAnswer | null> = () => Promise.resolve(null);
  readonly #pebble: Pebble;
  readonly #server: Server;
  #port = 0;

  private constructor(pebble: Pebble) {
    this.#pebble = pebble;
    const { certificate: cert, key } = pebble.server;
    this.#server = createServer({ cert, key }, (request, response) => {
      this.#respond(request).then(
        ({ status, headers, body }) => {
          const date = new Date(Date.now() + this.clockDifferenceMs).toUTCString();
          response.writeHead(status, { ...headers, date }).end(body);
        },
        // Pebble has ended.
        () => response.destroy(),
      );
    });
  }

  static async start(context: TestContext, pebble: Pebble): Promise<AuthorityFront> {
    const front = new AuthorityFront(pebble);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    front.#port = (front.#server.address() as AddressInfo).port;
    context.after(() => front.goDown());
    return front;
  }

  get directoryUrl(): string {
    return `https://127.0.0.1:${this.#port}/dir`;
  }

  count(step: FrontStep): number {
    return this.requests.filter((request) => request.step === step).length;
  }

  /** New connections are refused from now on; a request in progress is answered. */
  goDown(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  async #respond(received: IncomingMessage): Promise<Answered> {
    const content = await contentOf(received);
    const path = received.url ?? '/';
    const step = steps[path.split('/')[1] as keyof typeof steps] ?? 'other';
    const request = { at: Date.now(), step, payload: payloadIn(content) };
    this.requests.push(request);
    const own = (await this.answer(request)) ?? this.#ownAnswer(step);
    if (own !== null) return { ...own, headers: { ...own.headers }, body: JSON.stringify(own.body) };
    const answered = await this.#askPebble(received, path, content);
    if (step !== 'directory' || this.window === null) return answered;
    const renewalInfo = this.directoryUrl.replace(/dir$/, 'renewal');
    return { ...answered, body: JSON.stringify({ ...JSON.parse(answered.body), renewalInfo }) };
  }

  #ownAnswer(step: FrontStep): FrontAnswer | null {
    if (step !== 'renewal_information' || this.window === null) return null;
    const [start, end] = [this.window.start, this.window.end].map((at) => new Date(at).toISOString());
    return { status: 200, headers: { 'retry-after': '21600' }, body: { suggestedWindow: { start, end } } };
  }

  /** With the front's name as Host: pebble then names the front in all URLs. */
  #askPebble({ method, headers }: IncomingMessage, path: string, content: string): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const url = new URL(path, this.#pebble.directoryUrl);
      const asked = requestSecurely(url, { method, headers, rejectUnauthorized: false, agent: false }, (response) => {
        const { date: _, 'content-length': __, ...rest } = response.headers;
        const kept = Object.entries(rest).map(([name, value]) => [name, String(value)]);
        contentOf(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(kept), body }),
          reject,
        );
      });
      asked.on('error', reject);
      asked.end(content);
    });
  }
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A refusal with a problem document (RFC 8555 §6.7). */
export function refusal(status: number, type: string, detail: string, headers: Record<string, string> = {}) {
  const body = { type: `urn:ietf:params:acme:error:${type}`, detail };
  return { status, headers: { 'content-type': 'application/problem+json', ...headers }, body };
}

async function contentOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

function payloadIn(content: string): unknown {
  if (content === '') return null;
  const { payload } = JSON.parse(content) as { payload: string };
  return payload === '' ? null : JSON.parse(Buffer.from(payload, 'base64url').toString());
}
