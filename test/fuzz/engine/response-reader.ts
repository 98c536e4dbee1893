/** The bytes that a client received, read strictly by the grammar. */
interface ReadResponses {
  /** The first violation of the grammar; null if there is none. */
  readonly violation: string | null;
  /** Complete final responses. */
  readonly whole: number;
  /** Whether the last response is incomplete. */
  readonly isCut: boolean;
  /** Heads and bodies, without framing, of each final response and the interim ones before it. */
  readonly texts: readonly string[];
}

const statusLine = /^HTTP\/1\.1 ([1-9]\d\d) [\t -~\x80-\xff]*$/;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*$/;

/**
 * Reads all bytes (latin1) that one connection received in answer to requests with these methods, in their order.
 * `ended`: how it ended. Only a FIN ends a body that lasts until the close.
 */
export function readResponses(
  bytes: string,
  methods: readonly string[],
  ended: 'open' | 'fin' | 'reset',
): ReadResponses {
  const reading = new Reading(bytes, methods, ended);
  reading.run();
  const { violation, whole, isCut, texts } = reading;
  return { violation, whole, isCut, texts };
}

class Reading {
  violation: string | null = null;
  whole = 0;
  isCut = false;
  readonly texts: string[] = [];
  #rest: string;
  readonly #methods: readonly string[];
  readonly #ended: 'open' | 'fin' | 'reset';

  constructor(bytes: string, methods: readonly string[], ended: 'open' | 'fin' | 'reset') {
    this.#rest = bytes;
    this.#methods = methods;
    this.#ended = ended;
  }

  run(): void {
    while (this.#rest !== '' && this.violation === null && !this.isCut) this.#message();
  }

  #message(): void {
    const method = this.#methods[this.whole];
    if (method === undefined) return this.#report('an answer without a request');
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return void (this.isCut = true);
    const [line = '', ...lines] = this.#take(end + 4)
      .slice(0, -4)
      .split('\r\n');
    this.#add(`${line}\n${lines.join('\n')}\n`);
    const status = Number(statusLine.exec(line)?.[1] ?? 0);
    if (status === 0) return this.#report(`the status line ${JSON.stringify(line)}`);
    const headers = lines.map((text) => headerLine.exec(text));
    const broken = headers.indexOf(null);
    if (broken >= 0) return this.#report(`the field line ${JSON.stringify(lines[broken])}`);
    const values = (name: string): string[] =>
      headers.filter((header) => header?.[1]?.toLowerCase() === name).map((header) => header?.[2] ?? '');
    this.#body(method, status, values('content-length'), values('transfer-encoding'));
  }

  #body(method: string, status: number, lengths: readonly string[], codings: readonly string[]): void {
    if (lengths.length + codings.length > 1) return this.#report('framed twice');
    if (lengths.some((length) => !/^(?:0|[1-9]\d*)$/.test(length))) return this.#report(`the length ${lengths[0]}`);
    if (codings.some((coding) => coding !== 'chunked')) return this.#report(`the coding ${codings[0]}`);
    if (status === 101) {
      this.#add(this.#take(this.#rest.length));
      this.whole++;
      return;
    }
    if (status < 200 || status === 204) {
      if (lengths.length + codings.length > 0) return this.#report(`a ${status} with framing`);
      if (status === 204) this.whole++;
      return;
    }
    if (method === 'HEAD' || status === 304) return void this.whole++;
    if (codings.length > 0) return this.#chunks();
    if (lengths.length > 0) return this.#lengthed(Number(lengths[0]));
    this.#add(this.#take(this.#rest.length));
    if (this.#ended === 'fin') this.whole++;
    else this.isCut = true;
  }

  #lengthed(length: number): void {
    const isWhole = this.#rest.length >= length;
    this.#add(this.#take(length));
    if (isWhole) this.whole++;
    else this.isCut = true;
  }

  #chunks(): void {
    for (;;) {
      const lineEnd = this.#rest.indexOf('\r\n');
      if (lineEnd < 0) return void (this.isCut = true);
      const line = this.#take(lineEnd + 2).slice(0, -2);
      if (!/^[0-9a-f]{1,8}$/.test(line)) return this.#report(`the chunk size ${JSON.stringify(line)}`);
      const size = Number.parseInt(line, 16);
      if (size === 0) return this.#trailers();
      this.#add(this.#rest.slice(0, size));
      const ending = this.#rest.slice(size, size + 2);
      if (this.#rest.length < size + 2) return void (this.isCut = true);
      if (ending !== '\r\n') return this.#report('a chunk that does not end where it said');
      this.#take(size + 2);
    }
  }

  #trailers(): void {
    for (;;) {
      const lineEnd = this.#rest.indexOf('\r\n');
      if (lineEnd < 0) return void (this.isCut = true);
      const line = this.#take(lineEnd + 2).slice(0, -2);
      this.#add(`\n${line}`);
      if (line === '') return void this.whole++;
      if (!headerLine.test(line)) return this.#report(`the trailer ${JSON.stringify(line)}`);
    }
  }

  #add(text: string): void {
    this.texts[this.whole] = (this.texts[this.whole] ?? '') + text;
  }

  #take(count: number): string {
    const taken = this.#rest.slice(0, count);
    this.#rest = this.#rest.slice(count);
    return taken;
  }

  #report(violation: string): void {
    this.violation = violation;
  }
}
