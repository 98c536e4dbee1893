/**
 * Reads HTTP/1.1 messages, requests or responses, from octets: the tests' own eyes. It is written apart from
 * `wire/` and much simpler, so that a fault there is not looked at through itself.
 */
export interface ReadMessage {
  /** Request line or status line. */
  readonly startLine: string;
  readonly fields: ReadonlyMap<string, string>;
  content: Buffer;
  trailers: ReadonlyMap<string, string>;
  whole: boolean;
}

export interface ReaderEvents {
  onHead(message: ReadMessage): void;
  onContent?(message: ReadMessage, octets: Buffer): void;
  onWhole(message: ReadMessage): void;
}

export class Http1Reader {
  readonly #events: ReaderEvents;
  /** For responses: the method of the request that the next response answers. */
  readonly #methodOf: (() => string) | null;
  #held: Buffer = Buffer.alloc(0);
  #message: ReadMessage | null = null;
  #framing: 'length' | 'chunked' | 'until-close' = 'length';
  #remaining = 0;
  #inTrailers = false;
  /** Why what came is no message; null while it is. */
  broken: string | null = null;

  constructor(events: ReaderEvents, methodOf: (() => string) | null) {
    this.#events = events;
    this.#methodOf = methodOf;
  }

  push(octets: Uint8Array): void {
    if (this.broken !== null) return;
    this.#held = Buffer.concat([this.#held, octets]);
    while (this.broken === null && this.#step());
  }

  /** The peer has sent FIN. */
  end(): void {
    const message = this.#message;
    if (message !== null && this.#framing === 'until-close') this.#finish(message);
  }

  #step(): boolean {
    const message = this.#message;
    if (message === null) return this.#readHead();
    if (this.#framing === 'chunked') return this.#readChunked(message);
    if (this.#framing === 'length' && this.#remaining === 0) return this.#finish(message);
    if (this.#held.length === 0) return false;
    const size = this.#framing === 'length' ? Math.min(this.#remaining, this.#held.length) : this.#held.length;
    this.#remaining -= size;
    this.#give(message, this.#take(size));
    return true;
  }

  #readHead(): boolean {
    const end = this.#held.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [startLine = '', ...lines] = this.#take(end + 4).toString('latin1').trimEnd().split('\r\n');
    const fields = fieldsOf(lines);
    const message: ReadMessage = { startLine, fields, content: Buffer.alloc(0), trailers: new Map(), whole: false };
    this.#message = message;
    this.#frame(message);
    this.#events.onHead(message);
    return true;
  }

  #frame({ startLine, fields }: ReadMessage): void {
    const status = startLine.startsWith('HTTP/') ? Number(startLine.split(' ')[1]) : 0;
    if (startLine.startsWith('HTTP/') !== (this.#methodOf !== null)) this.broken = `a start line "${startLine}"`;
    const empty = status !== 0 && (status < 200 || status === 204 || status === 304 || this.#methodOf?.() === 'HEAD');
    this.#framing = 'length';
    this.#remaining = 0;
    if (empty) return;
    if (fields.get('transfer-encoding') === 'chunked') this.#framing = 'chunked';
    else if (fields.has('content-length')) this.#remaining = Number(fields.get('content-length'));
    else if (status !== 0) this.#framing = 'until-close';
  }

  #readChunked(message: ReadMessage): boolean {
    const line = this.#held.indexOf('\r\n');
    if (line < 0) return false;
    if (this.#inTrailers) return this.#readTrailers(message);
    const size = Number.parseInt(this.#held.toString('latin1', 0, line), 16);
    if (Number.isNaN(size)) this.broken = 'a chunk without a size';
    if (size === 0) {
      this.#take(line + 2);
      this.#inTrailers = true;
      return true;
    }
    if (this.#held.length < line + 2 + size + 2) return false;
    this.#take(line + 2);
    this.#give(message, this.#take(size));
    if (this.#take(2).toString('latin1') !== '\r\n') this.broken = 'a chunk without its end';
    return true;
  }

  #readTrailers(message: ReadMessage): boolean {
    const lines: string[] = [];
    for (let at = 0; ; ) {
      const end = this.#held.indexOf('\r\n', at);
      if (end < 0) return false;
      if (end === at) {
        this.#take(end + 2);
        this.#inTrailers = false;
        message.trailers = fieldsOf(lines);
        return this.#finish(message);
      }
      lines.push(this.#held.toString('latin1', at, end));
      at = end + 2;
    }
  }

  #give(message: ReadMessage, octets: Buffer): void {
    message.content = Buffer.concat([message.content, octets]);
    this.#events.onContent?.(message, octets);
  }

  #finish(message: ReadMessage): boolean {
    this.#message = null;
    message.whole = true;
    this.#events.onWhole(message);
    return this.#held.length > 0;
  }

  #take(size: number): Buffer {
    const taken = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return taken;
  }
}

function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    fields.set(name, fields.has(name) ? `${fields.get(name)}, ${value}` : value);
  }
  return fields;
}
