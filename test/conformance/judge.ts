import { failureTable } from '#failures/failure-table.ts';
import { headerFilter } from '../../src/core/header-names.ts';
import type { Failure } from '#failures/failure.ts';
import type { MessageHeaders, HeaderSink, Framing } from '../../src/core/message.ts';
import { requestRules } from '#failures/rules.ts';
import { ChunkedDecoder } from '../../src/wire/chunked.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { responseLimits } from '../../src/wire/limits.ts';
import { RequestHeadParser } from '../../src/wire/request-head.ts';
import { type ParsedRequestHead } from '../../src/wire/parsed-request-head.ts';
import { requestLimits } from '../../src/wire/request-limits.test-support.ts';
import { ResponseHeadParser } from '../../src/wire/response-head.ts';
import { type ParsedResponseHead } from '../../src/wire/parsed-response-head.ts';

/** The parts of a line of a verdict. */
export type Verdict = readonly string[];

/** The bytes of one connection, in the slices in which they arrive. */
export type Slices = readonly Uint8Array[];

interface HeadParser<H> {
  state: 'partial' | 'complete' | 'refused';
  head: H | null;
  push(bytes: Uint8Array, start: number, end: number): number;
  reset(): void;
}

interface Side<H extends { readonly framing: Framing; readonly headers: MessageHeaders }> {
  readonly parser: HeadParser<H>;
  readonly describe: (head: H) => Verdict;
  readonly refused: () => Verdict;
  readonly refusedBody: (rule: string) => Verdict;
  /** Whether another message may follow on the connection. */
  readonly goesOn: (head: H) => boolean;
}

/** The parsers' verdict on a client's bytes: a line for each message, and the forwarded headers of the last one. */
export function judgeRequests(slices: Slices, storage = new HeadStorage()): readonly Verdict[] {
  const parser = new RequestHeadParser(requestLimits, storage);
  const refusal = (rule: string): Verdict => {
    const { status } = requestRules[rule as keyof typeof requestRules];
    return [String(status), 'http_request_error', rule, 'connection closed'];
  };
  return judge(slices, {
    parser,
    describe: describeRequest,
    refused: () => refusal(parser.refusal?.rule ?? ''),
    refusedBody: refusal,
    goesOn: (head) => head.keepAlive && head.upgrade === null,
  });
}

/** The same for an endpoint's bytes, in answer to `method`. */
export function judgeResponses(slices: Slices, method: string, storage = new HeadStorage()): readonly Verdict[] {
  const parser = new ResponseHeadParser(responseLimits, storage);
  parser.expect(method);
  return judge(slices, {
    parser,
    describe: describeResponse,
    refused: () => {
      if (parser.refusal === null) return ['refused without a reason'];
      const { cause, ...evidence } = parser.refusal;
      return [
        ...failed(cause),
        ...Object.entries(evidence)
          .filter(([key]) => key !== 'firstBytes' && key !== 'bytes')
          .map(([, value]) => String(value)),
      ];
    },
    refusedBody: (rule) =>
      rule === 'trailer-section-too-large'
        ? failed('response_trailers_too_large')
        : [...failed('response_chunk'), rule],
    goesOn: (head) => head.keepAlive || head.status < 200,
  });
}

function failed(cause: Failure['cause']): Verdict {
  const { status, type } = failureTable[cause];
  return [String(status), String(type), cause];
}

function describeRequest(head: ParsedRequestHead): Verdict {
  return [
    'accepted',
    `${head.method} ${head.target}`,
    framingText(head.framing),
    head.version,
    head.authority === '' ? 'no host' : `host ${head.authority}`,
    head.keepAlive ? 'keep-alive' : 'close',
    ...(head.expectContinue ? ['continue'] : []),
    ...(head.upgrade === null ? [] : [`upgrade ${head.upgrade}`]),
  ];
}

function describeResponse(head: ParsedResponseHead): Verdict {
  return [
    'accepted',
    String(head.status),
    framingText(head.framing),
    head.version,
    `reason ${head.reason}`.trimEnd(),
    head.keepAlive ? 'keep-alive' : 'close',
    ...(head.contentLength < 0 ? [] : [`content-length ${head.contentLength}`]),
    ...(head.keepAliveTimeoutS === null ? [] : [`idle ${head.keepAliveTimeoutS} s`]),
  ];
}

function framingText(framing: Framing): string {
  return framing.kind === 'length' ? `length ${framing.bytes}` : framing.kind;
}

/** Passes the slices to the parsers of one side, message after message. */
function judge<H extends { readonly framing: Framing; readonly headers: MessageHeaders }>(
  slices: Slices,
  side: Side<H>,
): readonly Verdict[] {
  const lines: string[][] = [];
  const chunked = new ChunkedDecoder();
  let body = '';
  let remaining = 0;
  let open: H | null = null;
  let over = false;
  let began = false;
  const sink = {
    onBody(bytes: Uint8Array, start: number, end: number): void {
      body += Buffer.from(bytes.subarray(start, end)).toString('latin1');
    },
  };

  const end = (head: H, trailers: MessageHeaders | null): void => {
    if (head.framing.kind !== 'none') lines.at(-2)?.push(`content ${JSON.stringify(body)}`);
    if (trailers !== null) lines.at(-2)?.push(`trailers ${passedOn(trailers).join(', ')}`);
    over = !side.goesOn(head);
    open = null;
    began = false;
    side.parser.reset();
  };
  const begin = (head: H): void => {
    lines.push([...side.describe(head)], ['fields', ...passedOn(head.headers)]);
    body = '';
    open = head;
    remaining = head.framing.kind === 'length' ? head.framing.bytes : 0;
    chunked.reset();
    if (head.framing.kind === 'none' || (head.framing.kind === 'length' && remaining === 0)) end(head, null);
  };

  const take = (bytes: Uint8Array, at: number): number => {
    if (open === null) {
      began = true;
      const consumed = side.parser.push(bytes, at, bytes.length);
      if (side.parser.state === 'complete') begin(side.parser.head as H);
      else if (side.parser.state === 'refused') {
        lines.push([...side.refused()]);
        over = true;
      }
      return consumed;
    }
    const head: H = open;
    if (head.framing.kind === 'chunked') {
      const consumed = chunked.push(bytes, at, bytes.length, sink);
      if (chunked.state === 'done') end(head, chunked.trailers);
      else if (chunked.state === 'refused') {
        lines.splice(-2, 2, [...side.refusedBody(chunked.rule ?? '')]);
        open = null;
        over = true;
      }
      return consumed;
    }
    const length = head.framing.kind === 'length' ? Math.min(remaining, bytes.length - at) : bytes.length - at;
    sink.onBody(bytes, at, at + length);
    remaining -= length;
    if (head.framing.kind === 'length' && remaining === 0) end(head, null);
    return length;
  };

  for (const piece of slices) for (let at = 0; at < piece.length && !over; ) at += take(piece, at);
  const left = open as H | null;
  if (left?.framing.kind === 'until-close') end(left, null);
  else if (left !== null) lines.splice(-2, 2, ['partial']);
  else if (!over && began) lines.push(['partial']);
  return lines;
}

/** Header lines as the other side would get them, with lowercase names. Both views of the headers must agree. */
function passedOn(headers: MessageHeaders): string[] {
  const written: string[] = [];
  const sink: HeaderSink = {
    header: (name, value) => void written.push(`${name.toLowerCase()}: ${value}`),
    headerLines(bytes, start, end) {
      for (const line of Buffer.from(bytes.subarray(start, end)).toString('latin1').split('\r\n').slice(0, -1)) {
        const colon = line.indexOf(':');
        written.push(`${line.slice(0, colon).toLowerCase()}: ${line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')}`);
      }
    },
  };
  headers.writeTo(sink, headerFilter([]));
  const seen: string[] = [];
  headers.each((name, value) => void seen.push(`${name}: ${value}`));
  return seen.join('\n') === written.join('\n') ? seen : ['each and writeTo disagree'];
}
