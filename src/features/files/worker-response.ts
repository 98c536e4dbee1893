import type { FilterAnswer, FilterContext, FilterSource } from '../../core/filter.ts';
import { type HeaderLine, LineHeaders } from '../../core/line-headers.ts';
import { type Framing, noBody, type ResponseHead } from '../../core/message.ts';
import type { Random } from '../../core/random.ts';
import { reasonPhrase } from '../../wire/reason-phrases.ts';
import { plainText, textAnswer } from '../../filters/plain-answer.ts';
import type { FilesSpec } from './settings.ts';
import { type FileRange, isConditional, judge } from './worker-conditions.ts';
import type { Disk } from './worker-disk.ts';
import type { CachedFile, FoundFile } from './worker-cache.ts';
import { cacheControlOf, contentTypeOf, etagOf, modifiedSOf } from './worker-headers.ts';
import type { OpenFile } from './worker-file.ts';
import { type BodyPart, type FilePorts, FileStream, firstReadBytes, isUnchanged } from './worker-stream.ts';

/** What the response is made of beside the bytes of the file. */
interface Planned {
  readonly head: ResponseHead;
  readonly parts: BodyPart[];
}

/** What a response says beside what the file says of itself. */
export interface FileHead {
  /** Of the file, for messages. */
  readonly name: string;
  readonly status: number;
  readonly type: string;
  readonly lines: readonly HeaderLine[];
  /** Conditions and ranges of the request hold, as for the file itself. */
  readonly isJudged: boolean;
}

/** Of a file that answers the request of a route with files. */
export function fileHeadOf(
  { path, coding, fallback }: Omit<FoundFile, 'file'>,
  spec: FilesSpec,
  context: FilterContext,
): FileHead {
  const lines: HeaderLine[] = [];
  const cacheControl = cacheControlOf(path, spec.cache);
  if (cacheControl !== null) lines.push(['Cache-Control', cacheControl]);
  if (spec.precompressed.length > 0) lines.push(['Vary', 'Accept-Encoding']);
  // Else a cache would give the page to those who ask for a script, and have to get a 404.
  if (fallback === 'by_accept') lines.push(['Vary', 'Accept']);
  if (coding !== null) lines.push(['Content-Encoding', coding]);
  return { name: context.path, status: 200, type: contentTypeOf(path), lines, isJudged: true };
}

/** The answer where no byte of the file is sent, or what is sent of it. */
function planFor(
  { coding, file: { facts } }: FoundFile,
  fileHead: FileHead,
  { request }: FilterContext,
  ports: FilePorts,
): FilterAnswer | Planned {
  const { size } = facts;
  const { method } = request;
  if (!fileHead.isJudged) {
    const plan = entire(fileHead, size);
    return { head: headOf(plan, [...plan.lines, ...fileHead.lines], method), parts: partsOf(plan, method) };
  }
  const now = ports.clock.wallTime();
  const etag = etagOf(facts, coding, now);
  const modifiedS = modifiedSOf(facts, now);
  const asked = { method, get: (name: string) => request.headers.get(name) };
  const verdict = judge(asked, { etag, modifiedS, size });
  const lines = [...validators(etag, modifiedS), ...fileHead.lines];
  switch (verdict.kind) {
    case 'not_modified':
      // RFC 9110 §15.4.5: the other headers of the answer to GET, but none of the body itself.
      return { status: 304, headers: lines.filter(([name]) => name !== 'Content-Encoding'), body: noBytes };
    case 'failed':
      return textAnswer(412, plainText, 'The file is not the one that the request is meant for.\n', []);
    case 'unsatisfiable':
      return textAnswer(416, plainText, 'The file has no such range.\n', [['Content-Range', `bytes */${size}`]]);
    default:
  }
  const plan =
    verdict.kind === 'ranges' ? partial(verdict.ranges, fileHead.type, size, ports.random) : entire(fileHead, size);
  const head = headOf(plan, [...plan.lines, ...lines, ['Accept-Ranges', 'bytes']], method);
  return { head, parts: partsOf(plan, method) };
}

const partsOf = ({ length, parts }: Plan, method: string): BodyPart[] =>
  method === 'HEAD' || length === 0 ? [] : parts;

interface FileResponse {
  readonly decision: FilterAnswer | FilterSource;
  /** The whole file, where it was read at once; null: it was not. */
  readonly read: Uint8Array | null;
}

/** The response with a file. Within a turn of the disk. 'changed': the file was written to while it was read. */
export async function respondWith(
  found: FoundFile,
  fileHead: FileHead,
  disk: Disk,
  context: FilterContext,
  ports: FilePorts,
): Promise<FileResponse | 'changed'> {
  const { file } = found;
  const planned = planFor(found, fileHead, context, ports);
  if (!('head' in planned)) {
    disk.close(file.fd, file.facts.isLinked);
    return { decision: planned, read: null };
  }
  const { head, parts } = planned;
  const [first] = parts;
  if (first === undefined || first instanceof Uint8Array || first.end - first.start > firstReadBytes)
    return { decision: { stream: new FileStream(fileHead.name, head, file, disk, parts, [], ports) }, read: null };
  let bytes: Uint8Array | null = null;
  try {
    bytes = await readSmall(file, first, disk);
  } finally {
    if (bytes === null) disk.close(file.fd, file.facts.isLinked);
  }
  if (bytes === null) return 'changed';
  const stream = new FileStream(fileHead.name, head, file, disk, [], [bytes], ports);
  return { decision: { stream }, read: bytes.length === file.facts.size ? bytes : null };
}

/** The same from memory, where the file was read a moment ago: most requests want all of it, whose head is made once. */
export function respondFrom(
  cached: CachedFile,
  spec: FilesSpec,
  disk: Disk,
  context: FilterContext,
  ports: FilePorts,
): FilterAnswer | FilterSource {
  const { found, bytes, head } = cached;
  const isPlain = context.request.method === 'GET' && !isConditional(context.request.headers);
  if (isPlain && head !== null) return { stream: new FileStream(context.path, head, null, disk, [], [bytes], ports) };
  const planned = planFor(found, fileHeadOf(found, spec, context), context, ports);
  if (!('head' in planned)) return planned;
  if (isPlain && bytes.length > 0) cached.head = planned.head;
  const ready = planned.parts.map((part) => (part instanceof Uint8Array ? part : bytes.subarray(part.start, part.end)));
  return { stream: new FileStream(context.path, planned.head, null, disk, [], ready, ports) };
}

/** An answer of which nothing is read from a disk, as a stream: its head passes what the heads of endpoints pass. */
export function streamOf(
  { status, headers, body }: FilterAnswer,
  fileHead: Pick<FileHead, 'name' | 'lines'>,
  disk: Disk,
  method: string,
  ports: FilePorts,
): FilterSource {
  const lines = status === 304 ? headers : [...headers, ...fileHead.lines];
  const head = headOf({ status, length: body.length }, lines, status === 304 ? 'HEAD' : method);
  const ready = body.length === 0 || method === 'HEAD' ? [] : [body];
  return { stream: new FileStream(fileHead.name, head, null, disk, [], ready, ports) };
}

const noBytes = new Uint8Array(0);

/** Null: the file was written to meanwhile. */
async function readSmall(file: OpenFile, { start, end }: FileRange, disk: Disk): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.length; ) {
    const count = await disk.calls.read(file.fd, bytes, at, bytes.length - at, start + at);
    if (count === 0) return null;
    at += count;
  }
  return isUnchanged(file, await disk.facts(file.fd)) ? bytes : null;
}

interface Plan {
  readonly status: number;
  readonly lines: readonly HeaderLine[];
  readonly length: number;
  readonly parts: BodyPart[];
}

function entire({ status, type }: FileHead, size: number): Plan {
  return { status, lines: [['Content-Type', type]], length: size, parts: [{ start: 0, end: size }] };
}

function partial(ranges: readonly FileRange[], type: string, size: number, random: Random): Plan {
  const [only, second] = ranges;
  if (only !== undefined && second === undefined) {
    const lines: HeaderLine[] = [
      ['Content-Type', type],
      ['Content-Range', rangeText(only, size)],
    ];
    return { status: 206, lines, length: only.end - only.start, parts: [only] };
  }
  const boundary = boundaryOf(random);
  const parts: BodyPart[] = [];
  for (const range of ranges) {
    const before = parts.length === 0 ? '' : '\r\n';
    const head = `${before}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${rangeText(range, size)}\r\n\r\n`;
    parts.push(Buffer.from(head, 'latin1'), range);
  }
  parts.push(Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1'));
  const length = parts.reduce(
    (sum, part) => sum + (part instanceof Uint8Array ? part.length : part.end - part.start),
    0,
  );
  return { status: 206, lines: [['Content-Type', `multipart/byteranges; boundary=${boundary}`]], length, parts };
}

const rangeText = ({ start, end }: FileRange, size: number): string => `bytes ${start}-${end - 1}/${size}`;

/** Nobody can write it into a file before. */
function boundaryOf(random: Random): string {
  return `candor-${random.next().toString(36).slice(2)}${random.next().toString(36).slice(2)}`;
}

function validators(etag: string, modifiedS: number | null): HeaderLine[] {
  const lines: HeaderLine[] = [['ETag', etag]];
  if (modifiedS !== null) lines.push(['Last-Modified', new Date(modifiedS * 1000).toUTCString()]);
  return lines;
}

function headOf(
  { status, length }: Pick<Plan, 'status' | 'length'>,
  lines: readonly HeaderLine[],
  method: string,
): ResponseHead {
  const framing: Framing = method === 'HEAD' ? noBody : { kind: 'length', bytes: length };
  return {
    ...{ status, reason: reasonPhrase(status), version: 'HTTP/1.1', framing, contentLength: length },
    headers: new LineHeaders(lines),
  };
}
