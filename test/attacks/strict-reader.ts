/** A request that reached the origin, by the strictest possible reading. */
export interface StrictRequest {
  readonly line: string;
  /** Names in lowercase. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Bytes before it on its connection. */
  readonly at: number;
}

const token = String.raw`[!#$%&'*+\-.^_\`|~0-9A-Za-z]+`;
const requestLine = new RegExp(`^${token} (?:/[!-~]*|\\*) HTTP/1\\.1$`);
const headerLine = new RegExp(`^(${token}):[ \\t]*([\\t -~\\x80-\\xff]*?)[ \\t]*$`);

interface Head {
  readonly at: number;
  readonly line: string;
  readonly headers: StrictRequest['headers'];
  readonly isChunked: boolean;
  readonly length: number;
}

/**
 * Reads requests from the bytes of one connection (latin1), and reports everything that two readers could take in two
 * ways. It shares no code with `src/wire`, so that it does not share its errors.
 */
export class StrictReader {
  readonly #report: (violation: string) => void;
  #held = '';
  #pushed = 0;
  #head: Head | null = null;

  constructor(report: (violation: string) => void) {
    this.#report = report;
  }

  push(bytes: string): void {
    this.#held += bytes;
    this.#pushed += bytes.length;
  }

  /** Bytes that belong to no complete request yet. */
  get held(): string {
    return this.#held;
  }

  /** A request whose body is not complete yet, with the body bytes so far; null without one. */
  begun(): StrictRequest | null {
    const head = this.#head;
    return head === null ? null : { line: head.line, headers: head.headers, body: this.#held, at: head.at };
  }

  /** The next complete request; null if there is none yet. */
  next(): StrictRequest | null {
    this.#head ??= this.#readHead();
    const head = this.#head;
    if (head === null) return null;
    const body = head.isChunked ? this.#chunks(this.#held) : lengthed(this.#held, head.length);
    if (body === null) return null;
    this.#head = null;
    this.#held = body.rest;
    return { line: head.line, headers: head.headers, body: body.text, at: head.at };
  }

  #readHead(): Head | null {
    const end = this.#held.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const at = this.#pushed - this.#held.length;
    const head = this.#held.slice(0, end);
    this.#held = this.#held.slice(end + 4);
    const [line = '', ...lines] = head.split('\r\n');
    if (/[\r\n\0]/.test(head.replaceAll('\r\n', ''))) this.#report(`a control in ${JSON.stringify(head)}`);
    if (!requestLine.test(line)) this.#report(`the request line ${JSON.stringify(line)}`);
    const headers = lines.map((text) => this.#header(text));
    const values = (name: string): string[] => headers.filter(([n]) => n === name).map(([, value]) => value);
    const lengths = values('content-length');
    const codings = values('transfer-encoding');
    if (values('host').length !== 1) this.#report(`${values('host').length} Hosts in ${JSON.stringify(head)}`);
    if (lengths.length + codings.length > 1) this.#report(`framed twice: ${JSON.stringify(head)}`);
    if (codings.length === 1 && codings[0] !== 'chunked') this.#report(`Transfer-Encoding: ${codings[0]}`);
    if (lengths.length === 1 && !/^(?:0|[1-9]\d*)$/.test(lengths[0] ?? '')) {
      this.#report(`Content-Length: ${lengths[0]}`);
    }
    return { at, line, headers, isChunked: codings.length > 0, length: Number(lengths[0] ?? 0) };
  }

  #header(text: string): [string, string] {
    const found = headerLine.exec(text);
    if (found === null) this.#report(`the field line ${JSON.stringify(text)}`);
    return [(found?.[1] ?? '').toLowerCase(), found?.[2] ?? ''];
  }

  #chunks(bytes: string): { text: string; rest: string } | null {
    let text = '';
    let rest = bytes;
    for (;;) {
      const lineEnd = rest.indexOf('\r\n');
      if (lineEnd < 0) return null;
      const line = rest.slice(0, lineEnd);
      if (!/^[0-9a-f]{1,8}$/.test(line)) this.#report(`the chunk size ${JSON.stringify(line)}`);
      const size = Number.parseInt(line, 16);
      rest = rest.slice(lineEnd + 2);
      if (size === 0) {
        if (rest.startsWith('\r\n')) return { text, rest: rest.slice(2) };
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return null;
        for (const line of rest.slice(0, end).split('\r\n')) this.#header(line);
        return { text, rest: rest.slice(end + 4) };
      }
      if (rest.length < size + 2) return null;
      if (rest.slice(size, size + 2) !== '\r\n') this.#report('a chunk does not end where it said');
      text += rest.slice(0, size);
      rest = rest.slice(size + 2);
    }
  }
}

function lengthed(bytes: string, length: number): { text: string; rest: string } | null {
  return bytes.length < length ? null : { text: bytes.slice(0, length), rest: bytes.slice(length) };
}
