import { AsciiText, digits, ByteCache, isSameBytes } from '../byte-classes.ts';
import type { FastReader } from '../access-head.ts';
import { type FaultKeys, faultKeysOf } from '../fault-counts.ts';
import type { Finding } from '../finding.ts';
import { pathOf, withoutPort } from '../line-parties.ts';
import type { CountedFile, LineReference } from '../line-times.ts';
import { ownText, smallLineMax } from '../own-text.ts';
import type { Summary } from '../summary.ts';
import { errorLogFormat, requestOfLine, schemeOf, upstreamCharactersMax } from './error-log.ts';
import { type ByteRange, ErrorLineBytes, timeBytes } from './error-line-bytes.ts';

/** More than the different failures of any log. Messages with a number in each are forgotten again. */
const messagesMax = 512;

/** What the slow path found for one message. It depends on the level and on the upstream's scheme, too. */
interface KnownMessage {
  readonly bytes: Uint8Array;
  readonly level: number;
  readonly byScheme: Map<string, Finding>;
}

interface KnownOrigin {
  readonly scheme: string;
  /** Whether the slow path decides by more than the scheme. */
  readonly isSpecial: boolean;
  readonly keys: Map<Finding, FaultKeys>;
}

interface LineTexts {
  readonly request: string | null;
  readonly upstream: string | null;
  readonly client: string;
}

/**
 * Counts the lines of nginx's error log whose message the slow path has judged before, without reading them as text. It
 * makes no verdicts: in an outage, a few messages repeat with other times, connections, clients and requests.
 */
export class KnownMessages implements FastReader {
  readonly #summary: Summary;
  readonly #file: CountedFile;
  readonly #line = new ErrorLineBytes();
  readonly #time = new ErrorLogTime();
  readonly #text = new AsciiText();
  readonly #messages = new Map<number, KnownMessage>();
  readonly #reference: BytesReference;
  readonly #origins = new ByteCache(originOf);
  readonly #hosts = new ByteCache((text) => text);
  #lastMs = Number.NaN;
  #lastUtcMs: number | null = null;
  #isFollowing = false;

  constructor(summary: Summary, file: CountedFile) {
    this.#summary = summary;
    this.#file = file;
    this.#reference = new BytesReference(file, this.#text);
  }

  /** Sets the format of the line before. Only lines of nginx's error log are counted here. */
  follow(format: string): void {
    this.#isFollowing = format === errorLogFormat;
  }

  skip(bytes: Uint8Array, start: number, end: number): number {
    if (!this.#isFollowing || this.#messages.size === 0) return start;
    let at = start;
    while (at < end && this.#count(bytes, at)) at = this.#line.end + 1;
    return at;
  }

  #count(bytes: Uint8Array, start: number): boolean {
    const line = this.#line;
    const atMs = this.#time.read(bytes, start);
    if (Number.isNaN(atMs) || !line.read(bytes, start) || line.end - start > smallLineMax) return false;
    const message = this.#messageOf(bytes);
    const origin = this.#originOf(bytes);
    const verdict = message?.byScheme.get(origin.scheme);
    if (verdict === undefined || origin.isSpecial) return false;
    const texts = this.#textsOf(bytes);
    const finding = repeated(verdict, this.#inUtc(verdict, atMs), line.connection, texts);
    const parties = { client: texts.client, host: this.#hostOf(bytes), path: pathOf(texts.request) };
    const keys = keysOf(origin, verdict, finding);
    this.#reference.set(bytes, start, line.end);
    this.#summary.addRepeated(
      { finding, keys, parties, joinKey: line.connection, reference: this.#reference },
      this.#file,
    );
    return true;
  }

  #messageOf(bytes: Uint8Array): KnownMessage | undefined {
    const { message, level } = this.#line;
    const known = this.#messages.get(message.hash);
    if (known === undefined || known.level !== level) return undefined;
    return isSameBytes(known.bytes, bytes, message.start, message.end) ? known : undefined;
  }

  #originOf(bytes: Uint8Array): KnownOrigin {
    const { upstream, origin } = this.#line;
    return upstream.end === 0 ? this.#none : this.#origins.of(bytes, origin.start, origin.end, origin.hash);
  }

  readonly #none: KnownOrigin = { scheme: schemeOf(null), isSpecial: false, keys: new Map() };

  #hostOf(bytes: Uint8Array): string {
    const { start, end, hash } = this.#line.host;
    return this.#hosts.of(bytes, start, end, hash);
  }

  /** They are parts of one copy. */
  #textsOf(bytes: Uint8Array): LineTexts {
    const { client, request, upstream, host } = this.#line;
    const from = client.start;
    const text = ownText(this.#text.of(bytes, from, host.start), host.start - from);
    const textOf = ({ start, end }: ByteRange): string => text.slice(start - from, end - from);
    return {
      request: requestOfLine(textOf(request)),
      client: withoutPort(textOf(client)),
      upstream: upstream.end === 0 ? null : textOf(upstream).slice(0, upstreamCharactersMax),
    };
  }

  /** Lines of one second come together. */
  #inUtc(verdict: Finding, atMs: number): number | null {
    if (atMs === this.#lastMs) return this.#lastUtcMs;
    this.#lastMs = atMs;
    this.#lastUtcMs = this.#summary.timeOf({ ...verdict, atMs });
    return this.#lastUtcMs;
  }

  learn(bytes: Uint8Array, start: number, end: number, finding: Finding): void {
    const line = this.#line;
    if (finding.format !== errorLogFormat || finding.shape === 'none') return;
    const atMs = this.#time.read(bytes, start);
    if (atMs !== finding.atMs || !line.read(bytes, start) || line.end !== end) return;
    const { scheme, isSpecial } = this.#originOf(bytes);
    const { request, upstream } = this.#textsOf(bytes);
    // Both paths have to understand the line in the same way.
    if (isSpecial || finding.upstream !== upstream || finding.request !== request) return;
    if (finding.joins !== `connection ${line.connection}`) return;
    if (!this.#messages.has(line.message.hash)) this.#remember(bytes);
    this.#messageOf(bytes)?.byScheme.set(scheme, finding);
  }

  #remember(bytes: Uint8Array): void {
    const { message, level } = this.#line;
    if (this.#messages.size >= messagesMax) this.#messages.clear();
    this.#messages.set(message.hash, {
      bytes: new Uint8Array(bytes.subarray(message.start, message.end)),
      level,
      byScheme: new Map(),
    });
  }
}

function originOf(text: string): KnownOrigin {
  const isSpecial = text.includes('unix:') || text.startsWith('http://upstream_balancer');
  return { scheme: schemeOf(`${text}/`), isSpecial, keys: new Map() };
}

function keysOf({ keys }: KnownOrigin, verdict: Finding, finding: Finding): FaultKeys {
  let known = keys.get(verdict);
  if (known === undefined) {
    known = faultKeysOf(finding);
    keys.set(verdict, known);
  }
  return known;
}

/** Written out, because spreading costs as much as reading the line. */
function repeated(
  verdict: Finding,
  atMs: number | null,
  connection: number,
  { request, upstream }: LineTexts,
): Finding {
  return {
    confidence: verdict.confidence,
    atMs,
    status: null,
    upstream,
    durationMs: null,
    evidence: verdict.evidence,
    joins: `connection ${connection}`,
    isConsequence: verdict.isConsequence,
    gateway: verdict.gateway,
    format: verdict.format,
    kind: verdict.kind,
    request,
    shape: verdict.shape,
    type: verdict.type,
    stage: verdict.stage,
    born: verdict.born,
    whose: verdict.whose,
    sentence: verdict.sentence,
    fix: verdict.fix,
  };
}

/** Reads `2026/11/21 21:59:48`, which is mostly the time of the line before. */
class ErrorLogTime {
  readonly #last = new Uint8Array(timeBytes);
  #lastMs = Number.NaN;

  /** NaN for bytes that are no time. It counts as UTC. */
  read(bytes: Uint8Array, start: number): number {
    // The seconds are the likeliest to differ.
    for (let i = timeBytes - 1; i >= 0; i--) if (bytes[start + i] !== this.#last[i]) return this.#readNew(bytes, start);
    return this.#lastMs;
  }

  #readNew(bytes: Uint8Array, start: number): number {
    for (let i = 0; i < timeBytes; i++) {
      const sign = timeSigns[i] as number;
      if (sign === 0 ? digits[bytes[start + i] as number] !== 1 : bytes[start + i] !== sign) return Number.NaN;
    }
    const two = (at: number): number =>
      (bytes[start + at] as number) * 10 + (bytes[start + at + 1] as number) - 0x30 * 11;
    this.#last.set(bytes.subarray(start, start + timeBytes));
    this.#lastMs = Date.UTC(two(0) * 100 + two(2), two(5) - 1, two(8), two(11), two(14), two(17));
    return this.#lastMs;
  }
}

/** 0 where a digit stands. */
const timeSigns = Uint8Array.from('0000/00/00 00:00:00', (sign) => (sign === '0' ? 0 : sign.charCodeAt(0)));

/** A line whose text is made only if a report shows it. */
class BytesReference implements LineReference {
  readonly #file: CountedFile;
  readonly #text: AsciiText;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;

  constructor(file: CountedFile, text: AsciiText) {
    this.#file = file;
    this.#text = text;
  }

  set(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  get file(): string | null {
    return this.#file.name;
  }

  get line(): number {
    return this.#file.lines;
  }

  get text(): string {
    return this.#text.of(this.#bytes, this.#start, this.#end);
  }
}
