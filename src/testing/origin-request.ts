/**
 * Reads requests from bytes, trusts the peer, and keeps as little as possible. It does not use the gateway's parser, because
 * a tool that tests a parser must not share it.
 */
export class OriginRequestReader {
  readonly #listener: OriginRequestListener;
  #held = Buffer.alloc(0);
  #state: 'head' | 'body' | 'chunk-size' | 'chunk-end' | 'trailers' | 'broken' = 'head';
  #remaining = 0;
  #stopped = false;

  constructor(listener: OriginRequestListener) {
    this.#listener = listener;
  }

  push(bytes: Uint8Array): void {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    this.#read();
  }

  /** Stops reading until `proceed`, so that one request is answered before the next is read. */
  hold(): void {
    this.#stopped = true;
  }

  proceed(): void {
    this.#stopped = false;
    this.#read();
  }

  #read(): void {
    while (!this.#stopped && this.#step());
  }

  /** Reads one element. Returns false if it needs more bytes. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'body':
        return this.#readBody();
      case 'chunk-size':
        return this.#readChunkSize();
      case 'chunk-end':
        return this.#readLine() !== null && this.#enter('chunk-size');
      case 'trailers':
        return this.#readTrailer();
      case 'broken':
        return false;
    }
  }

  #readHead(): boolean {
    const end = this.#held.indexOf('\r\n\r\n');
    if (end === -1) return this.#held.length > headBytesMax ? this.#refuse() : false;
    const head = parseHead(this.#held.toString('latin1', 0, end));
    this.#held = this.#held.subarray(end + 4);
    if (head === null) return this.#refuse();
    const chunked = /(^|,)\s*chunked\s*$/i.test(head.headers.get('transfer-encoding') ?? '');
    this.#remaining = chunked ? 0 : Number(head.headers.get('content-length') ?? 0);
    this.#state = chunked ? 'chunk-size' : 'body';
    this.#listener.onHead(head);
    return true;
  }

  #readBody(): boolean {
    if (this.#remaining > 0 && this.#held.length === 0) return false;
    const bytes = this.#held.subarray(0, this.#remaining);
    this.#held = this.#held.subarray(bytes.length);
    this.#remaining -= bytes.length;
    if (bytes.length > 0) this.#listener.onBody(bytes);
    if (this.#remaining > 0) return true;
    if (this.#chunked) return this.#enter('chunk-end');
    return this.#finish();
  }

  #chunked = false;

  #readChunkSize(): boolean {
    const line = this.#readLine();
    if (line === null) return false;
    const size = Number.parseInt(line, 16);
    if (!Number.isSafeInteger(size) || size < 0) return this.#refuse();
    this.#chunked = true;
    this.#remaining = size;
    return this.#enter(size === 0 ? 'trailers' : 'body');
  }

  #readTrailer(): boolean {
    const line = this.#readLine();
    if (line === null) return false;
    return line === '' ? this.#finish() : true;
  }

  #readLine(): string | null {
    const end = this.#held.indexOf('\r\n');
    if (end === -1) return null;
    const line = this.#held.toString('latin1', 0, end);
    this.#held = this.#held.subarray(end + 2);
    return line;
  }

  #finish(): boolean {
    this.#chunked = false;
    this.#state = 'head';
    this.#listener.onEnd();
    return true;
  }

  #enter(state: 'chunk-size' | 'chunk-end' | 'body' | 'trailers'): boolean {
    this.#state = state;
    return true;
  }

  #refuse(): boolean {
    this.#state = 'broken';
    this.#listener.onBroken();
    return false;
  }
}

interface OriginRequestListener {
  onHead(head: OriginRequestHead): void;
  onBody(bytes: Uint8Array): void;
  onEnd(): void;
  /** The bytes are no HTTP/1 request. No call follows. */
  onBroken(): void;
}

export interface OriginRequestHead {
  readonly method: string;
  readonly target: string;
  /** Names are lowercase; several lines of one name are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
}

/** More than any gateway sends, and small enough to hold in memory. */
const headBytesMax = 1_048_576;

function parseHead(text: string): OriginRequestHead | null {
  const [requestLine = '', ...lines] = text.split('\r\n');
  const [, method, target] = /^([^ ]+) ([^ ]+) HTTP\/1\.[0-9]$/.exec(requestLine) ?? [];
  if (method === undefined || target === undefined) return null;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return null;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return { method, target, headers };
}
