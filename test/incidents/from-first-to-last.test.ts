import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlayedScenario, playScenario } from './play-scenario.ts';

// One of two endpoints closes some of its connections, soon after the first request came.

const closing: PlayedScenario = {
  seconds: 80,
  upstreams: { api: { endpoints: 2, rate: 16, medianMs: 20, p99Ms: 90 } },
  steps: [{ from: 10, to: 40, fail: 'closed_before_response', share: 0.1, endpoints: [1] }],
};
const wall = 1_795_000_000_000;

const played = Array.from({ length: 20 }, (_, seed) => playScenario(closing, seed + 1));

test('an incident begins with its first failure and is opened soon, though requests had come for ten seconds only', () => {
  let soon = 0;
  for (const { incidents, changes, failed, onset } of played) {
    const [incident] = incidents;
    const first = failed[0]?.at ?? 0;
    assert.ok(Math.abs((incident?.startedAt ?? 0) - wall - first * 1000) <= 1, `first at ${first}`);
    assert.equal(incident?.failed, failed.length);
    const opened = changes.find(({ kind }) => kind === 'opened')?.second ?? Infinity;
    if (opened - (onset ?? 0) <= 5) soon += 1;
  }
  assert.ok(soon >= 19, `${soon} of 20`);
});

test('requests and attempts of an incident are those from its first failure to its last', () => {
  for (const { incidents } of played) {
    const { requests = 0, startedAt = 0, lastAt = 0, endpoints = [], suspects = [], rate } = incidents[0] ?? {};
    const seconds = (lastAt - startedAt) / 1000;
    assert.ok(requests > 12 * seconds && requests < 20 * (seconds + 1), `${requests} in ${seconds} s`);
    assert.equal(
      endpoints.reduce((sum, { attempts }) => sum + attempts, 0),
      requests,
    );
    assert.ok(Math.abs((rate?.during ?? 0) - requests / seconds) < 0.1);
    const other = endpoints.find(({ endpoint }) => endpoint === 'api/2');
    const { evidence } = suspects.find(({ name }) => name === 'one_endpoint') ?? {};
    assert.equal(evidence?.at(-1), `the other one: 0 of ${other?.attempts} attempts failed`);
  }
});
