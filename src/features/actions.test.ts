import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Failure } from '#failures/failure.ts';
import type { Filter, FilterAnswer, FilterContext } from '../core/filter.ts';
import { variableSource } from '../exchange/variable-source.test-support.ts';
import { maintenance } from './maintenance/worker.ts';
import { readiness } from './readiness/worker.ts';
import { redirect } from './redirect/worker.ts';
import { respond } from './respond/worker.ts';
import type { FeaturePorts, WorkerFeature } from './worker-feature.ts';

/** The filter of a route `all` that answers so. */
function filterOf(feature: WorkerFeature, spec: object): Filter {
  const { hooks } = feature.prepare({ kind: 'route', id: 'all', upstream: null }, spec, {} as FeaturePorts, null);
  return hooks.filters?.[0] as Filter;
}

interface Seen {
  readonly target?: string;
  readonly authority?: string;
  readonly stopping?: boolean;
}

/** What `filter` decides of a request, by a gateway that is about to stop or is not. */
function decide(filter: Filter, { target = '/', authority = 'example.org', stopping = false }: Seen): unknown {
  const exchange = { variables: variableSource({ authority, target }), stopping } as unknown as FilterContext;
  return filter.onRequestHead?.(exchange);
}

function answerOf(filter: Filter, seen: Seen = {}) {
  const answer = decide(filter, seen) as FilterAnswer;
  assert.ok('body' in answer, 'it answers');
  return { ...answer, text: Buffer.from(answer.body).toString(), headers: Object.fromEntries(answer.headers) };
}

function failureOf(filter: Filter, seen: Seen = {}) {
  const failure = decide(filter, seen) as Failure;
  assert.ok('cause' in failure, 'it refuses');
  return failure;
}

describe('the filter of a `respond` route', () => {
  it('answers with what the configuration says', () => {
    const { status, text, headers } = answerOf(
      filterOf(respond, { status: 200, contentType: 'text/html; charset=utf-8', body: '<p>Grüße</p>' }),
    );
    assert.deepEqual([status, text], [200, '<p>Grüße</p>']);
    assert.deepEqual(headers, { 'Content-Type': 'text/html; charset=utf-8' });
  });

  it('says no content type where there can be no body', () => {
    assert.deepEqual(answerOf(filterOf(respond, { status: 204, contentType: 'text/plain', body: 'x' })).headers, {});
  });

  it('lets no header end its line', () => {
    assert.deepEqual(answerOf(filterOf(respond, { status: 200, contentType: 'a\r\nb: c', body: '' })).headers, {
      'Content-Type': 'a??b: c',
    });
  });
});

describe('the filter of a `redirect` route', () => {
  it('names the location in a header and in a short note', () => {
    const { status, text, headers } = answerOf(
      filterOf(redirect, { status: 308, location: 'https://example.org/new' }),
    );
    assert.deepEqual([status, text], [308, 'See https://example.org/new\n']);
    assert.equal(headers['Location'], 'https://example.org/new');
  });

  it('asks for the location of each request', () => {
    const filter = filterOf(redirect, { status: 301, location: 'https://{host}{path}' });
    assert.equal(answerOf(filter, { target: '/a' }).headers['Location'], 'https://example.org/a');
  });

  it('refuses a request without the host that the location names', () => {
    assert.equal(
      failureOf(filterOf(redirect, { status: 301, location: 'https://{host}/' }), { authority: '' }).cause,
      'request_refused',
    );
  });
});

describe('the filter of a `maintenance` route', () => {
  it('refuses every request with the announcement of its operator', () => {
    const { cause, evidence } = failureOf(filterOf(maintenance, { message: 'back at noon', retryAfterS: 60 }));
    assert.equal(cause, 'maintenance');
    assert.deepEqual(evidence, { route: 'all', message: 'back at noon', retryAfterS: 60 });
  });
});

describe('the filter of a `readiness` route', () => {
  it('says that the gateway takes requests, and is not to be stored', () => {
    const { status, text, headers } = answerOf(filterOf(readiness, {}));
    assert.deepEqual([status, text, headers['Cache-Control']], [200, 'ready\n', 'no-store']);
  });

  it('refuses when the gateway is about to stop', () => {
    assert.equal(failureOf(filterOf(readiness, {}), { stopping: true }).cause, 'gateway_stopping');
  });
});
