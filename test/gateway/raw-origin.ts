import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A request exactly as its bytes say: nothing is sorted, joined, or left out. */
export interface RawRequest {
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** Connections count from 1. */
  readonly connection: number;
}

/** Bytes to send, null to send nothing, or a function that handles the connection itself. */
export type RawAnswer = string | Uint8Array | null | ((socket: Socket) => void);

/** An origin that notes exactly what it receives, and sends exactly what the test gives it. */
export class RawOrigin {
  readonly requests: RawRequest[] = [];
  answer: (request: RawRequest) => RawAnswer = () => ok('ok\n');
  port = 0;
  connections = 0;
  /** How many of these connections have received a byte. */
  connectionsUsed = 0;
  readonly #server: Server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  readonly #open = new Set<Socket>();

  static async start(answer?: (request: RawRequest) => RawAnswer, port = 0): Promise<RawOrigin> {
    const origin = new RawOrigin();
    if (answer !== undefined) origin.answer = answer;
    await origin.listen(port);
    return origin;
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get connectionsOpen(): number {
    return this.#open.size;
  }

  get last(): RawRequest {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error('no request has reached the origin');
    return last;
  }

  /** Sends bytes on the connection that has been open longest: an answer that the test held back. */
  sendOnFirst(bytes: string): void {
    const [first] = this.#open;
    first?.write(Buffer.from(bytes, 'latin1'));
  }

  forget(): void {
    this.requests.length = 0;
  }

  /** Stops listening and closes every connection. */
  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    const connection = ++this.connections;
    let held: Buffer = Buffer.alloc(0);
    this.#open.add(socket);
    socket.on('error', () => {}); // 'close' follows.
    socket.on('close', () => this.#open.delete(socket));
    socket.on('end', () => socket.end());
    socket.once('data', () => {
      this.connectionsUsed += 1;
    });
    socket.on('data', (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      for (let read = readRequest(held, connection); read !== null; read = readRequest(held, connection)) {
        held = read.rest;
        this.requests.push(read.request);
        this.#give(socket, this.answer(read.request));
      }
    });
  }

  #give(socket: Socket, answer: RawAnswer): void {
    if (typeof answer === 'function') answer(socket);
    else if (answer !== null) socket.write(typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer);
  }
}

/** All values of a header, in order. */
export function valuesOf(request: RawRequest, name: string): string[] {
  return request.headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** A response with Content-Length; `headers` are whole lines. */
export function ok(body: string, headers: readonly string[] = [], status = '200 OK'): string {
  return [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}

function readRequest(bytes: Buffer, connection: number): { request: RawRequest; rest: Buffer } | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const [line = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map((text): [string, string] => {
    const colon = text.indexOf(':');
    return [text.slice(0, colon), text.slice(colon + 1).trim()];
  });
  const value = (name: string): string | undefined => headers.find(([n]) => n.toLowerCase() === name)?.[1];
  const after = bytes.subarray(end + 4);
  if (value('transfer-encoding') === 'chunked') {
    const chunks = readChunks(after);
    return chunks && { request: { line, headers, body: chunks.body, connection }, rest: chunks.rest };
  }
  const length = Number(value('content-length') ?? 0);
  if (after.length < length) return null;
  return { request: { line, headers, body: after.subarray(0, length), connection }, rest: after.subarray(length) };
}

function readChunks(bytes: Buffer): { body: Buffer; rest: Buffer } | null {
  const pieces: Buffer[] = [];
  for (let from = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', from);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(bytes.toString('latin1', from, lineEnd), 16);
    from = lineEnd + 2;
    if (size === 0) {
      const end = bytes.indexOf('\r\n', from) === from ? from + 2 : bytes.indexOf('\r\n\r\n', from) + 4;
      return end < from + 2 ? null : { body: Buffer.concat(pieces), rest: bytes.subarray(end) };
    }
    if (bytes.length < from + size + 2) return null;
    pieces.push(bytes.subarray(from, from + size));
    from += size + 2;
  }
}
