import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Shape } from '#failures/shape.ts';
import type { SuspectKind } from './live-incident.ts';
import { verdictText } from './incident-words.ts';
import { unusualOf } from './unusual-incident.ts';

const verdictOf = (cause: string | null, shape: Shape, ...suspects: readonly SuspectKind[]): string =>
  verdictText({ cause, shape, whose: 'application', suspects: suspects.map((name) => ({ name })) });

test('the verdict says of other answers that they are others, and not that nothing went wrong', () => {
  assert.equal(verdictOf(null, 'none'), 'other answers than before, by the application');
});

test('the verdict of other incidents names the shape and who has caused it, unless checks alone tell of it', () => {
  assert.equal(verdictOf(null, 'too_slow'), 'too slow, caused by the application');
  assert.equal(verdictOf('connect_refused', 'unreachable'), 'unreachable, caused by the application');
  assert.equal(verdictOf('no_endpoint_ready', 'refused_by_gateway', 'failing_check'), 'refused by the gateway');
});

test('a timeout is a failure, and a late response is none', () => {
  assert.equal(unusualOf({ cause: 'response_head_timeout', shape: 'too_slow' }), null);
  assert.equal(unusualOf({ cause: null, shape: 'app_error' }), null);
  assert.equal(unusualOf({ cause: null, shape: 'too_slow' }), 'late');
});
