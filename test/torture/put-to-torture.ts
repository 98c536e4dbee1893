import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/testing/system.ts';
import { torture, type TortureOptions, type TortureReport } from '../../src/testing/torture/torture.ts';
import type { TortureStage } from '../../src/testing/torture/stage.ts';
import { tortureParts } from '../../src/testing/torture/torture-case.ts';
import { Http2Front } from '../faults/http2-front.ts';
import { startCandorBefore } from './candor-under-torture.ts';

interface UnderTorture {
  readonly port: number;
  stop(): Promise<void>;
}

export const options: Omit<TortureOptions, 'gateway'> = {
  listen: { host: '127.0.0.1', port: 0 },
  only: [],
  tls: false,
  timeoutMs: 3000,
  clock: systemClock,
};

/** Runs every case whose name contains one of these, against a gateway that is started for it. */
export async function putToTorture(
  start: (stage: TortureStage) => Promise<UnderTorture>,
  more: Partial<TortureOptions> = {},
  scheme: 'http' | 'https' = 'http',
): Promise<TortureReport> {
  let gateway: UnderTorture | null = null;
  // The port is known once the torture origin has started, and with it the gateway's configuration. An address is in none of
  // the gateway's certificates.
  const target = { url: new URL(`${scheme}://127.0.0.1/`), verify: scheme === 'http' };
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

/** These cases against Candor, all where none is named: each failure told, none mislabelled, and no client harmed. */
export async function tortureCandor(
  context: TestContext,
  clients: 'http' | 'https' | 'http/2',
  only: readonly string[] = [],
): Promise<void> {
  let unclassified = (): number => NaN;
  const scheme = clients === 'https' ? 'https' : 'http';
  const start = async (stage: TortureStage): Promise<UnderTorture> => {
    const candor = await startCandorBefore(stage, scheme);
    unclassified = () => candor.unclassified();
    return clients === 'http/2' ? await behindHttp2(candor) : candor;
  };
  const { runs, score } = await putToTorture(start, { tls: true, only }, scheme);
  const wrong = runs.filter(({ verdict }) => verdict === 'misleading' || verdict === 'dangerous');
  assert.deepEqual(
    wrong.map(({ case: name, method, on, why, seen }) => `${name} ${method} ${on}: ${why} ${JSON.stringify(seen)}`),
    [],
  );
  // Where this process was held up each time, the machine decided, and not the gateway.
  const mild = runs.filter(({ verdict, seen }) => verdict === 'acceptable' || (verdict === null && seen === null));
  assert.deepEqual(
    mild.map(({ case: name, method, on, why }) => `${name} ${method} ${on}: ${why}`),
    [],
  );
  assert.equal(score.hangs, 0);
  assert.equal(unclassified(), 0);
  const tried = new Set(runs.filter(({ verdict }) => verdict !== null).map((run) => run.case));
  assert.ok(tried.size > (only.length === 0 ? 100 : 30), `${tried.size} cases`);
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
  context.diagnostic(`${score.points} of 100 in ${runs.length} exchanges, ${score.not_judged} of them not judged`);
}

/** Its clients come over HTTP/2. */
async function behindHttp2(gateway: UnderTorture): Promise<UnderTorture> {
  const front = await Http2Front.start({ host: '127.0.0.1', port: gateway.port });
  const stop = async (): Promise<void> => {
    await front.close();
    await gateway.stop();
  };
  return { port: front.address.port, stop };
}
