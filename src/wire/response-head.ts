import type { Guess } from '../core/failure.ts';
import type { Framing, ResponseHead } from '../core/message.ts';
import type { ResponseRule } from '../core/rules.ts';
import { FieldSectionParser } from './field-section.ts';
import { guessOctets } from './guess-octets.ts';
import { HeadBuffer } from './head-buffer.ts';
import type { HeadBlock, HeadStorage } from './head-storage.ts';
import type { Http1Fields } from './http1-fields.ts';
import { longestFieldName } from './longest-field.ts';
import { evidenceOctetsMax, type HeadLimits } from './limits.ts';
import {
  Habit,
  isRepeated,
  markOf,
  type Repeated,
  RepeatedOctets,
  repeatedOctetsMax,
  repeatedOctetsMin,
} from './repeated-octets.ts';
import { ResponseFieldsReader } from './response-fields.ts';
import { type StatusLineFault, StatusLineParser } from './status-line.ts';

/** Why a response is not taken: a cause of `core/failure.ts` with its evidence, but for the address. */
export type ResponseRefusal =
  | { readonly cause: 'response_not_http'; readonly firstOctets: string; readonly guess: Guess }
  | { readonly cause: 'response_status_line'; readonly firstOctets: string; readonly rule: ResponseRule }
  | { readonly cause: 'response_version'; readonly version: string }
  | { readonly cause: 'response_field'; readonly rule: ResponseRule; readonly name: string }
  | { readonly cause: 'response_framing'; readonly rule: ResponseRule }
  | { readonly cause: 'response_transfer_coding'; readonly coding: string }
  | {
      readonly cause: 'response_head_too_large';
      readonly octets: number;
      readonly limit: number;
      readonly longest: string;
    }
  | { readonly cause: 'response_too_many_fields'; readonly limit: number };

/** A response head of HTTP/1. Its fields are not to be asked once the parser has been reset. */
export interface Http1ResponseHead extends ResponseHead {
  readonly fields: Http1Fields;
  readonly framing: Framing;
  /** Whether the endpoint lets the connection live on (RFC 9112 §9.3), and no octets may follow that are not counted. */
  readonly keepAlive: boolean;
  /** Keep-Alive: timeout=N: how long it will keep it idle; null when it did not say. */
  readonly keepAliveTimeoutS: number | null;
}

/**
 * Reads response heads from octets, one after the other (RFC 9112 §2, §4–§6). Works as `RequestHeadParser` does.
 *
 * `expect` must name the request's method before each response, since the framing depends on it. That the octets are
 * no HTTP is said at the first octet that cannot belong to "HTTP/", not at a line's end that may never come.
 */
export class ResponseHeadParser {
  state: 'partial' | 'complete' | 'refused' = 'partial';
  /** Whether an octet of a head is held. */
  began = false;
  refusal: ResponseRefusal | null = null;
  head: Http1ResponseHead | null = null;

  readonly #limits: HeadLimits;
  readonly #buffer: HeadBuffer;
  readonly #line = new StatusLineParser();
  readonly #section = new FieldSectionParser();
  #inFields = false;
  #method = 'GET';
  /** The head that comes again and again here. */
  #repeated: Repeated<RepeatedHead> | null = null;
  readonly #habit = new Habit();

  constructor(limits: HeadLimits, storage: HeadStorage) {
    this.#limits = limits;
    this.#buffer = new HeadBuffer(storage, limits.headOctetsMax);
  }

  get octetsHeld(): number {
    return this.#buffer.octetsHeld;
  }

  /** The next final response, and the interim ones before it, answer a request with this method. */
  expect(method: string): void {
    this.#method = method;
  }

  /** Takes octets [start, end) and returns how many of them it has used up: all of them while the head is partial. */
  push(octets: Uint8Array, start: number, end: number): number {
    if (this.state !== 'partial') return 0;
    if (!this.began && this.#repeated !== null && this.#takeRepeated(this.#repeated, octets, start, end)) {
      return this.#repeated.octets.length;
    }
    let at = start;
    while (at < end && this.state === 'partial') {
      const held = this.#buffer.octetsHeld;
      const block = this.#buffer.append(octets, at, end);
      if (block === null) return this.#refuse(this.#tooLarge()), at - start;
      this.began = true;
      at += this.#buffer.octetsHeld - held;
      this.#scan(block);
    }
    // What was copied beyond the head's end was not used up.
    if (this.head !== null) at -= this.#buffer.octetsHeld - this.#section.at;
    return at - start;
  }

  /** Takes a head that is to the octet one that came before, status line and all. False, and nothing is read: it is another one. */
  #takeRepeated(known: Repeated<RepeatedHead>, octets: Uint8Array, start: number, end: number): boolean {
    if (known.octets.length > end - start || known.read.method !== this.#method) return false;
    if (!isRepeated(known, octets, start)) return false;
    this.head = known.read.head;
    this.began = true;
    this.state = 'complete';
    return true;
  }

  /** What has come twice in a row is taken for what comes again. */
  #learn({ octets }: HeadBlock, head: Http1ResponseHead): void {
    const { at: end } = this.#section;
    if (end < repeatedOctetsMin || end > repeatedOctetsMax) return;
    if (!this.#habit.looksAtNext()) return;
    const mark = markOf(octets, 0, end) ^ this.#method.length;
    if (!this.#habit.comesAgain(mark) || mark === this.#repeated?.mark) return;
    this.#repeated = repeatedHeads.find(mark, octets, 0, end);
    if (this.#repeated !== null) return;
    const copy = Buffer.allocUnsafeSlow(end);
    octets.copy(copy, 0, 0, end);
    const read = { method: this.#method, head: { ...head, fields: head.fields.lasting(copy, 0) } };
    this.#repeated = repeatedHeads.keep(mark, copy, read);
  }

  /** Ready for the next head. The block goes back, so the fields of the last head are empty from now on. */
  reset(): void {
    this.head?.fields.detach();
    this.#buffer.clear();
    this.state = 'partial';
    this.began = false;
    this.refusal = null;
    this.head = null;
    this.#inFields = false;
    this.#line.begin();
  }

  #scan(block: HeadBlock): void {
    if (!this.#inFields) {
      if (!this.#line.scan(block.octets, this.octetsHeld)) return;
      if (this.#line.fault !== null) return this.#refuse(lineRefusal(this.#line.fault, this.#first(block)));
      this.#inFields = true;
      this.#section.begin(this.#line.at);
    }
    if (!this.#section.scan(block, this.octetsHeld, this.#limits.fieldsMax)) return;
    const { rule } = this.#section;
    if (rule === 'too-many-fields') {
      return this.#refuse({ cause: 'response_too_many_fields', limit: this.#limits.fieldsMax });
    }
    if (rule !== null) {
      return this.#refuse({ cause: 'response_field', rule, name: this.#section.brokenName(block.octets) });
    }
    const head = responseFields.read(block, this.#section, this.#line, this.#method);
    if ('cause' in head) return this.#refuse(head);
    this.head = head;
    this.state = 'complete';
    this.#learn(block, head);
  }

  #tooLarge(): ResponseRefusal {
    const { headOctetsMax } = this.#limits;
    const { block } = this.#buffer;
    const longest = block === null ? '' : longestFieldName(this.#first(block));
    return { cause: 'response_head_too_large', octets: this.octetsHeld, limit: headOctetsMax, longest };
  }

  #first(block: HeadBlock): Uint8Array {
    return block.octets.subarray(0, this.octetsHeld);
  }

  #refuse(refusal: ResponseRefusal): void {
    this.state = 'refused';
    this.refusal = refusal;
  }
}

/** A peer's first octets as evidence: at most 64, in hexadecimal. */
export function firstOctetsOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, Math.min(octets.length, evidenceOctetsMax)).toString('hex');
}

function lineRefusal(fault: StatusLineFault, octets: Uint8Array): ResponseRefusal {
  switch (fault.kind) {
    case 'not-http':
      return { cause: 'response_not_http', firstOctets: firstOctetsOf(octets), guess: guessOctets(octets) };
    case 'version':
      return { cause: 'response_version', version: fault.version };
    case 'rule':
      return { cause: 'response_status_line', firstOctets: firstOctetsOf(octets), rule: fault.rule };
  }
}

/** How a head ends depends on the method that it answers. */
interface RepeatedHead {
  readonly method: string;
  readonly head: Http1ResponseHead;
}

/** The same for all of a thread. */
const repeatedHeads = new RepeatedOctets<RepeatedHead>();

/** One for all parsers of a thread: it reads a head's fields in one call and keeps nothing afterwards. */
const responseFields = new ResponseFieldsReader();
