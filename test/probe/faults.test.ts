import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FaultOrigin, startFaultOrigin } from '../../src/testing/testing.ts';
import { tortureFaults } from '../../src/testing/torture/faults.ts';
import { loadExpected } from '../faults/load-expected.ts';
import { limits, probeUrl } from './probe-options.ts';

// A direct probe of each behaviour of the fault origin, judged by the table that the gateway is judged by: a probe and a
// record have the same words for the same failure.

/** Rows of a plain GET on a new connection. The others are about retries, bodies and settings of a gateway. */
const rows = loadExpected().filter(
  ({ name, request, needs, whenStopping }) =>
    needs === null &&
    !whenStopping &&
    request.method === 'GET' &&
    request.bodyBytes === 0 &&
    request.reusedAfterMs === null &&
    !(request.leaves || request.held || request.ofTwo) &&
    tortureFaults.some((fault) => fault.name === name),
);

/** The stage of each cause that a served request can have, by hand: where in the exchange it is seen. */
const stages: readonly (readonly [cause: RegExp, stage: string])[] = [
  [/^response_body_|^response_chunk|^response_trailers/, 'body'],
  [/^response_|^closed_before|^reset_before/, 'response'],
];

/** What the table has no row of a plain GET for, since a gateway retries it or meets it with a body: by hand. */
const others: Readonly<Record<string, readonly [cause: string | null, shape: string, stage: string | null]>> = {
  'stop-reading': ['response_head_timeout', 'too_slow', 'response'],
  'close-while-uploading': ['closed_before_response', 'reset', 'response'],
  'reset-while-uploading': ['reset_before_response', 'reset', 'response'],
  'close-on-reuse': ['closed_before_response', 'reset', 'response'],
  'reset-on-reuse': ['reset_before_response', 'reset', 'response'],
  'close-when-idle': ['closed_before_response', 'reset', 'response'],
  'reset-when-idle': ['reset_before_response', 'reset', 'response'],
  'early-413': [null, 'none', null],
  'early-413-then-reset': [null, 'none', null],
};

/** The further behaviours of the torture suite, by hand: their shapes. */
const further: Readonly<Record<string, readonly string[]>> = {
  garbage: [
    'lowercase-version status-four-digits long-reason cr-in-field-value empty-field-name',
    'control-in-field-name space-before-colon folded-field length-with-plus',
    'hexadecimal-length length-overflow double-chunked chunked-not-last disguised-chunked chunked-in-http-1.0',
    'leading-empty-lines http2-preface http-request tls-server-hello redis-error mysql-greeting warning-before-head',
    'mark-before-head only-empty-lines noise-64k chunk-size-overflow chunk-size-negative chunk-size-empty',
    'chunk-size-prefixed chunk-bare-line-feeds',
  ],
  reset: ['short-length-at-once chunked-cut-at-once'],
  too_slow: ['unframed-stall'],
  none: [
    'early-200 slow-head no-reason no-space-after-status nominated-field head-in-pieces no-content-with-content',
    'not-modified-with-content head-content-later head-with-content surplus-after-chunked surplus-later',
    'chunk-extensions trailers one-byte-chunks large-content empty-content unknown-status own-429 upgrade-accepted',
    'upgrade-declined upgrade-after-content upgrade-framed upgrade-http-1.0 good bare-line-feeds length-list',
    'same-length-twice',
  ],
};
const furtherNames = Object.entries(further).flatMap(([shape, lists]) =>
  lists.flatMap((list) => list.split(' ')).map((name) => ({ name, shape })),
);

describe('each behaviour of the fault origin has its stage and its shape', { concurrency: 8 }, () => {
  let origin: FaultOrigin;
  before(async () => {
    origin = await startFaultOrigin({ faults: tortureFaults });
  });
  after(() => origin.close());

  for (const { name, cause, shape, status } of rows) {
    test(`${name}: ${cause ?? status} (${shape})`, async () => {
      const { direct, verdict } = await probeUrl(`${origin.url}/fault/${name}`);
      assert.equal(verdict.shape, shape);
      assert.equal(verdict.cause, cause);
      assert.equal(verdict.works, shape === 'none');
      assert.equal(verdict.layer, shape === 'none' ? null : 'application');
      if (cause !== null) assert.equal(verdict.stage, stages.find(([pattern]) => pattern.test(cause))?.[1]);
      if (cause === null) assert.equal(direct.get?.status, status);
    });
  }

  for (const [name, [cause, shape, stage]] of Object.entries(others)) {
    test(`${name}: ${cause ?? 'works'} (${shape})`, async () => {
      const { verdict } = await probeUrl(`${origin.url}/fault/${name}`, { requests: 4 });
      assert.deepEqual([verdict.cause, verdict.shape, verdict.stage], [cause, shape, stage]);
    });
  }

  for (const { name, shape } of furtherNames) {
    test(`${name}: ${shape}`, async () => {
      const { verdict } = await probeUrl(`${origin.url}/fault/${name}`);
      assert.deepEqual([verdict.shape, verdict.works], [shape, shape === 'none']);
    });
  }

  test('no behaviour is left out', () => {
    const all = [...rows, ...furtherNames].map(({ name }) => name);
    const judged = new Set([...all, ...Object.keys(others)]);
    assert.deepEqual(
      tortureFaults.map(({ name }) => name).filter((name) => !judged.has(name)),
      [],
    );
  });
});

describe('a probe of a server that works', () => {
  let origin: FaultOrigin;
  before(async () => {
    origin = await startFaultOrigin({ faults: tortureFaults });
  });
  after(() => origin.close());

  test('requests carry no credentials, and nothing but GET and HEAD is sent', async () => {
    const before = origin.requests.length;
    await probeUrl(`${origin.url.replace('http://', 'http://name:secret@')}/ok`);
    const sent = origin.requests.slice(before);
    assert.deepEqual(new Set(sent.map(({ method }) => method)), new Set(['GET', 'HEAD']));
    for (const { headers } of sent) {
      assert.deepEqual([...headers.keys()].toSorted(), ['accept', 'host', 'user-agent']);
    }
  });

  test('a redirect is reported and not followed', async () => {
    const before = origin.requests.length;
    const { direct, verdict } = await probeUrl(`${origin.url}/status/301`);
    assert.deepEqual([direct.get?.status, verdict.works], [301, true]);
    assert.ok(origin.requests.slice(before).every(({ target }) => target === '/status/301'));
  });

  test('an event stream is not waited for', async () => {
    const { direct, verdict } = await probeUrl(`${origin.url}/sse`);
    assert.deepEqual([direct.get?.end, verdict.works], ['unread', true]);
  });

  test('a body beyond the limit is left unread, and says so', async () => {
    const small = { ...limits, bodyBytesMax: 1000, furtherBytesMax: 1000 };
    const { direct, verdict } = await probeUrl(`${origin.url}/bytes/100000`, { limits: small });
    assert.equal(direct.get?.end, 'limit');
    assert.ok((direct.get?.bytesReceived ?? 0) < 100_000);
    assert.ok(verdict.works && verdict.notes.some((note) => note.includes('left unread')));
  });

  test('with leave to write, one POST, one large header and one WebSocket are sent', async () => {
    const before = origin.requests.length;
    const { direct } = await probeUrl(`${origin.url}/ok`, { allowsWrite: true });
    const { post, largeHeader, webSocket } = direct.write ?? {};
    assert.deepEqual([post?.status, largeHeader?.status, webSocket?.status], [200, 200, 200]);
    const sent = origin.requests.slice(before);
    assert.equal(sent.filter(({ method }) => method === 'POST').length, 1);
    assert.equal(sent.filter(({ headers }) => (headers.get('x-candor-probe')?.length ?? 0) > 12_000).length, 1);
    assert.equal(sent.filter(({ headers }) => headers.get('upgrade') === 'websocket').length, 1);
  });

  test('an accepted WebSocket is a 101, and is closed', async () => {
    const { direct } = await probeUrl(`${origin.url}/fault/upgrade-accepted`, { allowsWrite: true });
    assert.deepEqual([direct.write?.webSocket.status, direct.write?.webSocket.end], [101, 'unread']);
  });

  test('the series reuses the connection, and its histogram counts each response', async () => {
    const { direct } = await probeUrl(`${origin.url}/ok`, { requests: 20 });
    const { series } = direct;
    assert.deepEqual([series?.requests, series?.reused, series?.connections, series?.failed], [20, 19, 1, 0]);
    assert.equal(
      series?.histogram.reduce((sum, { count }) => sum + count, 0),
      20,
    );
  });
});
