import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/testing/system.ts';
import { torture, type TortureOptions, type TortureReport } from '../../src/testing/torture/torture.ts';
import type { TortureStage } from '../../src/testing/torture/stage.ts';
import { tortureParts } from '../../src/testing/torture/torture-case.ts';
import { answers, BadGateway, failure } from './bad-gateway.ts';
import { startCandorBefore } from './candor-under-torture.ts';

interface UnderTorture {
  readonly port: number;
  stop(): Promise<void>;
}

const options: Omit<TortureOptions, 'gateway'> = {
  listen: { host: '127.0.0.1', port: 0 },
  only: [],
  tls: false,
  timeoutMs: 3000,
  clock: systemClock,
};

/** Runs every case whose name contains one of these, against a gateway that is started for it. */
async function putToTorture(
  start: (stage: TortureStage) => Promise<UnderTorture>,
  more: Partial<TortureOptions> = {},
): Promise<TortureReport> {
  let gateway: UnderTorture | null = null;
  // The port is known once the torture origin has started, and with it the gateway's configuration.
  const target = { url: new URL('http://127.0.0.1/'), verify: true };
  const onStage = async (stage: TortureStage): Promise<void> => {
    gateway = await start(stage);
    target.url.port = String(gateway.port);
  };
  try {
    const result = await torture({ ...options, ...more, gateway: target, onStage });
    assert.ok(!('kind' in result), JSON.stringify(result));
    return result;
  } finally {
    await (gateway as UnderTorture | null)?.stop();
  }
}

describe('Candor under torture', { timeout: 120_000 }, () => {
  test('mislabels no failure, harms no client and keeps none waiting', async (context) => {
    let unclassified = (): number => NaN;
    const start = async (stage: TortureStage): Promise<UnderTorture> => {
      const candor = await startCandorBefore(stage);
      unclassified = () => candor.unclassified();
      return candor;
    };
    const { runs, score } = await putToTorture(start, { tls: true });
    const wrong = runs.filter(({ verdict }) => verdict === 'misleading' || verdict === 'dangerous');
    assert.deepEqual(
      wrong.map(({ case: name, method, on, why, seen }) => `${name} ${method} ${on}: ${why} ${JSON.stringify(seen)}`),
      [],
    );
    const mild = runs.filter(({ verdict }) => verdict === 'acceptable' || verdict === null);
    assert.deepEqual(
      mild.map(({ case: name, method, on, why }) => `${name} ${method} ${on}: ${why}`),
      [],
    );
    assert.equal(score.hangs, 0);
    assert.equal(unclassified(), 0);
    const tried = new Set(runs.filter(({ verdict }) => verdict !== null).map((run) => run.case));
    assert.ok(tried.size > 100, `${tried.size} cases`);
    for (const part of Object.keys(tortureParts))
      assert.ok(
        runs.some((run) => run.part === part && tried.has(run.case)),
        part,
      );
    assert.deepEqual(
      [score.failures_told, score.truncations_told, score.unsafe_replays],
      [score.failures, score.truncations, 0],
    );
    assert.equal(score.causes_misnamed, 0);
    assert.equal(score.causes_named, score.causes, 'each of its own failures has its cause in Proxy-Status');
    context.diagnostic(`${score.points} of 100 in ${runs.length} exchanges`);
  });
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
    ['status-999 GET fresh', 'acceptable', /passed on/],
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
  const sayings: readonly (readonly [field: string, named: number, misnamed: number])[] = [
    ['', 0, 0],
    ['Proxy-Status: edge;error=destination_unavailable\r\n', 0, 0],
    ['Proxy-Status: edge;error=connection_refused\r\n', 2, 4],
    ['Proxy-Status: edge;error=http_protocol_error\r\n', 0, 6],
  ];
  for (const [field, named, misnamed] of sayings) {
    test(`has the same verdicts and points with "${field.trim()}"`, async () => {
      const only = ['refused', 'unanswered', 'unknown-name'];
      const sin = answers(failure('503 Service Unavailable', field));
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
