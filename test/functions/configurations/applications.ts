import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { basename } from 'node:path';

// The applications behind the compared gateways: two over HTTP and one over FastCGI, which say what they were asked for.

export interface Applications {
  /** By the port that the configurations name. */
  readonly ports: Readonly<Record<string, number>>;
  close(): void;
}

export async function startApplications(): Promise<Applications> {
  const servers: Readonly<Record<string, Server>> = {
    9000: createHttpServer((request, response) => serve('main', request, response)),
    6001: createHttpServer((request, response) => serve('sockets', request, response)),
    9001: createServer((socket) => new PhpResponder(socket)),
  };
  for (const server of Object.values(servers)) await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    ports: Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, portOf(server)])),
    close() {
      for (const server of Object.values(servers)) {
        server.close();
        if ('closeAllConnections' in server) (server as ReturnType<typeof createHttpServer>).closeAllConnections();
      }
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A gateway that refuses a body may leave in the middle of it. */
function serve(name: string, request: IncomingMessage, response: ServerResponse): void {
  answer(name, request, response).catch(() => response.destroy());
}

async function answer(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let received = 0;
  for await (const bytes of request) received += (bytes as Buffer).length;
  const url = new URL(request.url ?? '/', 'http://application');
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  const { localPort } = request.socket;
  const status = /\/status\/(\d{3})$/.exec(url.pathname)?.[1];
  const headers: Record<string, string> = { 'Content-Type': url.searchParams.get('type') ?? 'text/plain' };
  let body = `${name} ${request.method} ${request.url}, ${received} bytes\n`;
  if (last === 'large') body += 'a line that repeats itself\n'.repeat(400);
  if (last === 'moved') headers['Location'] = `http://127.0.0.1:${localPort}/two/new`;
  if (last === 'cookie') headers['Set-Cookie'] = 'id=7; Domain=localhost; Path=/two/basket; HttpOnly';
  if (last === 'links') {
    headers['Content-Type'] = 'text/html';
    body = '<a href="http://127.0.0.1:8080/a">a</a> <img src="http://127.0.0.1:8080/b"> http://127.0.0.1:8080/c\n';
  }
  headers['Content-Length'] = String(Buffer.byteLength(body));
  response.writeHead(status === undefined ? (last === 'moved' ? 302 : 200) : Number(status), headers);
  response.end(body);
}

const [beginRequest, endRequest, parameters, input, output] = [1, 3, 4, 5, 6];

/** Answers one FastCGI request, as a script would that prints its parameters. */
class PhpResponder {
  #received: Buffer = Buffer.alloc(0);
  #parameters: Buffer = Buffer.alloc(0);
  #bodyBytes = 0;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
  }

  #read(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 8) {
      const length = this.#received.readUInt16BE(4);
      const end = 8 + length + this.#received.readUInt8(6);
      if (this.#received.length < end) return;
      const content = this.#received.subarray(8, 8 + length);
      this.#take(this.#received.readUInt8(1), content);
      this.#received = this.#received.subarray(end);
    }
  }

  #take(type: number, content: Buffer): void {
    if (type === beginRequest) this.#parameters = Buffer.alloc(0);
    else if (type === parameters) this.#parameters = Buffer.concat([this.#parameters, content]);
    else if (type === input && content.length > 0) this.#bodyBytes += content.length;
    else if (type === input) this.#respond();
  }

  #respond(): void {
    const given = pairsOf(this.#parameters);
    const script = basename(given.get('SCRIPT_FILENAME') ?? '');
    const text = `${script} ${given.get('REQUEST_METHOD')} ${given.get('QUERY_STRING')}, ${this.#bodyBytes} bytes\n`;
    this.#write(output, Buffer.from(`Content-Type: text/plain\r\n\r\n${text}`));
    this.#write(output, Buffer.alloc(0));
    this.#write(endRequest, Buffer.alloc(8));
    this.#socket.end();
  }

  #write(type: number | undefined, content: Buffer): void {
    const head = Buffer.from([1, type ?? 0, 0, 1, content.length >> 8, content.length & 255, 0, 0]);
    this.#socket.write(Buffer.concat([head, content]));
  }
}

function pairsOf(bytes: Buffer): Map<string, string> {
  const pairs = new Map<string, string>();
  let at = 0;
  const length = (): number => {
    const first = bytes.readUInt8(at);
    if (first < 128) return bytes.readUInt8(at++);
    at += 4;
    return bytes.readUInt32BE(at - 4) & 0x7fffffff;
  };
  while (at < bytes.length) {
    const [nameLength, valueLength] = [length(), length()];
    const [name, end] = [bytes.toString('latin1', at, at + nameLength), at + nameLength + valueLength];
    pairs.set(name, bytes.toString('latin1', at + nameLength, end));
    at = end;
  }
  return pairs;
}
