import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** A page's script that talks to the server at /chat; resolves with what it has got, and how it ended. */
export const chatInPage = `new Promise((done) => {
  const seen = [];
  const socket = new WebSocket('wss://' + location.host + '/chat');
  socket.onmessage = ({ data }) => {
    seen.push(data.length > 1000 ? data.length : data);
    if (seen.length === 1) socket.send('one');
    if (seen.length === 2) socket.send('x'.repeat(300_000));
    if (seen.length === 3) socket.close(1000);
  };
  socket.onerror = () => done('it failed');
  socket.onclose = ({ code, wasClean }) => done([...seen, wasClean, code]);
})`;

/** A small WebSocket server (RFC 6455) that sends hello after its 101, echoes each message, and answers pings and close frames. */
export class WebSocketServer {
  port = 0;
  /** Each request for an upgrade. */
  readonly asked: IncomingMessage[] = [];
  /** Close codes that came. */
  readonly closed: number[] = [];
  /** How many pings and pongs came. */
  pings = 0;
  pongs = 0;
  /** Answers requests without an upgrade, with the target and body that came. */
  page: (target: string, body: string) => string = () => 'no upgrade\n';
  readonly #server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      response.setHeader('Content-Type', 'text/html').end(this.page(request.url ?? '', body));
    });
  });
  readonly #open = new Set<Duplex>();

  static async start(): Promise<WebSocketServer> {
    const started = new WebSocketServer();
    started.#server.on('upgrade', (request, socket) => started.#accept(request, socket));
    started.#server.listen(0, '127.0.0.1');
    await once(started.#server, 'listening');
    const address = started.#server.address();
    started.port = typeof address === 'object' && address !== null ? address.port : 0;
    return started;
  }

  /** Ends every connection, without a close frame. */
  endAll(): void {
    for (const socket of this.#open) socket.end();
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(request: IncomingMessage, socket: Duplex): void {
    this.asked.push(request);
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), frame(0x81, Buffer.from('hello'))]));
    let held = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      for (let read = readFrame(held); read !== null; read = readFrame(held)) {
        held = held.subarray(read.bytes);
        const opcode = read.first & 0x0f;
        if (opcode === 8) this.closed.push(read.payload.length < 2 ? 1005 : read.payload.readUInt16BE(0));
        if (opcode === 9) this.pings++;
        if (opcode === 10) this.pongs++;
        else socket.write(frame(opcode === 9 ? 0x8a : read.first, read.payload));
        if (opcode === 8) socket.end();
      }
    });
  }
}

/** `first`: opcode, and whether the frame is the last of its message. */
function frame(first: number, payload: Buffer): Buffer {
  if (payload.length < 126) return Buffer.concat([Buffer.of(first, payload.length), payload]);
  // RFC 6455 §5.2: a length must have its shortest encoding; browsers close the connection otherwise.
  if (payload.length < 65_536)
    return Buffer.concat([Buffer.of(first, 126, payload.length >> 8, payload.length & 0xff), payload]);
  const head = Buffer.of(first, 127, 0, 0, 0, 0, 0, 0, 0, 0);
  head.writeUInt32BE(payload.length, 6);
  return Buffer.concat([head, payload]);
}

/** A frame from a client: masked. */
function readFrame(bytes: Buffer): { first: number; payload: Buffer; bytes: number } | null {
  if (bytes.length < 6) return null;
  let length = (bytes[1] as number) & 0x7f;
  let at = 2;
  if (length === 126) {
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 14) return null;
    length = bytes.readUInt32BE(6);
    at = 10;
  }
  if (bytes.length < at + 4 + length) return null;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
  for (let index = 0; index < payload.length; index++)
    payload[index] = (payload[index] as number) ^ (mask[index & 3] as number);
  return { first: bytes[0] as number, payload, bytes: at + 4 + length };
}
