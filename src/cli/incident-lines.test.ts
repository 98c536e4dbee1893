import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IncidentStatus } from '../core/schemas/incidents.ts';
import { extentOf } from './incident-lines.ts';

const facts = { cause: null, failed: 809, attemptsFailed: 0, requests: 2517 };
const extent = (more: Partial<IncidentStatus>): string => extentOf({ ...facts, ...more } as IncidentStatus);

test('requests that took longer than usual are not said to be answered: some may wait still', () => {
  assert.equal(extent({ shape: 'too_slow' }), '809 of 2517 requests took longer than usual');
});

test('requests that were answered otherwise are told with what they were answered', () => {
  assert.equal(extent({ shape: 'none' }), '809 of 2517 requests were answered with 4xx');
  const answers = { route: 'shop', usual: 'JSON', now: 'HTML' };
  assert.equal(extent({ shape: 'none', answers }), '809 of 2517 requests were answered with HTML');
});

test('requests that failed are said to have failed', () => {
  assert.equal(extent({ shape: 'app_error' }), '809 of 2517 requests failed');
});
