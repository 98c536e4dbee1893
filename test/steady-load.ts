import { Agent, request, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

interface SteadyLoadOptions {
  readonly port: number;
  /** Requests a second, whatever becomes of earlier ones; a fifth are POSTs. */
  readonly rate: number;
  readonly hasSockets: boolean;
  /** The versions that may answer a request that is sent now; null: any. */
  readonly versions?: () => ReadonlySet<string> | null;
  /** What goes on now, before the kind of each failure. */
  readonly phase?: () => string;
}

interface LoadFailures {
  count: number;
  readonly example: string;
}

/** `/download` of the application has so many bytes, and takes five seconds. */
const downloadBytes = 50_000;

/** A client that waits longer has been forgotten. */
const silentMs = 20_000;

/**
 * Clients of an application: requests at a fixed rate on connections that are kept, one download after the other, and a WebSocket that
 * sends 20 messages a second and is opened again when it has ended. The application says its version in `X-Version`.
 */
export class SteadyLoad {
  readonly failures = new Map<string, LoadFailures>();
  /** When each version answered first. */
  readonly firstAnswers = new Map<string, number>();
  rate: number;
  sent = 0;
  downloads = 0;
  messages = 0;
  readonly #options: SteadyLoadOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    this.rate = options.rate;
  }

  get failed(): number {
    return [...this.failures.values()].reduce((sum, { count }) => sum + count, 0);
  }

  start(): void {
    const sockets = this.#options.hasSockets ? [this.#keepSocket()] : [];
    this.#running = Promise.all([this.#askSteadily(), this.#download(), ...sockets]);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.#agent.destroy();
  }

  fail(what: string, example: string): void {
    const kind = [this.#options.phase?.() ?? '', what].filter((text) => text !== '').join(', ');
    const known = this.failures.get(kind);
    if (known === undefined) this.failures.set(kind, { count: 1, example: example.slice(0, 300) });
    else known.count += 1;
  }

  async #askSteadily(): Promise<void> {
    const open = new Set<Promise<void>>();
    for (let dueAt = performance.now(); !this.#isOver; dueAt += 1000 / this.rate) {
      const dueMs = dueAt - performance.now();
      if (dueMs > 1) await sleep(dueMs);
      const isPost = this.sent % 5 === 0;
      const asked = this.#ask(isPost ? 'POST' : 'GET', '/', isPost ? 'order' : null);
      const one: Promise<void> = asked.then(() => void open.delete(one));
      open.add(one);
      this.sent += 1;
    }
    await Promise.all(open);
  }

  async #download(): Promise<void> {
    while (!this.#isOver) {
      await this.#ask('GET', '/download', null, downloadBytes);
      this.downloads += 1;
      // Where all are refused at once.
      await sleep(20);
    }
  }

  async #ask(method: string, path: string, body: string | null, bytes: number | null = null): Promise<void> {
    const what = bytes === null ? method : 'download';
    const versions = this.#options.versions?.() ?? null;
    const at = { host: '127.0.0.1', port: this.#options.port, agent: this.#agent, method, path };
    try {
      const answer = await answerOf(at, body);
      if (answer.status !== 200) return this.fail(`${what}: ${answer.status}`, answer.text);
      if (bytes !== null && answer.bytes !== bytes) return this.fail(`${what}: cut off`, `${answer.bytes} bytes`);
      if (!this.firstAnswers.has(answer.version)) this.firstAnswers.set(answer.version, Date.now());
      if (versions !== null && !versions.has(answer.version))
        this.fail(`${what}: another release`, `${answer.version} answered, not one of ${[...versions].join(', ')}`);
    } catch (error) {
      this.fail(`${what}: ${error instanceof BrokenRequest ? error.kind : 'failed'}`, String(error));
    }
  }

  /** A WebSocket may end, by a close frame or the end of its connection. It must open. */
  async #keepSocket(): Promise<void> {
    while (!this.#isOver) {
      const socket = connect(this.#options.port, '127.0.0.1');
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      let isOpen = false;
      let why = 'closed before it opened';
      socket.on('error', (error) => (why = String(error)));
      socket.on('data', (bytes) => {
        if (isOpen) this.messages += 1;
        else if (bytes.toString('latin1').startsWith('HTTP/1.1 101')) isOpen = true;
        else {
          why = bytes.toString('latin1').slice(0, 40);
          socket.destroy();
        }
      });
      socket.write(handshake);
      const sending = setInterval(() => {
        if (this.#isOver) socket.destroy();
        else if (isOpen) socket.write(message);
      }, 50);
      await closed;
      clearInterval(sending);
      if (isOpen || this.#isOver) continue;
      this.fail('WebSocket: not opened', why);
      await sleep(50);
    }
  }
}

const handshake =
  'GET /socket HTTP/1.1\r\nHost: load\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** "hi", masked with zeros. */
const message = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);

class BrokenRequest extends Error {
  readonly kind: string;

  constructor(kind: string, cause: Error) {
    super(String(cause));
    this.kind = kind;
  }
}

interface Answer {
  readonly status: number;
  readonly version: string;
  readonly bytes: number;
  readonly text: string;
}

function answerOf(options: RequestOptions, body: string | null): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(options, (response) => {
      let [bytes, text] = [0, ''];
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (text.length < 300) text += chunk.toString();
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          version: String(response.headers['x-version'] ?? ''),
          bytes,
          text,
        }),
      );
      response.on('error', (error) => reject(new BrokenRequest('cut off', error)));
    });
    const late = setTimeout(() => {
      const { localPort, bytesRead } = asked.socket ?? {};
      const how = `${bytesRead ?? 'no'} bytes came on a ${asked.reusedSocket ? 'kept' : 'new'} connection from port ${localPort ?? 'none'}`;
      reject(new BrokenRequest('silent', new Error(`${how}, until ${new Date().toISOString()}`)));
      asked.destroy();
    }, silentMs);
    asked.on('close', () => clearTimeout(late));
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const reset = asked.reusedSocket ? 'reset on a kept connection' : 'reset';
      reject(new BrokenRequest(error.code === 'ECONNREFUSED' ? 'refused' : reset, error));
    });
    asked.end(body ?? undefined);
  });
}
