import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunkedBody, type Framing, noBody } from '../../core/message.ts';
import { http1Behind } from '#failures/rules.ts';
import { h2Limits } from '../../wire/h2/limits.ts';
import { errorNumber } from '../../wire/h2/protocol.ts';
import type { StreamLoss } from '../../wire/h2/session-stream.ts';
import { responseLimits } from '../../wire/limits.ts';
import { cut, type LostSession, type LostStream, refusedSection, streamFailure } from './stream-failure.ts';

const address = '10.0.0.7:3000';
const length: Framing = { kind: 'length', bytes: 10 };
const closed: LostSession = { by: 'endpoint', code: null };
const broken = (streamId: number, streams: number): Extract<LostSession, { by: 'rule' }> => ({
  ...{ by: 'rule', code: 'FRAME_SIZE_ERROR', why: 'a frame is too long', firstBytes: null },
  ...{ streamId, streams },
});
const ssh: LostSession = {
  by: 'rule',
  code: 'PROTOCOL_ERROR',
  why: 'no SETTINGS',
  firstBytes: Buffer.from('SSH-2.0-x'),
  ...{ streamId: 0, streams: 1 },
};

function lost(changes: Partial<LostStream>): LostStream {
  return {
    ...{ id: 5, address, reused: true, idleMs: 40, requestSent: true, bytesSent: 100, bytesReceived: 4 },
    ...{ framing: null, goAway: null, connection: closed },
    ...changes,
  };
}

const reset = (name: Parameters<typeof errorNumber>[0]): StreamLoss => ({ by: 'peer', code: errorNumber(name) });
const rule = (why: string): StreamLoss => ({ by: 'rule', why, rule: 'request-line', code: 'PROTOCOL_ERROR' });
const goAway: LostStream['goAway'] = { lastStreamId: 7, code: 0, text: 'bye' };

const calmed: LostStream['goAway'] = {
  ...{ lastStreamId: 7, code: errorNumber('ENHANCE_YOUR_CALM'), text: 'too much overhead' },
};

describe('a stream that ends before its response is complete', () => {
  const table: readonly (readonly [
    what: string,
    stream: Partial<LostStream>,
    loss: StreamLoss,
    cause: string,
    stage: string,
    evidence: Readonly<Record<string, unknown>>,
  ])[] = [
    [
      'by RST_STREAM',
      {},
      reset('INTERNAL_ERROR'),
      'reset_before_response',
      'response',
      { errno: '', reused: true, idleMs: 40, stream: 'INTERNAL_ERROR' },
    ],
    [
      'by REFUSED_STREAM',
      {},
      reset('REFUSED_STREAM'),
      'stream_refused',
      'response',
      { code: 'REFUSED_STREAM', frame: 'RST_STREAM' },
    ],
    [
      'by HTTP_1_1_REQUIRED',
      {},
      reset('HTTP_1_1_REQUIRED'),
      'stream_refused',
      'response',
      { code: 'HTTP_1_1_REQUIRED', frame: 'RST_STREAM' },
    ],
    [
      'by REFUSED_STREAM within a body',
      { framing: length },
      reset('REFUSED_STREAM'),
      'response_body_short',
      'body',
      { bytesReceived: 4, bytesExpected: 10, how: 'reset', stream: 'REFUSED_STREAM' },
    ],
    [
      'by RST_STREAM within a body of no length',
      { framing: chunkedBody },
      reset('CANCEL'),
      'response_stream_cut',
      'body',
      { bytesReceived: 4, how: 'reset', stream: 'CANCEL' },
    ],
    [
      'by GOAWAY',
      { goAway },
      { by: 'going-away', code: 0, text: 'bye' },
      'stream_refused',
      'response',
      { code: 'NO_ERROR', frame: 'GOAWAY', lastStreamId: 7, text: 'bye' },
    ],
    [
      'by GOAWAY within a body',
      { goAway, framing: chunkedBody },
      { by: 'going-away', code: 0, text: 'bye' },
      'response_stream_cut',
      'body',
      { bytesReceived: 4, how: 'reset', stream: 'GOAWAY' },
    ],
    [
      'by GOAWAY within a body of known length',
      { goAway, framing: length },
      { by: 'going-away', code: 0, text: 'bye' },
      'response_body_short',
      'body',
      { bytesReceived: 4, bytesExpected: 10, how: 'reset', stream: 'GOAWAY' },
    ],
    [
      'by a rule, before the head',
      {},
      rule('DATA before HEADERS'),
      'response_frames',
      'response',
      { rule: 'DATA before HEADERS', code: 'PROTOCOL_ERROR' },
    ],
    [
      'by a rule, within the body',
      { framing: chunkedBody },
      rule('HEADERS twice'),
      'response_frames',
      'body',
      { rule: 'HEADERS twice', code: 'PROTOCOL_ERROR' },
    ],
    [
      'with more content than announced',
      { framing: length, bytesReceived: 11 },
      rule('more content'),
      'response_framing',
      'body',
      { rule: 'content-length-mismatch' },
    ],
    [
      'with content behind a response that has none',
      { framing: noBody, bytesReceived: 5 },
      rule('more content'),
      'response_framing',
      'body',
      { rule: 'content-forbidden' },
    ],
    [
      'by a rule, without content behind a response that has none',
      { framing: noBody, bytesReceived: 0 },
      rule('HEADERS twice'),
      'response_frames',
      'body',
      { rule: 'HEADERS twice', code: 'PROTOCOL_ERROR' },
    ],
    [
      'with less content than announced',
      { framing: length },
      rule('less content than announced'),
      'response_body_short',
      'body',
      { bytesReceived: 4, bytesExpected: 10, how: 'reset', stream: 'END_STREAM' },
    ],
    [
      'with its connection, by FIN',
      {},
      { by: 'connection' },
      'closed_before_response',
      'response',
      { reused: true, idleMs: 40 },
    ],
    [
      'with its connection, within the body',
      { framing: chunkedBody },
      { by: 'connection' },
      'response_stream_cut',
      'body',
      { bytesReceived: 4, how: 'closed' },
    ],
    ...(
      [
        ['by FIN', {}, null, 'closed_before_response', 'response', { reused: true, idleMs: 40 }],
        [
          'by RST',
          {},
          'ECONNRESET',
          'reset_before_response',
          'response',
          { reused: true, idleMs: 40, errno: 'ECONNRESET' },
        ],
        [
          'by RST, before the request was sent',
          { requestSent: false },
          'ECONNRESET',
          'send_failed',
          'send',
          { bytesSent: 100, errno: 'ECONNRESET' },
        ],
        [
          'within a body of known length',
          { framing: length },
          null,
          'response_body_short',
          'body',
          { bytesReceived: 4, bytesExpected: 10, how: 'closed' },
        ],
        [
          'within a body of no length',
          { framing: chunkedBody },
          null,
          'response_stream_cut',
          'body',
          { bytesReceived: 4, how: 'closed' },
        ],
      ] as const
    ).flatMap(([what, changes, code, cause, stage, evidence]) => {
      const connection: LostSession = { by: 'endpoint', code };
      const told = { goAway: 'ENHANCE_YOUR_CALM', text: 'too much overhead' };
      return [
        [
          `with its connection ${what}, behind a GOAWAY with an error`,
          { ...changes, connection, goAway: calmed },
          { by: 'connection' },
          cause,
          stage,
          { ...evidence, ...told },
        ],
        [
          `with its connection ${what}, behind a GOAWAY with an error and no text`,
          { ...changes, connection, goAway: { ...calmed, text: '' } },
          { by: 'connection' },
          cause,
          stage,
          { ...evidence, goAway: told.goAway },
        ],
        [
          `with its connection ${what}, behind a GOAWAY without an error`,
          { ...changes, connection, goAway },
          { by: 'connection' },
          cause,
          stage,
          evidence,
        ],
      ] as const;
    }),
    ...(
      [
        ['of its own', 5, 3, 'this_stream'],
        ['of another stream', 3, 3, 'another_stream'],
        ['of another stream that has ended', 3, 1, 'another_stream'],
        ['of no stream', 0, 2, 'connection'],
      ] as const
    ).map(
      ([what, streamId, streams, frameOf]) =>
        [
          `with a connection that a frame ${what} has ended`,
          { connection: broken(streamId, streams) },
          { by: 'connection' },
          'response_frames',
          'response',
          { rule: 'a frame is too long', code: 'FRAME_SIZE_ERROR', streams, frameOf },
        ] as const,
    ),
    [
      'with a connection on which HTTP/1 came',
      { connection: { ...broken(825_106_464, 2), frame: Buffer.from('HTTP/1.1 408 Request Timeout') } },
      { by: 'connection' },
      'response_frames',
      'response',
      { rule: http1Behind, code: 'FRAME_SIZE_ERROR', streams: 2, frameOf: 'connection' },
    ],
    [
      'with a connection that its own header block has ended',
      { connection: { ...broken(5, 2), headLimit: 1000 } },
      { by: 'connection' },
      'response_head_too_large',
      'response',
      { bytes: 1000 + h2Limits.headerBlockBytesMax, limit: 1000, longest: '' },
    ],
    [
      'with a connection that its own block of trailers has ended',
      { connection: { ...broken(5, 2), headLimit: 1000 }, framing: chunkedBody },
      { by: 'connection' },
      'response_trailers_too_large',
      'body',
      { bytes: 1000 + h2Limits.headerBlockBytesMax, limit: 1000, headersMax: responseLimits.headersMax },
    ],
    [
      'with a connection that the header block of another stream has ended',
      { connection: { ...broken(3, 2), headLimit: 1000 } },
      { by: 'connection' },
      'response_frames',
      'response',
      { rule: 'a frame is too long', code: 'FRAME_SIZE_ERROR', streams: 2, frameOf: 'another_stream' },
    ],
    [
      'with a connection that was never HTTP/2',
      { connection: ssh },
      { by: 'connection' },
      'response_not_http2',
      'response',
      { firstBytes: Buffer.from('SSH-2.0-x').toString('hex'), guess: 'ssh' },
    ],
  ];
  for (const [what, stream, loss, cause, stage, evidence] of table)
    test(`${what}: ${cause}`, () =>
      assert.deepEqual(streamFailure(lost(stream), loss), { cause, stage, evidence: { address, ...evidence } }));

  test('with its connection, by a code that no table has: no failure is made up', () =>
    assert.equal(
      streamFailure(lost({ connection: { by: 'endpoint', code: 'EWHATEVER' } }), { by: 'connection' }),
      null,
    ));
});

test('a body that is cut says how much of it was announced, if anything was', () => {
  const facts = { address, bytesReceived: 4 };
  assert.equal(cut(facts, length, 'CANCEL').cause, 'response_body_short');
  assert.equal(cut(facts, chunkedBody, 'CANCEL').cause, 'response_stream_cut');
});

test("a refused head gets the endpoint's address", () =>
  assert.deepEqual(refusedSection({ cause: 'response_too_many_headers', limit: 100 }, address, 'body'), {
    ...{ cause: 'response_too_many_headers', stage: 'body' },
    evidence: { address, limit: 100 },
  }));
