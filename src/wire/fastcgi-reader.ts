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
  readonly #header = new Uint8Array(recordHeaderBytes);
  readonly #end = new Uint8Array(endBytes);
  #headerLength = 0;
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
    let at = start;
    while (at < end && this.#headerLength < recordHeaderBytes)
      this.#header[this.#headerLength++] = bytes[at++] as number;
    if (this.#header[0] !== 1) {
      this.isOtherProtocol = this.#records === 0;
      this.#refuse(`a record of version ${this.#header[0]}, and FastCGI has version 1 alone`);
    } else if (this.#headerLength === recordHeaderBytes) this.#beginRecord();
    return at - start;
  }

  #beginRecord(): void {
    const [, type = 0, idHigh = 0, idLow = 0, lengthHigh = 0, lengthLow = 0, padding = 0] = this.#header;
    this.#headerLength = 0;
    this.#records++;
    this.#type = type;
    this.#content = lengthHigh * 256 + lengthLow;
    this.#padding = padding;
    const id = idHigh * 256 + idLow;
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
      for (let at = start; at < end; at++) this.#end[endBytes - this.#content--] = bytes[at] as number;
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
    const status = endStatuses[this.#end[4] as number];
    if (status === undefined) return this.#refuse(`END_REQUEST with the unknown status ${this.#end[4]}`);
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
