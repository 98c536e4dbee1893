/** How many bytes of content one record can have. */
export const recordContentMax = 65_535;
export const recordHeaderBytes = 8;
/** The only request on a connection: php-fpm and most others do not multiplex (FCGI_MPXS_CONNS is 0). */
export const fastCgiRequestId = 1;

/** Types of records (FastCGI specification §8). */
export const recordTypes = {
  begin: 1,
  abort: 2,
  end: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  stderr: 7,
} as const;

/** What the end of a request says (`protocolStatus`, §5.5), by number. */
export const endStatuses = ['FCGI_REQUEST_COMPLETE', 'FCGI_CANT_MPX_CONN', 'FCGI_OVERLOADED', 'FCGI_UNKNOWN_ROLE'];

const endBytes = 8;
/** Where the status stands in them. */
const statusAt = 4;

/** Receives what records contain. */
export interface FastCgiTaker {
  /** A part of STDOUT: the response. */
  onOutput(bytes: Uint8Array, start: number, end: number): void;
  /** A part of STDERR. */
  onErrorText(bytes: Uint8Array, start: number, end: number): void;
  /** END_REQUEST, with one of `endStatuses`. */
  onRequestEnd(status: string): void;
}

/**
 * Reads the records of the answer to one request (FastCGI specification §3.3, §8). A record says how long it is; the reader never holds more of it than
 * its header, so that a wrong length costs no memory.
 *
 *     begin ──▶ partial ──END_REQUEST──▶ ended        partial ──a rule is broken──▶ refused
 */
export class FastCgiReader {
  state: 'partial' | 'ended' | 'refused' = 'ended';
  /** What is wrong with the records, in words that follow "it sent"; '' while nothing is. */
  rule = '';
  /** The first byte of the answer cannot begin a record. */
  isOtherProtocol = false;
  readonly #taker: FastCgiTaker;
  /** Of a header that has come in parts; null: none has. */
  #header: Uint8Array | null = null;
  #headerLength = 0;
  /** Number of the status in END_REQUEST. */
  #status = 0;
  #type = 0;
  #content = 0;
  #padding = 0;
  #outputEnded = false;
  #errorTextEnded = false;
  #records = 0;

  constructor(taker: FastCgiTaker) {
    this.#taker = taker;
  }

  /** The answer to the next request follows. */
  begin(): void {
    this.state = 'partial';
    this.rule = '';
    this.isOtherProtocol = false;
    this.#headerLength = 0;
    this.#content = 0;
    this.#padding = 0;
    this.#outputEnded = false;
    this.#errorTextEnded = false;
    this.#records = 0;
  }

  /** No more is read. */
  stop(): void {
    if (this.state === 'partial') this.state = 'ended';
  }

  /** Takes bytes [start, end) and returns how many were of this answer: all of them while it is partial. */
  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.state === 'partial') {
      if (this.#content > 0) at += this.#takeContent(bytes, at, Math.min(end, at + this.#content));
      else if (this.#padding > 0) at += this.#takePadding(end - at);
      else at += this.#takeHeader(bytes, at, end);
    }
    return Math.min(end, at + (this.state === 'ended' ? this.#padding : 0)) - start;
  }

  #takeHeader(bytes: Uint8Array, start: number, end: number): number {
    if (this.#headerLength === 0 && end - start >= recordHeaderBytes) {
      if (this.#checkVersion(bytes[start] as number)) this.#beginRecord(bytes, start);
      return recordHeaderBytes;
    }
    const header = (this.#header ??= new Uint8Array(recordHeaderBytes));
    let at = start;
    while (at < end && this.#headerLength < recordHeaderBytes) header[this.#headerLength++] = bytes[at++] as number;
    if (this.#checkVersion(header[0] as number) && this.#headerLength === recordHeaderBytes) {
      this.#headerLength = 0;
      this.#beginRecord(header, 0);
    }
    return at - start;
  }

  #checkVersion(version: number): boolean {
    if (version === 1) return true;
    this.isOtherProtocol = this.#records === 0;
    this.#refuse(`a record of version ${version}, and FastCGI has version 1 alone`);
    return false;
  }

  #beginRecord(header: Uint8Array, at: number): void {
    const type = header[at + 1] as number;
    const id = (header[at + 2] as number) * 256 + (header[at + 3] as number);
    this.#records++;
    this.#type = type;
    this.#content = (header[at + 4] as number) * 256 + (header[at + 5] as number);
    this.#padding = header[at + 6] as number;
    if (type !== recordTypes.stdout && type !== recordTypes.stderr && type !== recordTypes.end)
      return this.#refuse(`a record of type ${type}, which does not belong to an answer`);
    if (id !== fastCgiRequestId) return this.#refuse(`a record of request ${id}, and only request 1 was made`);
    if (type === recordTypes.end) {
      if (this.#content !== endBytes) this.#refuse(`END_REQUEST with ${this.#content} bytes in place of ${endBytes}`);
      return;
    }
    if (type === recordTypes.stdout) this.#outputEnded = this.#checkOpen('STDOUT', this.#outputEnded);
    else this.#errorTextEnded = this.#checkOpen('STDERR', this.#errorTextEnded);
  }

  /** An empty record ends a stream (§3.3). Returns whether it has ended. */
  #checkOpen(name: string, hasEnded: boolean): boolean {
    if (hasEnded) this.#refuse(`${name} after the empty record that ends it`);
    return this.#content === 0;
  }

  #takeContent(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.#type === recordTypes.end) {
      const at = start + statusAt - (endBytes - this.#content);
      if (at >= start && at < end) this.#status = bytes[at] as number;
      this.#content -= length;
      if (this.#content === 0) this.#endRequest();
      return length;
    }
    this.#content -= length;
    if (this.#type === recordTypes.stdout) this.#taker.onOutput(bytes, start, end);
    else this.#taker.onErrorText(bytes, start, end);
    return length;
  }

  /** The padding of END_REQUEST need not be awaited: nothing follows it. */
  #endRequest(): void {
    const status = endStatuses[this.#status];
    if (status === undefined) return this.#refuse(`END_REQUEST with the unknown status ${this.#status}`);
    this.state = 'ended';
    this.#taker.onRequestEnd(status);
  }

  #takePadding(available: number): number {
    const length = Math.min(available, this.#padding);
    this.#padding -= length;
    return length;
  }

  #refuse(rule: string): void {
    if (this.state === 'refused') return;
    this.state = 'refused';
    this.rule = rule;
  }
}
