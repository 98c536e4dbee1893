import { createServer, type Server, type Socket } from 'node:net';
import { endStatuses, recordContentMax, recordHeaderBytes, recordTypes } from './fastcgi-reader.ts';

/** A request as the server has read it. */
export interface FastCgiRequestRead {
  readonly variables: ReadonlyMap<string, string>;
  readonly isKept: boolean;
  readonly body: Buffer;
}

/** What a server sends of an answer; the records are made of it. */
export function record(type: number, content: string | Uint8Array, { id = 1, padding = 0, version = 1 } = {}): Buffer {
  const bytes = Buffer.from(content as string, 'latin1');
  const header = Buffer.from([version, type, id >> 8, id & 0xff, bytes.length >> 8, bytes.length & 0xff, padding, 0]);
  return Buffer.concat([header, bytes, Buffer.alloc(padding)]);
}

/** A stream, in as many records as it needs. */
function stream(type: number, content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content as string, 'latin1');
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += recordContentMax)
    parts.push(record(type, bytes.subarray(at, at + recordContentMax)));
  return Buffer.concat(parts);
}

export const stdout = (content: string | Uint8Array): Buffer => stream(recordTypes.stdout, content);
export const stderr = (content: string): Buffer => stream(recordTypes.stderr, content);

export function endRequest(status: (typeof endStatuses)[number] = 'FCGI_REQUEST_COMPLETE'): Buffer {
  return record(recordTypes.end, Uint8Array.of(0, 0, 0, 0, endStatuses.indexOf(status), 0, 0, 0));
}

/** Reads name-value pairs (FastCGI specification §3.4). */
export function readVariables(bytes: Buffer): Map<string, string> {
  const variables = new Map<string, string>();
  let at = 0;
  const length = (): number => {
    const first = bytes[at] as number;
    if (first < 128) return at++, first;
    at += 4;
    return bytes.readUInt32BE(at - 4) & 0x7fffffff;
  };
  while (at < bytes.length) {
    const [name, value] = [length(), length()];
    variables.set(bytes.toString('latin1', at, at + name), bytes.toString('latin1', at + name, at + name + value));
    at += name + value;
  }
  return variables;
}

/** What a connection has received, until its request is whole. */
class RequestReader {
  #bytes: Buffer = Buffer.alloc(0);
  #variables: Buffer[] = [];
  #body: Buffer[] = [];
  #isKept = false;

  add(bytes: Buffer): FastCgiRequestRead | null {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      if (this.#bytes.length < recordHeaderBytes) return null;
      const length = this.#bytes.readUInt16BE(4);
      const end = recordHeaderBytes + length + (this.#bytes[6] as number);
      if (this.#bytes.length < end) return null;
      const type = this.#bytes[1] as number;
      const content = Buffer.from(this.#bytes.subarray(recordHeaderBytes, recordHeaderBytes + length));
      this.#bytes = this.#bytes.subarray(end);
      if (type === recordTypes.begin) this.#isKept = content[2] === 1;
      else if (type === recordTypes.params) this.#variables.push(content);
      else if (length > 0) this.#body.push(content);
      else return this.#take();
    }
  }

  #take(): FastCgiRequestRead {
    const variables = readVariables(Buffer.concat(this.#variables));
    const body = Buffer.concat(this.#body);
    this.#variables = [];
    this.#body = [];
    return { variables, isKept: this.#isKept, body };
  }
}

/** A FastCGI server for tests: `answer` gets each request when it is whole, and writes to its connection. */
export class FastCgiServer {
  readonly requests: FastCgiRequestRead[] = [];
  connections = 0;
  answer: (request: FastCgiRequestRead, socket: Socket) => void;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(answer: (request: FastCgiRequestRead, socket: Socket) => void) {
    this.answer = answer;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    const reader = new RequestReader();
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      const request = reader.add(bytes);
      if (request === null) return;
      this.requests.push(request);
      this.answer(request, socket);
    });
  }

  /** `path`: of a unix socket; absent: on a free port. */
  async listen(path?: string): Promise<number> {
    await new Promise<void>((resolve) => {
      if (path === undefined) this.#server.listen(0, '127.0.0.1', resolve);
      else this.#server.listen(path, resolve);
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** An ordinary answer, after which the connection closes unless it is kept. */
export function answerWith(output: string | Uint8Array) {
  return ({ isKept }: FastCgiRequestRead, socket: Socket): void => {
    const bytes = Buffer.concat([stdout(output), endRequest()]);
    if (isKept) socket.write(bytes);
    else socket.end(bytes);
  };
}
