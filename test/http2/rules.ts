import type { RequestRule } from '#failures/rules.ts';
import type { HeaderPair } from '../../src/wire/h2/hpack.test-support.ts';
import { literals } from '../../src/wire/h2/hpack.test-support.ts';
import type { ErrorName } from '../../src/wire/h2/protocol.ts';
import {
  data,
  flags,
  frame,
  headersFrame,
  ping,
  preface,
  requestHeaders,
  reset,
  setting,
  settings,
  types,
  windowUpdate,
  word,
} from './frames.ts';

/** `error`: of the RST_STREAM behind the response; null: none comes. */
export interface Refused {
  readonly refused: RequestRule;
  readonly status: number;
  readonly error: ErrorName | null;
}

/** What must come. Each but `goAway` also says that the connection goes on: it serves a further request. */
type Outcome =
  | { readonly goAway: ErrorName }
  /** RST_STREAM on stream 1, or on the one that is named. */
  | { readonly reset: ErrorName; readonly stream?: number }
  /** A frame that answers: its type, its flags and its payload. */
  | { readonly frame: Buffer }
  /** A response on stream 1 that names the rule, and a record that does. */
  | Refused
  /** DATA of a byte on stream 1 is the first that comes of its response, and the only one until its window is opened. */
  | 'one-byte'
  /** The response of the route on stream 1. */
  | 'served'
  /** Nothing on stream 1 but what it would get anyway. */
  | 'ignored';

export interface RuleCase {
  readonly section: string;
  readonly name: string;
  readonly send: readonly Buffer[];
  readonly outcome: Outcome;
  /** Sent behind the response on stream 1, which has then ended. */
  readonly afterwards?: readonly Buffer[];
  /** The preface is part of `send`. */
  readonly isBare?: true;
  /** No further stream can be opened. */
  readonly isFull?: true;
}

const { endStream, endHeaders, padded, priority, ack } = flags;
const get = requestHeaders();
/** A request that stays open: its endpoint does not answer. */
const hanging = requestHeaders({ ':path': '/hang' });
const posting = requestHeaders({ ':method': 'POST', ':path': '/hang' });
const block = literals(...get);
const hangingBlock = literals(...hanging);
const openStream = headersFrame(1, hanging);
const openPost = headersFrame(1, posting, false);
const served = headersFrame(1, get);
const largest = 2 ** 31 - 1;

function goAway(section: string, error: ErrorName, name: string, ...send: readonly Buffer[]): RuleCase {
  return { section, name, send, outcome: { goAway: error } };
}

function resets(section: string, error: ErrorName, name: string, ...send: readonly Buffer[]): RuleCase {
  return { section, name, send, outcome: { reset: error } };
}

function ignored(section: string, name: string, ...send: readonly Buffer[]): RuleCase {
  return { section, name, send, outcome: 'ignored' };
}

function answers(section: string, name: string, answer: Buffer, ...send: readonly Buffer[]): RuleCase {
  return { section, name, send, outcome: { frame: answer } };
}

function serves(section: string, name: string, ...send: readonly Buffer[]): RuleCase {
  return { section, name, send, outcome: 'served' };
}

/** Malformed (RFC 9113 §8.1.1): it is answered, and its stream is reset behind the answer. */
function malformed(
  section: string,
  rule: RequestRule,
  name: string,
  headers: readonly HeaderPair[],
  end = true,
): RuleCase {
  return malformedBy(section, rule, name, headersFrame(1, headers, end));
}

/** As above, of several frames: all came before its response has begun. */
function malformedBy(section: string, rule: RequestRule, name: string, ...send: readonly Buffer[]): RuleCase {
  return { section, name, send, outcome: { refused: rule, status: 400, error: 'PROTOCOL_ERROR' } };
}

/** Well formed, and refused: it asks for what is not offered. */
function refuses(
  section: string,
  rule: RequestRule,
  name: string,
  headers: readonly HeaderPair[],
  status: number,
): RuleCase {
  return { section, name, send: [headersFrame(1, headers)], outcome: { refused: rule, status, error: null } };
}

function oneByte(section: string, name: string, ...send: readonly Buffer[]): RuleCase {
  return { section, name, send, outcome: 'one-byte' };
}

/** Frames for a stream whose request and response have been sent. */
const ended = (one: RuleCase): RuleCase => ({ ...one, send: [served], afterwards: one.send });
const bare = (one: RuleCase): RuleCase => ({ ...one, isBare: true });
const withHeader = (name: string, value: string): HeaderPair[] => requestHeaders({}, [[name, value]]);

const connection: readonly RuleCase[] = [
  bare(
    goAway('3.4', 'PROTOCOL_ERROR', 'a preface that is wrong at its end', preface.subarray(0, 20), Buffer.from('XXXX')),
  ),
  bare(goAway('3.4', 'PROTOCOL_ERROR', 'a first frame that is not SETTINGS', preface, ping())),
  bare(
    goAway('3.4', 'PROTOCOL_ERROR', 'a first frame that acknowledges SETTINGS', preface, frame(types.settings, ack, 0)),
  ),
  bare(serves('3.4', 'a request with the preface', preface, settings(), served)),
];

const frames: readonly RuleCase[] = [
  ignored('4.1', 'a frame of an unknown type', frame(0x77, 0xff, 0, 'anything')),
  ignored('4.1', 'a frame of an unknown type on an idle stream', frame(0x77, 0xff, 99, 'anything')),
  ignored('4.1', 'flags that PING does not have', frame(types.ping, 0xfe, 0, 'pongpong')),
  serves(
    '4.1',
    'the reserved bit of the stream',
    frame(types.headers, endStream | endHeaders, 0x8000_0001 >>> 0, block),
  ),
  serves(
    '4.2',
    'DATA of 16,384 bytes',
    headersFrame(1, requestHeaders({ ':method': 'POST' }), false),
    data(1, Buffer.alloc(16_384), true),
  ),
  goAway('4.2', 'FRAME_SIZE_ERROR', 'DATA of 16,385 bytes', openPost, data(1, Buffer.alloc(16_385))),
  goAway(
    '4.2',
    'FRAME_SIZE_ERROR',
    'HEADERS of 16,385 bytes',
    frame(types.headers, endHeaders, 1, Buffer.alloc(16_385)),
  ),
  goAway('4.2', 'FRAME_SIZE_ERROR', 'an unknown frame of 16,385 bytes', frame(0x77, 0, 0, Buffer.alloc(16_385))),
  goAway(
    '4.3',
    'COMPRESSION_ERROR',
    'a header block that no decoder can read',
    frame(types.headers, endStream | endHeaders, 1, Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
  ),
  goAway(
    '4.3',
    'PROTOCOL_ERROR',
    'PRIORITY within a header block',
    frame(types.headers, endStream, 1, block),
    frame(types.priority, 0, 1, Buffer.alloc(5)),
  ),
  goAway(
    '4.3',
    'PROTOCOL_ERROR',
    'HEADERS of another stream within a header block',
    frame(types.headers, endStream, 1, block),
    headersFrame(3, get),
  ),
  goAway(
    '5.5',
    'PROTOCOL_ERROR',
    'an unknown frame within a header block',
    frame(types.headers, endStream, 1, block),
    frame(0x77, 0, 0),
  ),
];

const closedStream = Buffer.concat([openStream, reset(1, 'CANCEL')]);

const states: readonly RuleCase[] = [
  goAway('5.1', 'PROTOCOL_ERROR', 'idle: DATA', data(1, 'x', true)),
  goAway('5.1', 'PROTOCOL_ERROR', 'idle: RST_STREAM', reset(1, 'CANCEL')),
  goAway('5.1', 'PROTOCOL_ERROR', 'idle: WINDOW_UPDATE', windowUpdate(1, 100)),
  goAway('5.1', 'PROTOCOL_ERROR', 'idle: CONTINUATION', frame(types.continuation, endHeaders, 1, block)),
  goAway('5.1', 'PROTOCOL_ERROR', 'idle, of the server: DATA', data(2, 'x', true)),
  goAway('5.1', 'PROTOCOL_ERROR', 'idle, of the server: RST_STREAM', reset(2, 'CANCEL')),
  goAway('5.1', 'PROTOCOL_ERROR', 'idle, of the server: WINDOW_UPDATE', windowUpdate(2, 100)),
  ignored('5.1', 'idle: PRIORITY', frame(types.priority, 0, 1, Buffer.alloc(5))),
  resets('5.1', 'STREAM_CLOSED', 'half-closed: DATA', openStream, data(1, 'x', true)),
  resets('5.1', 'STREAM_CLOSED', 'half-closed: HEADERS', openStream, headersFrame(1, [['a', 'b']])),
  goAway(
    '5.1',
    'PROTOCOL_ERROR',
    'half-closed: CONTINUATION',
    openStream,
    frame(types.continuation, endHeaders, 1, block),
  ),
  ignored(
    '5.1',
    'half-closed: WINDOW_UPDATE, PRIORITY',
    openStream,
    windowUpdate(1, 5),
    frame(types.priority, 0, 1, Buffer.alloc(5)),
  ),
  resets('5.1', 'STREAM_CLOSED', 'reset by the client: DATA', closedStream, data(1, 'x')),
  goAway('5.1', 'STREAM_CLOSED', 'reset by the client: HEADERS', closedStream, served),
  goAway(
    '5.1',
    'PROTOCOL_ERROR',
    'reset by the client: CONTINUATION',
    closedStream,
    frame(types.continuation, endHeaders, 1, block),
  ),
  ignored(
    '5.1',
    'reset by the client: WINDOW_UPDATE, RST_STREAM, PRIORITY',
    closedStream,
    windowUpdate(1, 5),
    reset(1, 'CANCEL'),
    frame(types.priority, 0, 1, Buffer.alloc(5)),
  ),
  ended(resets('5.1', 'STREAM_CLOSED', 'ended: DATA', data(1, 'x', true))),
  ended(goAway('5.1', 'STREAM_CLOSED', 'ended: HEADERS', served)),
  ended(goAway('5.1', 'PROTOCOL_ERROR', 'ended: CONTINUATION', frame(types.continuation, endHeaders, 1, block))),
  ended(
    serves(
      '5.1',
      'ended: WINDOW_UPDATE, RST_STREAM, PRIORITY',
      windowUpdate(1, 5),
      reset(1, 'CANCEL'),
      frame(types.priority, 0, 1, Buffer.alloc(5)),
    ),
  ),
  {
    section: '5.1.2',
    name: 'more streams at a time than SETTINGS_MAX_CONCURRENT_STREAMS',
    send: Array.from({ length: 129 }, (_, turn) => headersFrame(2 * turn + 1, hanging)),
    outcome: { reset: 'REFUSED_STREAM', stream: 257 },
    isFull: true,
  },
  goAway('5.1.1', 'PROTOCOL_ERROR', 'a stream with an even number', headersFrame(2, get)),
  goAway(
    '5.1.1',
    'PROTOCOL_ERROR',
    'a stream with a lower number than another',
    headersFrame(5, get),
    headersFrame(3, get),
  ),
  goAway('5.1.1', 'PROTOCOL_ERROR', 'a stream with the number 0', headersFrame(0, get)),
  serves('5.1.1', 'a stream behind numbers that are not used', served, headersFrame(2001, get)),
  goAway('5.1.1', 'STREAM_CLOSED', 'a stream for the second time', closedStream, openStream),
  resets(
    '5.3.1',
    'PROTOCOL_ERROR',
    'HEADERS that depend on their stream',
    frame(types.headers, endStream | endHeaders | priority, 1, Buffer.concat([word(1), Buffer.of(15), block])),
  ),
  resets(
    '5.3.1',
    'PROTOCOL_ERROR',
    'PRIORITY that depends on its stream',
    openStream,
    frame(types.priority, 0, 1, Buffer.concat([word(1), Buffer.of(15)])),
  ),
];

const bodyFrames: readonly RuleCase[] = [
  goAway('6.1', 'PROTOCOL_ERROR', 'DATA without a stream', data(0, 'x')),
  goAway(
    '6.1',
    'PROTOCOL_ERROR',
    'DATA with padding as long as its payload',
    openPost,
    frame(types.data, padded, 1, Buffer.of(5, 1, 2, 3, 4)),
  ),
  goAway('6.1', 'PROTOCOL_ERROR', 'DATA of no bytes with padding', openPost, frame(types.data, padded, 1)),
  serves(
    '6.1',
    'DATA with padding',
    headersFrame(1, requestHeaders({ ':method': 'POST' }, [['content-length', '2']]), false),
    frame(types.data, padded | endStream, 1, Buffer.of(3, 65, 66, 0, 0, 0)),
  ),
  goAway(
    '6.2',
    'PROTOCOL_ERROR',
    'HEADERS with padding longer than the payload',
    frame(types.headers, endStream | endHeaders | padded, 1, Buffer.concat([Buffer.of(200), block])),
  ),
  goAway(
    '6.2',
    'FRAME_SIZE_ERROR',
    'HEADERS of no bytes with padding',
    frame(types.headers, endStream | endHeaders | padded, 1),
  ),
  goAway(
    '6.2',
    'FRAME_SIZE_ERROR',
    'HEADERS too short for their priority',
    frame(types.headers, endStream | endHeaders | priority, 1, 'abc'),
  ),
  serves(
    '6.2',
    'HEADERS with padding and priority',
    frame(
      types.headers,
      endStream | endHeaders | padded | priority,
      1,
      Buffer.concat([Buffer.of(4), word(0x8000_0000), Buffer.of(9), block, Buffer.alloc(4)]),
    ),
  ),
  goAway('6.3', 'PROTOCOL_ERROR', 'PRIORITY without a stream', frame(types.priority, 0, 0, Buffer.alloc(5))),
  resets('6.3', 'FRAME_SIZE_ERROR', 'PRIORITY of 4 bytes', openStream, frame(types.priority, 0, 1, Buffer.alloc(4))),
  goAway(
    '6.3',
    'FRAME_SIZE_ERROR',
    'PRIORITY of 4 bytes on an idle stream',
    frame(types.priority, 0, 1, Buffer.alloc(4)),
  ),
  goAway('6.4', 'PROTOCOL_ERROR', 'RST_STREAM without a stream', reset(0, 'CANCEL')),
  goAway('6.4', 'FRAME_SIZE_ERROR', 'RST_STREAM of 3 bytes', openStream, frame(types.rstStream, 0, 1, Buffer.alloc(3))),
];

const connectionFrames: readonly RuleCase[] = [
  goAway('6.5', 'FRAME_SIZE_ERROR', 'an acknowledgement with a setting', frame(types.settings, ack, 0, setting(1, 0))),
  goAway('6.5', 'PROTOCOL_ERROR', 'SETTINGS with a stream', frame(types.settings, 0, 1, setting(1, 0))),
  goAway('6.5', 'FRAME_SIZE_ERROR', 'SETTINGS of 5 bytes', frame(types.settings, 0, 0, Buffer.alloc(5))),
  goAway('6.5.2', 'PROTOCOL_ERROR', 'ENABLE_PUSH of 2', settings(setting(2, 2))),
  goAway('6.5.2', 'FLOW_CONTROL_ERROR', 'INITIAL_WINDOW_SIZE of 2^31', settings(setting(4, 2 ** 31))),
  goAway('6.5.2', 'PROTOCOL_ERROR', 'MAX_FRAME_SIZE of 16,383', settings(setting(5, 16_383))),
  goAway('6.5.2', 'PROTOCOL_ERROR', 'MAX_FRAME_SIZE of 2^24', settings(setting(5, 2 ** 24))),
  goAway('6.5.2', 'PROTOCOL_ERROR', 'ENABLE_CONNECT_PROTOCOL of 2 (RFC 8441 §3)', settings(setting(8, 2))),
  ignored('6.5.2', 'an unknown setting', settings(setting(0xff, 1))),
  ignored('6.5.3', 'the same setting twice', settings(setting(4, 100), setting(4, 65_535))),
  goAway(
    '6.6',
    'PROTOCOL_ERROR',
    'PUSH_PROMISE',
    openPost,
    frame(types.pushPromise, endHeaders, 1, Buffer.concat([word(2), block])),
  ),
  answers('6.7', 'PING, with its payload', frame(types.ping, ack, 0, 'abcdefgh'), ping('abcdefgh')),
  bare(answers('6.5.3', 'SETTINGS', frame(types.settings, ack, 0), preface, settings(setting(4, 100_000)))),
  ignored('6.7', 'an answer to no PING', frame(types.ping, ack, 0, 'abcdefgh')),
  goAway('6.7', 'PROTOCOL_ERROR', 'PING with a stream', frame(types.ping, 0, 1, 'abcdefgh')),
  goAway('6.7', 'FRAME_SIZE_ERROR', 'PING of 6 bytes', frame(types.ping, 0, 0, 'abcdef')),
  goAway('6.8', 'PROTOCOL_ERROR', 'GOAWAY with a stream', frame(types.goAway, 0, 1, Buffer.alloc(8))),
  goAway('6.8', 'FRAME_SIZE_ERROR', 'GOAWAY of 7 bytes', frame(types.goAway, 0, 0, Buffer.alloc(7))),
  goAway('6.5', 'FRAME_SIZE_ERROR', 'SETTINGS of 16,386 bytes', frame(types.settings, 0, 0, Buffer.alloc(16_386))),
  goAway('6.7', 'FRAME_SIZE_ERROR', 'PING of 9 bytes', frame(types.ping, 0, 0, 'abcdefghi')),
  goAway(
    '7',
    'NO_ERROR',
    'GOAWAY with an unknown error',
    frame(types.goAway, 0, 0, Buffer.concat([word(0), word(0xff)])),
  ),
  goAway('6.8', 'NO_ERROR', 'GOAWAY', frame(types.goAway, 0, 0, Buffer.alloc(8))),
  goAway('6.9', 'PROTOCOL_ERROR', 'WINDOW_UPDATE of 0 for the connection', windowUpdate(0, 0)),
  resets('6.9', 'PROTOCOL_ERROR', 'WINDOW_UPDATE of 0 for a stream', openStream, windowUpdate(1, 0)),
  goAway(
    '6.9',
    'FRAME_SIZE_ERROR',
    'WINDOW_UPDATE of 5 bytes for a stream',
    openStream,
    frame(types.windowUpdate, 0, 1, Buffer.alloc(5)),
  ),
  ignored('6.9', 'the reserved bit of a WINDOW_UPDATE', frame(types.windowUpdate, 0, 0, word(0x8000_0001))),
  goAway('6.9', 'FRAME_SIZE_ERROR', 'WINDOW_UPDATE of 3 bytes', frame(types.windowUpdate, 0, 0, Buffer.alloc(3))),
  goAway(
    '6.9.1',
    'FLOW_CONTROL_ERROR',
    'a window of the connection above 2^31 − 1',
    windowUpdate(0, largest),
    windowUpdate(0, largest),
  ),
  resets(
    '6.9.1',
    'FLOW_CONTROL_ERROR',
    'a window of a stream above 2^31 − 1',
    openStream,
    windowUpdate(1, largest),
    windowUpdate(1, largest),
  ),
  goAway(
    '6.9.2',
    'FLOW_CONTROL_ERROR',
    'SETTINGS that make a window larger than 2^31 − 1',
    openStream,
    windowUpdate(1, largest - 65_535),
    settings(setting(4, 70_000)),
  ),
  bare(oneByte('6.9.1', 'a window of one byte', preface, settings(setting(4, 1)), served)),
  oneByte('6.9.2', 'a window of one byte behind the request', settings(setting(4, 0)), served, settings(setting(4, 1))),
  bare(
    oneByte(
      '6.5.3',
      'the last of two values in one SETTINGS',
      preface,
      settings(setting(4, 100), setting(4, 1)),
      served,
    ),
  ),
  serves(
    '6.10',
    'a header block in three frames',
    frame(types.headers, endStream, 1, block.subarray(0, 5)),
    frame(types.continuation, 0, 1, block.subarray(5, 9)),
    frame(types.continuation, endHeaders, 1, block.subarray(9)),
  ),
  serves(
    '6.10',
    'a header block with empty frames',
    frame(types.headers, endStream, 1),
    frame(types.continuation, 0, 1),
    frame(types.continuation, endHeaders, 1, block),
  ),
  goAway(
    '6.10',
    'PROTOCOL_ERROR',
    'CONTINUATION behind a whole header block',
    openStream,
    frame(types.continuation, endHeaders, 1, block),
  ),
  goAway(
    '6.10',
    'PROTOCOL_ERROR',
    'CONTINUATION without a stream',
    frame(types.headers, endStream, 1, block),
    frame(types.continuation, endHeaders, 0, block),
  ),
  goAway('6.10', 'PROTOCOL_ERROR', 'DATA within a header block', frame(types.headers, 0, 1, block), data(1, 'x')),
  goAway(
    '6.10',
    'PROTOCOL_ERROR',
    'DATA behind a CONTINUATION that does not end the header block',
    frame(types.headers, 0, 1, block.subarray(0, 5)),
    frame(types.continuation, 0, 1, block.subarray(5)),
    data(1, 'x'),
  ),
  goAway(
    '6.10',
    'PROTOCOL_ERROR',
    'CONTINUATION behind one that ends the header block',
    frame(types.headers, endStream, 1, hangingBlock.subarray(0, 5)),
    frame(types.continuation, endHeaders, 1, hangingBlock.subarray(5)),
    frame(types.continuation, endHeaders, 1, block),
  ),
  goAway(
    '6.10',
    'PROTOCOL_ERROR',
    'CONTINUATION behind DATA',
    openPost,
    data(1, 'x'),
    frame(types.continuation, endHeaders, 1, block),
  ),
  ignored(
    '7',
    'RST_STREAM with an unknown error',
    openStream,
    frame(types.rstStream, 0, 1, word(0xff)),
    frame(types.priority, 0, 1, Buffer.alloc(5)),
  ),
  goAway(
    'RFC 9218 §7.1',
    'PROTOCOL_ERROR',
    'PRIORITY_UPDATE with a stream',
    frame(types.priorityUpdate, 0, 1, Buffer.concat([word(1), Buffer.from('u=1')])),
  ),
  goAway(
    'RFC 9218 §7.1',
    'PROTOCOL_ERROR',
    'PRIORITY_UPDATE for no stream',
    frame(types.priorityUpdate, 0, 0, word(0)),
  ),
  goAway(
    'RFC 9218 §7.1',
    'FRAME_SIZE_ERROR',
    'PRIORITY_UPDATE of 3 bytes',
    frame(types.priorityUpdate, 0, 0, Buffer.alloc(3)),
  ),
  goAway(
    'RFC 9218 §7.1',
    'PROTOCOL_ERROR',
    'PRIORITY_UPDATE for a stream that was not pushed',
    frame(types.priorityUpdate, 0, 0, Buffer.concat([word(2), Buffer.from('u=1')])),
  ),
  goAway(
    'RFC 9218 §7.1',
    'PROTOCOL_ERROR',
    'PRIORITY_UPDATE for 129 streams that come later',
    ...Array.from({ length: 129 }, (_, index) =>
      frame(types.priorityUpdate, 0, 0, Buffer.concat([word(2 * index + 1), Buffer.from('u=1')])),
    ),
  ),
  ignored(
    'RFC 9218 §7.1',
    'PRIORITY_UPDATE for a stream that comes later',
    frame(types.priorityUpdate, 0, 0, Buffer.concat([word(7), Buffer.from('u=1, i')])),
  ),
];

const messages: readonly RuleCase[] = [
  malformed('8.2', 'header-name-case', 'a header name with an uppercase letter', withHeader('X-Big', '1')),
  malformed('8.2.1', 'header-name', 'a header name with a space', withHeader('a b', '1')),
  malformed('8.2.1', 'header-name', 'a header name with a colon', withHeader('a:b', '1')),
  malformed('8.2.1', 'header-name', 'an empty header name', withHeader('', '1')),
  malformed('8.2.1', 'header-name', 'a header name with DEL', withHeader('a\x7f', '1')),
  malformed('8.2.1', 'header-name', 'a header name with a byte above 127', withHeader('a\xe9', '1')),
  malformed('8.2.1', 'header-name', 'a header name with NUL', withHeader('a\0', '1')),
  malformed('8.2.1', 'header-value', 'a header value with NUL', withHeader('a', 'b\0c')),
  malformed('8.2.1', 'header-value', 'a header value with CR', withHeader('a', 'b\rc')),
  malformed('8.2.1', 'header-value', 'a header value with LF', withHeader('a', 'b\nc')),
  malformed('8.2.1', 'header-value-blank', 'a header value that begins with a space', withHeader('a', ' b')),
  malformed('8.2.1', 'header-value-blank', 'a header value that ends with a tab', withHeader('a', 'b\t')),
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'].map((name) =>
    malformed('8.2.2', 'connection-header', `the header ${name}`, withHeader(name, 'close')),
  ),
  malformed('8.2.2', 'connection-header', 'a TE that is not "trailers"', withHeader('te', 'gzip')),
  serves('8.2.2', 'a TE of "trailers"', headersFrame(1, withHeader('te', 'trailers'))),
  malformed('8.3', 'pseudo-header-unknown', 'an unknown pseudo-header', withHeader(':test', 'x')),
  malformed('8.3', 'pseudo-header-kind', 'the pseudo-header of responses', requestHeaders({ ':status': '200' })),
  malformed('8.3', 'pseudo-header-late', 'a pseudo-header behind a header', [['a', 'b'], ...get]),
  malformed('8.3', 'pseudo-header-repeated', 'a pseudo-header twice', [...get, [':path', '/']]),
  malformed('8.3.1', 'pseudo-header-missing', 'no :method', requestHeaders({ ':method': null })),
  malformed('8.3.1', 'pseudo-header-missing', 'no :scheme', requestHeaders({ ':scheme': null })),
  malformed('8.3.1', 'pseudo-header-missing', 'no :path', requestHeaders({ ':path': null })),
  malformed('8.3.1', 'pseudo-header-missing', 'an empty :path', requestHeaders({ ':path': '' })),
  malformed('8.3.1', 'pseudo-header-missing', ':method alone', [[':method', 'GET']]),
  malformed('8.3.1', 'method-token', 'an empty :method', requestHeaders({ ':method': '' })),
  malformed('8.3.1', 'method-token', 'a :method with a space', requestHeaders({ ':method': 'GET /' })),
  malformed('8.3.1', 'pseudo-header-missing', 'an empty :scheme', requestHeaders({ ':scheme': '' })),
  refuses('8.3.1', 'scheme-unknown', 'a scheme that is not offered', requestHeaders({ ':scheme': 'ftp' }), 400),
  malformed('8.3.1', 'pseudo-header-repeated', ':method twice', [...get, [':method', 'GET']]),
  malformed('8.3.1', 'pseudo-header-repeated', ':scheme twice', [...get, [':scheme', 'http']]),
  malformed('8.3.1', 'target-bytes', 'a :path with a space', requestHeaders({ ':path': '/a b' })),
  malformed('8.3.1', 'target-bytes', 'a :path with a fragment', requestHeaders({ ':path': '/a#b' })),
  malformed('8.3.1', 'host-invalid', 'an :authority with a user', requestHeaders({ ':authority': 'user@example.org' })),
  malformed(
    '8.3.1',
    'host-repeated',
    'two Hosts',
    requestHeaders({ ':authority': null }, [
      ['host', 'a'],
      ['host', 'b'],
    ]),
  ),
  malformed('8.3.1', 'pseudo-header-repeated', ':authority twice', [...get, [':authority', 'example.org']]),
  malformed('RFC 8441 §4', 'pseudo-header-kind', ':protocol with GET', requestHeaders({ ':protocol': 'websocket' })),
  refuses(
    'RFC 8441 §5',
    'connect-ended',
    'an extended CONNECT that ends its stream',
    requestHeaders({ ':method': 'CONNECT', ':protocol': 'websocket' }),
    400,
  ),
  refuses(
    'RFC 9220 §3',
    'connect-protocol',
    'an extended CONNECT to another protocol',
    requestHeaders({ ':method': 'CONNECT', ':protocol': 'tcp' }),
    501,
  ),
  malformed(
    'RFC 8441 §4',
    'pseudo-header-missing',
    'an extended CONNECT without :path',
    requestHeaders({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': null }),
  ),
  malformed(
    'RFC 8441 §4',
    'pseudo-header-missing',
    'an extended CONNECT without :scheme',
    requestHeaders({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': null }),
  ),
  malformed('8.3.1', 'target-form', 'a :path that does not begin with "/"', requestHeaders({ ':path': 'index' })),
  malformed('8.3.1', 'target-form', 'a :path of "*" with GET', requestHeaders({ ':path': '*' })),
  malformed('8.3.1', 'host-missing', 'neither :authority nor Host', requestHeaders({ ':authority': null })),
  malformed('8.3.1', 'host-disagrees', ':authority and another Host', withHeader('host', 'other.example')),
  serves(
    '8.3.1',
    'a Host instead of :authority',
    headersFrame(1, requestHeaders({ ':authority': null }, [['host', 'example.org']])),
  ),
  refuses(
    '8.5',
    'connect-not-offered',
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'example.org:443'],
    ],
    501,
  ),
  malformed('8.5', 'pseudo-header-kind', 'CONNECT with :scheme and :path', requestHeaders({ ':method': 'CONNECT' })),
  malformedBy(
    '8.1.1',
    'content-length-mismatch',
    'less content than announced',
    headersFrame(1, requestHeaders({ ':method': 'POST', ':path': '/hang' }, [['content-length', '9']]), false),
    data(1, 'x', true),
  ),
  malformedBy(
    '8.1.1',
    'content-length-mismatch',
    'more content than announced',
    headersFrame(1, requestHeaders({ ':method': 'POST', ':path': '/hang' }, [['content-length', '1']]), false),
    data(1, 'xx', true),
  ),
  malformed('8.1.1', 'content-length-mismatch', 'content announced, and no DATA', withHeader('content-length', '5')),
  malformed(
    '8.1.1',
    'content-length-invalid',
    'a Content-Length that is no number',
    withHeader('content-length', '+5'),
    false,
  ),
  malformedBy(
    '8.1.1',
    'content-length-mismatch',
    'less content than announced, in several frames',
    headersFrame(1, requestHeaders({ ':method': 'POST', ':path': '/hang' }, [['content-length', '9']]), false),
    data(1, 'test'),
    data(1, 'test', true),
  ),
  malformed('8.1.1', 'header-name-case', 'a request whose content has yet to come', withHeader('A', 'b'), false),
  refuses('RFC 9110 §15.5.18', 'expectation-unknown', 'an unknown expectation', withHeader('expect', 'x'), 417),
  resets(
    '8.1',
    'PROTOCOL_ERROR',
    'trailers that do not end the stream',
    openPost,
    headersFrame(1, [['a', 'b']], false),
  ),
  malformedBy(
    '8.1',
    'pseudo-header-kind',
    'a pseudo-header in trailers',
    openPost,
    headersFrame(1, [[':method', 'GET']]),
  ),
  malformedBy(
    '8.2.2',
    'connection-header',
    'a connection header in trailers',
    openPost,
    headersFrame(1, [['connection', 'a']]),
  ),
  malformedBy('8.2', 'header-name-case', 'an uppercase letter in trailers', openPost, headersFrame(1, [['A', 'b']])),
  malformedBy('8.2.1', 'header-value', 'a line end in a trailer', openPost, headersFrame(1, [['a', 'b\r\nc: d']])),
  resets('8.1', 'STREAM_CLOSED', 'DATA behind trailers', openPost, headersFrame(1, [['a', 'b']]), data(1, 'x', true)),
  ignored('8.1', 'trailers', openPost, data(1, 'x'), headersFrame(1, [['a', 'b']])),
];

/** The name x-test in Huffman code; "test" alone is 49 50 9f. */
const xTest = [0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff];

const hpack: readonly RuleCase[] = [
  goAway(
    'RFC 7541 §2.3.3',
    'COMPRESSION_ERROR',
    'an index behind the tables',
    frame(types.headers, endStream | endHeaders, 1, Buffer.concat([Buffer.of(0xc6), block])),
  ),
  goAway(
    'RFC 7541 §4.2',
    'COMPRESSION_ERROR',
    'a table size update behind a field',
    frame(types.headers, endStream | endHeaders, 1, Buffer.concat([block, Buffer.of(0x20)])),
  ),
  goAway(
    'RFC 7541 §5.2',
    'COMPRESSION_ERROR',
    'Huffman padding of a byte',
    frame(
      types.headers,
      endStream | endHeaders,
      1,
      Buffer.concat([block, Buffer.of(0, ...xTest, 0x84, 0x49, 0x50, 0x9f, 0xff)]),
    ),
  ),
  goAway(
    'RFC 7541 §5.2',
    'COMPRESSION_ERROR',
    'Huffman padding of zeros',
    frame(
      types.headers,
      endStream | endHeaders,
      1,
      Buffer.concat([block, Buffer.of(0, ...xTest, 0x83, 0x49, 0x50, 0x90)]),
    ),
  ),
  goAway(
    'RFC 7541 §5.2',
    'COMPRESSION_ERROR',
    'EOS in a string',
    frame(
      types.headers,
      endStream | endHeaders,
      1,
      Buffer.concat([block, Buffer.of(0, ...xTest, 0x87, 0x49, 0x51, 0xff, 0xff, 0xff, 0xfa, 0x7f)]),
    ),
  ),
  goAway(
    'RFC 7541 §6.1',
    'COMPRESSION_ERROR',
    'the index 0',
    frame(types.headers, endStream | endHeaders, 1, Buffer.concat([Buffer.of(0x80), block])),
  ),
  goAway(
    'RFC 7541 §6.3',
    'COMPRESSION_ERROR',
    'a table larger than our settings',
    frame(types.headers, endStream | endHeaders, 1, Buffer.concat([Buffer.of(0x3f, 0xe2, 0x1f), block])),
  ),
  goAway(
    'RFC 7541 §5.1',
    'COMPRESSION_ERROR',
    'a block that ends within a field',
    frame(types.headers, endStream | endHeaders, 1, block.subarray(0, block.length - 1)),
  ),
];

/** A header block with each representation of RFC 7541 §6, behind two sizes of the table: names by index and in full, strings plain and in Huffman code. */
const everyRepresentation = Buffer.concat([
  Buffer.of(0x20, 0x3f, 0xe1, 0x1f, 0x82, 0x86, 0x84, 0x41, 11),
  Buffer.from('example.org'),
  Buffer.of(0x40, 1, 0x61, 1, 0x62, 0xbe, 0x7a, 1, 0x63, 0x0f, 0x2b, 1, 0x64, 0, 1, 0x65, 1, 0x66),
  Buffer.of(0x1f, 0x2b, 1, 0x67, 0x10, 1, 0x68, 1, 0x69, 0x40, ...xTest, 0x83, 0x49, 0x50, 0x9f),
]);

/** PRIORITY with a dependency, which the gateway takes no notice of (RFC 9113 §5.3.2). */
function dependency(streamId: number, on: number, weight: number): Buffer {
  return frame(types.priority, 0, streamId, Buffer.concat([word(on), Buffer.of(weight)]));
}

const generic: readonly RuleCase[] = [
  serves('RFC 7541 §6', 'every representation', frame(types.headers, endStream | endHeaders, 1, everyRepresentation)),
  serves(
    '5.3.2',
    'PRIORITY with all weights and dependencies, also of streams that come later',
    dependency(1, 0, 0),
    dependency(1, 0, 255),
    dependency(1, 0x8000_0003, 9),
    dependency(7, 1, 9),
    served,
    dependency(1, 0, 9),
  ),
  serves(
    '8.1',
    'POST with content in several frames, and trailers',
    headersFrame(1, requestHeaders({ ':method': 'POST' }), false),
    data(1, 'test'),
    data(1, 'test'),
    headersFrame(1, [['x-sum', '8']]),
  ),
  serves('generic', 'GET', served),
  serves('generic', 'HEAD', headersFrame(1, requestHeaders({ ':method': 'HEAD' }))),
  serves(
    'generic',
    'POST with content',
    headersFrame(1, requestHeaders({ ':method': 'POST' }), false),
    data(1, 'test', true),
  ),
  serves(
    'generic',
    'OPTIONS *, as the gateway answers it',
    headersFrame(1, requestHeaders({ ':method': 'OPTIONS', ':path': '*' })),
  ),
  serves('generic', 'PRIORITY before its HEADERS', frame(types.priority, 0, 1, Buffer.alloc(5)), served),
];

/**
 * What a client can break of RFC 9113, 9218 and 7541, by section: as h2spec does, and more. Two cases stand in `src/wire/h2/session.test.ts`: windows
 * that become negative (§6.9.2), and more body than the window of a stream (§6.9.1), since a gateway that reads opens the window meanwhile.
 */
export const ruleCases: readonly RuleCase[] = [
  ...connection,
  ...frames,
  ...states,
  ...bodyFrames,
  ...connectionFrames,
  ...messages,
  ...hpack,
  ...generic,
];
