import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verdictWords } from '../../src/diagnose/record-words.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, timeoutMs, until } from './start-from-yaml.ts';

test('the status shows rate, errors, times and a verdict of each upstream and in total, and the timeline when', async (context) => {
  let number = 0;
  const origin = await RawOrigin.start(() => {
    number += 1;
    return number % 4 === 0 ? ok('no', [], '500 Internal Server Error') : ok('yes');
  });
  context.after(() => origin.close());
  const edge = await startFromYaml(`
upstreams: { api: { endpoints: ["127.0.0.1:${origin.port}"] }, idle: { endpoints: ["127.0.0.1:${origin.port}"] } }
routes:
  - { path: /idle, to: idle }
  - { path: /api, to: api }
`);
  context.after(() => edge.stop());
  for (let request = 0; request < 8; request += 1) await edge.get('/api');
  await edge.get('/nowhere');
  // Workers report every 250 ms.
  const giveUpAt = Date.now() + timeoutMs;
  while (edge.gateway.status().lastMinute.requests < 9 && Date.now() < giveUpAt) await sleep(20);
  const { lastMinute, upstreams } = edge.gateway.status();
  const [api, idle] = ['api', 'idle'].map((id) => upstreams.find((one) => one.id === id)?.lastMinute);
  assert.deepEqual([lastMinute.requests, lastMinute.errors], [9, 2]);
  assert.deepEqual([api?.requests, api?.errors, api?.errorShare], [8, 2, 0.25]);
  assert.deepEqual([idle?.requests, idle?.errorShare, idle?.p50Ms], [0, null, null]);
  assert.ok(api !== undefined && api.p50Ms !== null && api.p99Ms !== null);
  assert.ok(api.p50Ms > 0 && api.p50Ms <= api.p99Ms && api.p99Ms < timeoutMs, `${api.p50Ms} ${api.p99Ms}`);
  const verdicts = [edge.gateway.status(), ...upstreams].map(({ verdict }) => verdict);
  assert.deepEqual(
    verdicts.map(({ state }) => state),
    ['failing', 'failing', 'idle'],
  );
  assert.match(verdicts[1]?.reason ?? '', /^2 of 8 requests failed in the last (?:5 s|minute)$/);
  const timeline = () => {
    const request = { since: Date.now() - 120_000, until: Date.now(), stepS: 1 };
    const ofApi = edge.gateway.timeline({ series: 'upstream:api', ...request });
    return ofApi.steps.reduce((sum, { shapes }) => sum + (shapes.app_error ?? 0), 0);
  };
  // A step is told when it has ended.
  while (timeline() < 2 && Date.now() < giveUpAt) await sleep(20);
  assert.equal(timeline(), 2);
  assert.ok(Math.abs(api.requestsPerS * api.seconds - 8) < 0.5, `${api.requestsPerS} ${api.seconds}`);
});

test('requests that the gateway refuses with 413 or 400 are not said to be left by their clients', async (context) => {
  const origin = await RawOrigin.start(() => ok('yes'));
  context.after(() => origin.close());
  const edge = await startFromYaml(`
upstreams: { api: { endpoints: ["127.0.0.1:${origin.port}"] } }
routes: [{ to: api, body_max: 5B }]
`);
  context.after(() => edge.stop());
  const refused = [
    await edge.send(`${requestText('POST', '/', ['Content-Length: 6'])}abcdef`),
    await edge.send(requestText('POST', '/', ['Content-Length: x'])),
  ];
  assert.deepEqual(
    refused.map(({ status }) => status),
    [413, 400],
  );
  const told = await Promise.all(refused.map(async (one) => verdictWords(await edge.record(one))));
  assert.deepEqual(told, ['refused: the request breaks a rule', 'refused: the request breaks a rule']);
  await until('both are counted', () => edge.gateway.status().lastMinute.requests === 2);
  assert.equal(edge.gateway.status().lastMinute.abandoned, 0);
});
