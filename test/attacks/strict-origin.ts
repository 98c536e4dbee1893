import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A request that reached the origin, by the strictest reading there is. */
export interface StrictRequest {
  readonly line: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly content: string;
}

/**
 * An origin that takes nothing but what the grammar says, counts what it gets, and complains of everything that two
 * readers could take in two ways. An unfinished request is no request, whatever it begins with.
 */
export class StrictOrigin {
  readonly requests: StrictRequest[] = [];
  readonly complaints: string[] = [];
  port = 0;
  /** What to answer with; a length of its own, so that a response that goes astray is seen. */
  answer: (request: StrictRequest) => string = (request) => answerText(request.line);
  readonly #server: Server = createServer((socket) => this.#accept(socket));
  readonly #open = new Set<Socket>();

  static async start(): Promise<StrictOrigin> {
    const origin = new StrictOrigin();
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    const address = origin.#server.address();
    origin.port = typeof address === 'object' && address !== null ? address.port : 0;
    return origin;
  }

  forget(): void {
    this.requests.length = 0;
    this.complaints.length = 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    let held = '';
    this.#open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#open.delete(socket));
    socket.on('data', (octets: Buffer) => {
      held += octets.toString('latin1');
      for (let read = this.#read(held); read !== null; read = this.#read(held)) {
        held = read.rest;
        this.requests.push(read.request);
        socket.write(Buffer.from(this.answer(read.request), 'latin1'));
      }
    });
  }

  /** The first whole request, and what follows it; null when there is none yet. */
  #read(octets: string): { request: StrictRequest; rest: string } | null {
    const end = octets.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const head = octets.slice(0, end);
    const [line = '', ...lines] = head.split('\r\n');
    if (/[\r\n\0]/.test(head.replaceAll('\r\n', ''))) this.complaints.push(`a control in ${JSON.stringify(head)}`);
    if (!/^[A-Z]+ \/[!-~]* HTTP\/1\.1$/.test(line)) this.complaints.push(`the request line ${JSON.stringify(line)}`);
    const fields = lines.map((text) => this.#field(text));
    const values = (name: string): string[] => fields.filter(([n]) => n === name).map(([, value]) => value);
    const lengths = values('content-length');
    const codings = values('transfer-encoding');
    if (values('host').length !== 1) this.complaints.push(`${values('host').length} Hosts in ${JSON.stringify(head)}`);
    if (lengths.length + codings.length > 1) this.complaints.push(`framed twice: ${JSON.stringify(head)}`);
    if (codings.length === 1 && codings[0] !== 'chunked') this.complaints.push(`Transfer-Encoding: ${codings[0]}`);
    if (lengths.length === 1 && !/^(?:0|[1-9]\d*)$/.test(lengths[0] ?? '')) {
      this.complaints.push(`Content-Length: ${lengths[0]}`);
    }
    const rest = octets.slice(end + 4);
    const content = codings.length > 0 ? this.#chunks(rest) : lengthed(rest, Number(lengths[0] ?? 0));
    return content === null ? null : { request: { line, fields, content: content.text }, rest: content.rest };
  }

  #field(text: string): [string, string] {
    const found = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(text);
    if (found === null) this.complaints.push(`the field line ${JSON.stringify(text)}`);
    return [(found?.[1] ?? '').toLowerCase(), found?.[2] ?? ''];
  }

  #chunks(octets: string): { text: string; rest: string } | null {
    let text = '';
    let rest = octets;
    for (;;) {
      const lineEnd = rest.indexOf('\r\n');
      if (lineEnd < 0) return null;
      const line = rest.slice(0, lineEnd);
      if (!/^[0-9a-f]{1,8}$/.test(line)) this.complaints.push(`the chunk size ${JSON.stringify(line)}`);
      const size = Number.parseInt(line, 16);
      rest = rest.slice(lineEnd + 2);
      if (size === 0) {
        if (rest.startsWith('\r\n')) return { text, rest: rest.slice(2) };
        const end = rest.indexOf('\r\n\r\n');
        return end < 0 ? null : { text, rest: rest.slice(end + 4) };
      }
      if (rest.length < size + 2) return null;
      if (rest.slice(size, size + 2) !== '\r\n') this.complaints.push('a chunk does not end where it said');
      text += rest.slice(0, size);
      rest = rest.slice(size + 2);
    }
  }
}

function lengthed(octets: string, length: number): { text: string; rest: string } | null {
  return octets.length < length ? null : { text: octets.slice(0, length), rest: octets.slice(length) };
}

function answerText(line: string): string {
  const content = `you asked ${line}\n`;
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${content.length}\r\n\r\n${content}`;
}
