import { addressBytes, classes, digits, byteClass, userBytes } from './byte-classes.ts';
import type { Finding } from './finding.ts';
import { type LineTemplate, matchTemplate, templateOf } from './line-template.ts';
import type { CountedFile } from './line-times.ts';
import { RequestHash } from './request-hash.ts';
import type { Summary, Tally } from './summary.ts';

/** Lines of further forms in one file take the slow path. */
const formsMax = 32;

/** Longer lines take the slow path, which truncates them. */
const lineLengthMax = 16_384;

/** Statuses that usually mean no failure. For each form, the fast path learns each status separately. */
const isOrdinaryStatus = (status: number): boolean =>
  (status >= 200 && status < 400) || status === 401 || status === 403 || status === 404;

/** Counts lines without decoding them to text, as the slow path would. */
export interface FastReader {
  /** Counts known lines. `end` is after a line feed. Returns the position of the first line that it has not counted. */
  skip(bytes: Uint8Array, start: number, end: number): number;
  /**
   * Learns from the slow path's verdict on the line from `start` to the line feed at `end`. Only for a dialect without
   * memory that also read the line before.
   */
  learn(bytes: Uint8Array, start: number, end: number, finding: Finding): void;
}

interface LineForm {
  readonly template: LineTemplate;
  readonly tally: Tally;
  /** By status: 1 if the slow path found no failure in such a line. */
  readonly harmlessStatuses: Uint8Array;
}

/** The forms and the day learnt for one dialect. */
interface Learnt {
  readonly forms: LineForm[];
  readonly day: LearntDay;
}

/**
 * Counts access lines without a failure, without decoding them to text.
 *
 * The fast path makes no verdicts. The slow path reads the first line of each form (a template and a status), and the
 * first line of each day. If it finds no failure, the fast path counts further lines of that form, as long as the
 * dialect stays the same. This is correct for dialects without memory, whose verdict depends on the status and on the
 * fields of the upstream.
 */
export class FastPath implements FastReader {
  readonly #summary: Summary;
  readonly #head = new AccessHead();
  readonly #hash = new RequestHash();
  readonly #learnt = new Map<number, Learnt>();
  #dialect = -1;
  #current: Learnt | null = null;

  readonly #file: CountedFile;

  constructor(summary: Summary, file: CountedFile) {
    this.#summary = summary;
    this.#file = file;
  }

  /** Sets the dialect that read the last line and would be asked first about the next. Only its lines are counted here. */
  follow(dialect: number): void {
    if (dialect === this.#dialect) return;
    this.#dialect = dialect;
    this.#current = this.#learnt.get(dialect) ?? null;
  }

  /** Counts the known lines from `start` to `end`, which is after a line feed. Returns the position of the first unknown line. */
  skip(bytes: Uint8Array, start: number, end: number): number {
    if (this.#current === null) return start;
    const { forms, day } = this.#current;
    const head = this.#head;
    let at = start;
    while (at < end && head.read(bytes, at)) {
      const form = this.#formOf(forms, bytes);
      if (form === null || this.#lineEnd - at > lineLengthMax) break;
      const atMs = day.atMs(bytes, head.timeAt);
      if (Number.isNaN(atMs)) break;
      this.#summary.addHarmless(form.tally, atMs, this.#file);
      if (this.#summary.answered.isWanted) this.#addAnswer(form.tally, atMs, bytes, at);
      at = this.#lineEnd + 1;
    }
    return at;
  }

  #addAnswer({ gateway }: Tally, atMs: number, bytes: Uint8Array, start: number): void {
    const { clientEnd, requestAt } = this.#head;
    this.#summary.addAnswer(this.#hash.ofBytes(gateway, bytes, start, clientEnd, requestAt), atMs);
  }

  /** Where the line of the last matching form ends. */
  #lineEnd = 0;

  #formOf(forms: LineForm[], bytes: Uint8Array): LineForm | null {
    const { status, statusAt, end } = this.#head;
    for (let index = 0; index < forms.length; index++) {
      const form = forms[index] as LineForm;
      if (form.harmlessStatuses[status] !== 1) continue;
      const lineEnd = matchTemplate(form.template, bytes, end, statusAt);
      if (lineEnd < 0) continue;
      this.#lineEnd = lineEnd;
      // In most logs the form that matched last matches next.
      if (index > 0) [forms[0], forms[index]] = [form, forms[0] as LineForm];
      return form;
    }
    return null;
  }

  /** Only for the dialect that `follow` was called with. */
  learn(bytes: Uint8Array, start: number, end: number, finding: Finding): void {
    if (finding.shape !== 'none' || finding.kind !== 'access' || finding.atMs === null) return;
    const head = this.#head;
    if (end - start > lineLengthMax || !head.read(bytes, start) || !isOrdinaryStatus(head.status)) return;
    const learnt = this.#current ?? { forms: [], day: new LearntDay() };
    if (!this.#learnForm(learnt.forms, bytes, end, this.#summary.tallyOf(finding))) return;
    learnt.day.learn(bytes, head.timeAt, finding.atMs);
    this.#learnt.set(this.#dialect, learnt);
    this.#current = learnt;
  }

  #learnForm(forms: LineForm[], bytes: Uint8Array, end: number, tally: Tally): boolean {
    const { status, statusAt, end: tailAt } = this.#head;
    let form = forms.find(({ template }) => matchTemplate(template, bytes, tailAt, statusAt) === end);
    if (form === undefined) {
      const template = forms.length < formsMax ? templateOf(bytes, tailAt, end, statusAt) : null;
      if (template === null) return false;
      form = { template, tally, harmlessStatuses: new Uint8Array(1000) };
      forms.push(form);
    }
    if (form.tally === tally) form.harmlessStatuses[status] = 1;
    return form.tally === tally;
  }
}

const space = 0x20;
const slash = 0x2f;
const colon = 0x3a;

const isMethodByte = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? 1 : 0));

/** "21/Nov/2026:10:00:00 +0000" */
const timeLength = 26;
const clockAt = 12;
const dateLength = 11;
const zoneAt = 20;

/**
 * Reads from the bytes the part of an access line that nginx, Apache and many others have in common: `203.0.113.9 - -
 * [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 612`. Reads only the plainest lines. The bytes must have a line feed
 * somewhere after the beginning.
 */
class AccessHead {
  /** Positions in the bytes of the last line that was read. The client's address is at its beginning. */
  clientEnd = 0;
  requestAt = 0;
  timeAt = 0;
  statusAt = 0;
  /** The position after the size. */
  end = 0;
  status = 0;

  /** False if the line is not of this form; it may have any other. */
  read(bytes: Uint8Array, start: number): boolean {
    let i = start;
    while (addressBytes[bytes[i] as number] === 1) i += 1;
    if (i === start || bytes[i] !== space || bytes[i + 1] !== 0x2d || bytes[i + 2] !== space) return false;
    this.clientEnd = i;
    i += 3;
    while (userBytes[bytes[i] as number] === 1) i += 1;
    if (bytes[i] !== space || bytes[i + 1] !== 0x5b) return false;
    this.timeAt = i + 2;
    i = this.timeAt + timeLength;
    if (bytes[i] !== 0x5d || bytes[i + 1] !== space || bytes[i + 2] !== 0x22) return false;
    this.requestAt = i + 3;
    i = endOfRequest(bytes, this.requestAt);
    if (i < 0 || bytes[i + 1] !== space) return false;
    return this.#readNumbers(bytes, i + 2);
  }

  #readNumbers(bytes: Uint8Array, at: number): boolean {
    const status = digitsValue(bytes, at, 3);
    if (status < 200 || bytes[at + 3] !== space) return false;
    let i = at + 4;
    while (digits[bytes[i] as number] === 1) i += 1;
    if (i === at + 4) return false;
    this.statusAt = at;
    this.status = status;
    this.end = i;
    return true;
  }
}

/** Midnight of one day, in milliseconds since the epoch, learnt from the slow path's verdict on a line of that day. */
class LearntDay {
  readonly #date = new Uint8Array(dateLength);
  readonly #zone = new Uint8Array(timeLength - zoneAt);
  #midnightMs = Number.NaN;

  learn(bytes: Uint8Array, timeAt: number, atMs: number): void {
    const ofDay = msOfDay(bytes, timeAt);
    if (ofDay < 0) return;
    this.#date.set(bytes.subarray(timeAt, timeAt + dateLength));
    this.#zone.set(bytes.subarray(timeAt + zoneAt, timeAt + timeLength));
    this.#midnightMs = atMs - ofDay;
  }

  /** NaN for a time of another day or zone, and for bytes that are no time. */
  atMs(bytes: Uint8Array, timeAt: number): number {
    for (let i = 0; i < dateLength; i++) if (bytes[timeAt + i] !== this.#date[i]) return Number.NaN;
    for (let i = 0; i < this.#zone.length; i++) if (bytes[timeAt + zoneAt + i] !== this.#zone[i]) return Number.NaN;
    const ofDay = msOfDay(bytes, timeAt);
    return ofDay < 0 ? Number.NaN : this.#midnightMs + ofDay;
  }
}

/** -1 if the bytes are no time of day. */
function msOfDay(bytes: Uint8Array, timeAt: number): number {
  const hours = digitsValue(bytes, timeAt + clockAt, 2);
  const minutes = digitsValue(bytes, timeAt + clockAt + 3, 2);
  const seconds = digitsValue(bytes, timeAt + clockAt + 6, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return -1;
  const at = timeAt + clockAt;
  if (bytes[at - 1] !== colon || bytes[at + 2] !== colon || bytes[at + 5] !== colon) return -1;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** -1 if one of the bytes is no digit. */
function digitsValue(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const byte = bytes[i] as number;
    if (digits[byte] !== 1) return -1;
    value = value * 10 + byte - 0x30;
  }
  return value;
}

/** `GET /path HTTP/1.1"`: the position of the quote; -1 if it is no such request. */
function endOfRequest(bytes: Uint8Array, at: number): number {
  let i = at;
  while (isMethodByte[bytes[i] as number] === 1) i += 1;
  if (i === at || bytes[i] !== space || bytes[i + 1] !== slash) return -1;
  i = endOfWord(bytes, i + 1);
  const isVersion =
    bytes[i] === space &&
    bytes[i + 1] === 0x48 &&
    bytes[i + 2] === 0x54 &&
    bytes[i + 3] === 0x54 &&
    bytes[i + 4] === 0x50 &&
    bytes[i + 5] === slash &&
    digits[bytes[i + 6] as number] === 1 &&
    bytes[i + 7] === 0x2e &&
    digits[bytes[i + 8] as number] === 1;
  return isVersion && bytes[i + 9] === 0x22 ? i + 9 : -1;
}

function endOfWord(bytes: Uint8Array, at: number): number {
  let i = at;
  while (classes[bytes[i] as number] === byteClass.ordinary) i += 1;
  return i;
}
