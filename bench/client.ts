import { connect, type Socket } from 'node:net';
import { browserHeaders } from './browser-headers.ts';

/**
 * The clients that wrk cannot be, in a process of their own: what it does is its first argument, what came of it one line of
 * JSON on standard output.
 *
 *     client.ts echo   <port> <seconds>                         WebSocket messages and their echoes, one in flight on each connection
 *     client.ts idle   <port> <connections>                     one request on each, then rest until standard input ends
 */

const connectionsMax = 64;
const request = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${browserHeaders.join('\r\n')}\r\n\r\n`;

/** Answers have a length or a last chunk, and none is larger than what comes in some reads. */
class KeptConnection {
  readonly socket: Socket;
  #text = '';
  #onAnswer: (() => void) | null = null;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (piece: string) => this.#take(piece));
    this.socket.on('error', (error) => fail(error.message));
  }

  ask(text: string, onAnswer: () => void): void {
    this.#onAnswer = onAnswer;
    this.socket.write(text, 'latin1');
  }

  #take(piece: string): void {
    this.#text += piece;
    const head = this.#text.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /content-length: *(\d+)/i.exec(this.#text.slice(0, head))?.[1];
    const isWhole =
      length === undefined ? this.#text.endsWith('0\r\n\r\n') : this.#text.length >= head + 4 + Number(length);
    if (!isWhole) return;
    if (!/^HTTP\/1\.1 2/.test(this.#text)) fail(`answered with ${this.#text.slice(0, 40)}`);
    this.#text = '';
    this.#onAnswer?.();
  }
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}

function print(result: object): void {
  console.log(JSON.stringify(result));
}

const upgrade =
  'GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

function echo(port: number, seconds: number): void {
  const body = 'the price of tea has changed, and so has that of coffee';
  // Masked with zeros: it may be anything (RFC 6455 §5.3), and so the echo needs no unmasking.
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), Buffer.from(body)]);
  const wanted = body.length + 2;
  let messages = 0;
  for (let index = 0; index < connectionsMax; index++) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let come = -1;
    socket.write(upgrade);
    socket.on('error', (error) => fail(error.message));
    socket.on('data', (bytes) => {
      if (come < 0) {
        if (!bytes.toString('latin1').startsWith('HTTP/1.1 101')) fail(bytes.toString('latin1', 0, 40));
        come = 0;
        return void socket.write(frame);
      }
      come += bytes.length;
      if (come < wanted) return;
      come = 0;
      messages++;
      socket.write(frame);
    });
  }
  setTimeout(() => {
    print({ messages });
    process.exit(0);
  }, seconds * 1000);
}

async function idle(port: number, count: number): Promise<void> {
  const text = request('/orders/1742');
  for (let from = 0; from < count; from += 50) {
    const some = Array.from({ length: Math.min(50, count - from) }, () => new KeptConnection(port));
    await Promise.all(some.map((one) => new Promise<void>((resolve) => one.ask(text, resolve))));
  }
  print({ connections: count });
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}

const [what, port, ...rest] = process.argv.slice(2);
if (what === 'echo') echo(Number(port), Number(rest[0]));
else if (what === 'idle') await idle(Number(port), Number(rest[0]));
