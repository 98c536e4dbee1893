import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { torture } from '../../src/testing/torture/torture.ts';
import { answers, BadGateway, failure } from './bad-gateway.ts';
import { options, putToTorture, tortureCandor } from './put-to-torture.ts';

describe('Candor under torture', { timeout: 120_000 }, () => {
  test('mislabels no failure, harms no client and keeps none waiting', (context) => tortureCandor(context, 'http'));
});

describe('a bad gateway', { timeout: 60_000 }, () => {
  /** Each mistake, and the finding about it. */
  const expected: readonly (readonly [run: string, verdict: string, why: RegExp])[] = [
    ['refused GET fresh', 'acceptable', /503 can be defended/],
    ['unanswered GET fresh', 'right', /504/],
    ['talks-first GET fresh', 'misleading', /Closes without an answer/],
    ['close-before-head GET fresh', 'right', /502/],
    ['close-before-head POST fresh', 'dangerous', /2 times/],
    ['reset-before-head GET fresh', 'misleading', /500 says/],
    ['silent GET fresh', 'misleading', /still waiting/],
    ['short-length-close GET fresh', 'dangerous', /whole 200/],
    ['short-length-reset GET fresh', 'right', /broke off/],
    ['stall-mid-content GET fresh', 'misleading', /502 says/],
    ['own-503 GET fresh', 'misleading', /page was replaced/],
    ['own-502 GET fresh', 'right', /came through/],
    ['early-hints GET fresh', 'acceptable', /103 was dropped/],
    ['close-delimited GET fresh', 'misleading', /only part/],
    ['surplus-later GET fresh', 'dangerous', /not its own/],
    ['reset-when-idle GET fresh', 'misleading', /next request pays/],
    ['surplus-content GET fresh', 'dangerous', /Bytes follow/],
    ['ssh-banner GET fresh', 'dangerous', /no HTTP/],
    ['nul-in-field-value GET fresh', 'dangerous', /control byte/],
    ['two-lengths GET fresh', 'dangerous', /./],
    ['status-999 GET fresh', 'right', /passed on/],
    ['nominated-field GET fresh', 'misleading', /must not go further/],
  ];

  test('is detected, whichever mistake it makes', async () => {
    const only = [...new Set(expected.map(([run]) => run.split(' ')[0] as string)), 'close-at-accept'];
    const { runs, score } = await putToTorture((stage) => BadGateway.start(stage), { only, timeoutMs: 600 });
    for (const [name, verdict, why] of expected) {
      const run = runs.find(({ case: id, method, on }) => `${id} ${method} ${on}` === name);
      assert.equal(run?.verdict, verdict, `${name}: ${run?.why}`);
      assert.match(run.why, why, name);
    }
    const unset = runs.filter(({ verdict, group }) => verdict === null && !group.startsWith('tls-'));
    assert.deepEqual([...new Set(unset.map(({ group }) => group))], ['close-at-accept'], 'a 404 is a missing route');
    const unanswered = runs.filter((run) => run.case === 'unanswered');
    assert.deepEqual(new Set(unanswered.map(({ seen }) => seen?.cause_named)), new Set(['wrong']), 'a dns_error');
    assert.deepEqual([score.causes_named, score.causes_misnamed], [0, unanswered.length]);
    assert.ok(score.hangs > 0 && score.points < 60, JSON.stringify(score));
    assert.equal(score.unsafe_replays, 2, 'the POST of close-before-head, on fresh and on used connections');
    assert.ok(
      score.truncations_told < score.truncations && score.failures_told < score.failures,
      JSON.stringify(score),
    );
  });
});

describe('a gateway that answers 503 for every reason not to connect', { timeout: 60_000 }, () => {
  // Its Proxy-Status, and how many causes that names rightly and wrongly.
  const sayings: readonly (readonly [header: string, named: number, misnamed: number])[] = [
    ['', 0, 0],
    ['Proxy-Status: edge;error=destination_unavailable\r\n', 0, 0],
    ['Proxy-Status: edge;error=connection_refused\r\n', 2, 4],
    ['Proxy-Status: edge;error=http_protocol_error\r\n', 0, 6],
  ];
  for (const [header, named, misnamed] of sayings) {
    test(`has the same verdicts and points with "${header.trim()}"`, async () => {
      const only = ['refused', 'unanswered', 'unknown-name'];
      const sin = answers(failure('503 Service Unavailable', header));
      const sins = Object.fromEntries(only.map((name) => [name, sin]));
      const { score } = await putToTorture((stage) => BadGateway.start(stage, sins), { only, timeoutMs: 1000 });
      assert.deepEqual([score.acceptable, score.failures_told, score.failures, score.points], [6, 0, 6, 50]);
      assert.deepEqual([score.causes_named, score.causes_misnamed, score.causes], [named, misnamed, 6]);
    });
  }
});

describe('a gateway that cannot be tested', () => {
  const gateway = { url: new URL('http://127.0.0.1:1/'), verify: true };

  test('distinguishes a gateway that does not answer from one that is none', async () => {
    const quick = { ...options, gateway, timeoutMs: 300 };
    const absent = await torture(quick);
    assert.equal('kind' in absent && absent.kind, 'gateway_unreachable');
    const other = await torture({
      ...quick,
      // The neighbour of the torture origin that greets like a mail server is no gateway.
      onStage: ({ groups }) => {
        gateway.url.port = new URL(groups.find(({ name }) => name === 'talks-first')?.url ?? '').port;
      },
    });
    assert.equal('kind' in other && other.kind, 'not_routed');
  });

  test('an unknown case name is reported', async () => {
    assert.deepEqual(await torture({ ...options, gateway, only: ['no-such-case'] }), { kind: 'no_such_case' });
  });
});
