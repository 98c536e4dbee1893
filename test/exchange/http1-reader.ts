/**
 * Reads HTTP/1.1 messages, requests or responses, from bytes: the tests' own eyes. It is written apart from
 * `wire/` and much simpler, so that a fault there is not looked at through itself.
 */
export class ReadMessage {
  /** Request line or status line. */
  readonly startLine: string;
  readonly headers: ReadonlyMap<string, string>;
  trailers: ReadonlyMap<string, string> = new Map();
  whole = false;
  readonly #received = new ReceivedBytes();

  constructor(startLine: string, headers: ReadonlyMap<string, string>) {
    this.startLine = startLine;
    this.headers = headers;
  }

  get body(): Buffer {
    return this.#received.all;
  }

  add(bytes: Buffer): void {
    this.#received.add(bytes, 0, bytes.length);
  }
}

/** The bytes of a body that have come, in slices of one byte or of thousands. */
export class ReceivedBytes {
  #bytes = Buffer.alloc(0);
  #length = 0;

  add(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * length);
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** Keeps its bytes and its length when more bytes come. */
  get all(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

interface ReaderEvents {
  onHead(message: ReadMessage): void;
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
  #inChunk = false;
  /** Why what came is no message; null while it is. */
  broken: string | null = null;

  constructor(events: ReaderEvents, methodOf: (() => string) | null) {
    this.#events = events;
    this.#methodOf = methodOf;
  }

  push(bytes: Uint8Array): void {
    if (this.broken !== null) return;
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
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
    const [startLine = '', ...lines] = this.#take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const headers = headersOf(lines);
    const message = new ReadMessage(startLine, headers);
    this.#message = message;
    this.#frame(message);
    this.#events.onHead(message);
    return true;
  }

  #frame({ startLine, headers }: ReadMessage): void {
    const status = startLine.startsWith('HTTP/') ? Number(startLine.split(' ')[1]) : 0;
    if (startLine.startsWith('HTTP/') !== (this.#methodOf !== null)) this.broken = `a start line "${startLine}"`;
    const empty = status !== 0 && (status < 200 || status === 204 || status === 304 || this.#methodOf?.() === 'HEAD');
    this.#framing = 'length';
    this.#remaining = 0;
    if (empty) return;
    if (headers.get('transfer-encoding') === 'chunked') this.#framing = 'chunked';
    else if (headers.has('content-length')) this.#remaining = Number(headers.get('content-length'));
    else if (status !== 0) this.#framing = 'until-close';
  }

  #readChunked(message: ReadMessage): boolean {
    if (this.#inChunk) return this.#readChunkData(message);
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
    this.#take(line + 2);
    this.#remaining = size;
    this.#inChunk = true;
    return true;
  }

  #readChunkData(message: ReadMessage): boolean {
    if (this.#remaining > 0) {
      if (this.#held.length === 0) return false;
      const size = Math.min(this.#remaining, this.#held.length);
      this.#remaining -= size;
      this.#give(message, this.#take(size));
      return true;
    }
    if (this.#held.length < 2) return false;
    if (this.#take(2).toString('latin1') !== '\r\n') this.broken = 'a chunk without its end';
    this.#inChunk = false;
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
        message.trailers = headersOf(lines);
        return this.#finish(message);
      }
      lines.push(this.#held.toString('latin1', at, end));
      at = end + 2;
    }
  }

  #give(message: ReadMessage, bytes: Buffer): void {
    message.add(bytes);
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

function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  return headers;
}
