import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  conflictForm,
  contentKinds,
  deniedForm,
  emptyForm,
  lostForm,
  missingForm,
  redirectForm,
  sizeCells,
  surplusForm,
  unreadableForm,
  unsafeKey,
} from '../core/content-kind.ts';
import { filledCells, type RouteTraffic } from '../core/route-traffic.ts';
import { latencyCellOf, latencyCells } from '../core/latency-cells.ts';
import type { Instant } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type ComparedEndpoint, RolloutComparison, TrafficBefore } from './rollout-comparison.ts';

const names = { old: 'r1', fresh: 'r2' };
const long = -60_000 as Instant;
const endpoints: Readonly<Record<string, ComparedEndpoint>> = {
  a: { arm: 'old', readySince: long },
  b: { arm: 'fresh', readySince: long },
};
const endpointOf = (id: string): ComparedEndpoint | null => endpoints[id] ?? null;

function cellsAt(ms: number, count: number): number[] {
  const cells = new Array<number>(latencyCells).fill(0);
  cells[latencyCellOf(ms)] = count;
  return cells;
}

function traffic(endpoint: string, count: number, ms: number, more: Partial<RouteTraffic> = {}): RouteTraffic {
  const cells = cellsAt(ms, count);
  return {
    ...{ route: 'cart', upstream: 'shop', endpoint, answered: count, serverErrors: 0, latencies: filledCells(cells) },
    ...{ failed: [], slow: [], awaited: [] },
    ...more,
  };
}

function compared() {
  const clock = new SimulatedClock();
  const before = new TrafficBefore();
  const comparison = new RolloutComparison(clock, before, { names, routes: ['cart'], isSticky: false });
  const add = (share: number, ...routes: readonly RouteTraffic[]): void =>
    comparison.add(before.add({ worker: 1, routes }, endpointOf, clock.now()), share);
  return { clock, before, comparison, add };
}

describe('both releases are counted', () => {
  test('by route: what failed, what the application answered with 5xx, and what was late', () => {
    const { comparison, add } = compared();
    add(0.5, traffic('a', 100, 20));
    const causes = [{ cause: 'reset_before_response', count: 2 }] as const;
    add(0.5, traffic('b', 10, 20, { serverErrors: 3, causes }), traffic('b', 4, 400));
    const { old, fresh } = comparison.judgement();
    assert.deepEqual(old, { requests: 100, failures: 0, serverErrors: 0, late: 0 });
    assert.deepEqual(fresh, { requests: 16, failures: 2, serverErrors: 3, late: 4 });
  });

  test('with what failed of clients that stay with a release, each once', () => {
    const { clock, before } = compared();
    const settings = { names, routes: ['cart'], isSticky: true };
    for (const [clients, verdict] of [
      [[7], 'inconclusive'],
      [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 'bad'],
    ] as const) {
      const comparison = new RolloutComparison(clock, before, settings);
      const causes = [{ cause: 'reset_before_response', count: 40 }] as const;
      const routes = [traffic('a', 100, 20), traffic('b', 60, 20, { causes, failedClients: clients })];
      for (let batch = 0; batch < 3; batch++)
        comparison.add(before.add({ worker: 1, routes }, endpointOf, clock.now()), 0.5);
      assert.equal(comparison.judgement().verdict, verdict);
    }
  });

  test('with a response that is late once, whether it is awaited or has begun', () => {
    const { comparison, add } = compared();
    add(0.5, traffic('a', 100, 20));
    const awaited = (ms: number) => traffic('b', 0, 20, { awaited: [{ client: 1, ms }] });
    add(0.5, awaited(30));
    assert.equal(comparison.judgement().fresh.late, 0);
    for (const ms of [200, 450, 700]) add(0.5, awaited(ms));
    add(0.5, traffic('b', 1, 900));
    assert.equal(comparison.judgement().fresh.late, 1);
  });

  test('with what is late for its paths, which may be usual elsewhere on the route', () => {
    const { comparison, add } = compared();
    const at = (endpoint: string, pattern: string, count: number, ms: number): RouteTraffic => {
      const patterns = [{ pattern, answers: [], latencies: filledCells(cellsAt(ms, count)) }];
      return traffic(endpoint, count, ms, { patterns });
    };
    add(0.5, at('a', '/report', 100, 900), at('a', '/cart', 900, 20));
    assert.equal(comparison.judgement().old.late, 0);
    add(0.5, at('b', '/cart', 30, 300), at('b', '/report', 10, 900));
    assert.deepEqual(comparison.judgement().fresh.late, 30);
  });

  test('with the latencies of 1,000 paths a minute, whatever clients ask for', () => {
    const { clock, before, add } = compared();
    for (let path = 0; path < 5000; path++) {
      const patterns = [{ pattern: `/${path}`, answers: [], latencies: [20, 1] }];
      add(0.5, traffic('a', 1, 20, { patterns }));
    }
    assert.equal(before.saved(clock.now())[0]?.patterns?.length, 1000);
  });

  test('without the slowness of instances that have just become ready', async () => {
    const { clock, comparison, add } = compared();
    await clock.advance(10_000);
    add(0.5, traffic('a', 100, 20));
    const cold = { ...endpoints, b: { arm: 'fresh', readySince: (clock.now() - 4000) as Instant } } as const;
    const before = new TrafficBefore();
    before.add({ worker: 1, routes: [traffic('a', 100, 20)] }, endpointOf, clock.now());
    const counted = (of: Readonly<Record<string, ComparedEndpoint>>) =>
      before.add({ worker: 1, routes: [traffic('b', 5, 900)] }, (id) => of[id] ?? null, clock.now())[0]?.late;
    assert.deepEqual([counted(cold), counted(endpoints)], [0, 5]);
    assert.equal(comparison.judgement().verdict, 'inconclusive');
  });
});

describe('a release whose requests are chosen', () => {
  function chosen(saved?: ReturnType<RolloutComparison['saved']>) {
    const clock = new SimulatedClock();
    const before = new TrafficBefore();
    const settings = { names, routes: ['cart'], isSticky: false, isChosen: true };
    const comparison = new RolloutComparison(clock, before, settings, saved);
    const add = (share: number | null, ...routes: readonly RouteTraffic[]): void =>
      comparison.add(before.add({ worker: 1, routes }, endpointOf, clock.now()), share);
    return { comparison, add };
  }

  test('is bad where most of them fail, also after an upgrade', () => {
    const { comparison, add } = chosen();
    assert.equal(comparison.judgement().reason, '0 of 0 requests seen, chosen for r2: nothing is compared');
    add(null, traffic('a', 100, 20), traffic('b', 9, 20, { serverErrors: 6 }));
    assert.equal(comparison.judgement().verdict, 'inconclusive');
    const next = chosen(JSON.parse(JSON.stringify(comparison.saved())) as ReturnType<RolloutComparison['saved']>);
    next.add(null, traffic('b', 3, 20, { serverErrors: 1 }));
    const { verdict, reason, fresh } = next.comparison.judgement();
    assert.deepEqual([verdict, reason], ['bad', '7 of 12 requests of r2 failed, 0 of 100 of r1']);
    assert.deepEqual(fresh, { requests: 12, failures: 0, serverErrors: 7, late: 0 });
  });

  test('is never good or bad by a comparison of them', () => {
    const { comparison, add } = chosen();
    for (let count = 0; count < 50; count++) add(null, traffic('a', 100, 20), traffic('b', 100, 20));
    const { verdict, reason } = comparison.judgement();
    assert.deepEqual(
      [verdict, reason],
      ['inconclusive', '5,000 of 10,000 requests seen, chosen for r2: nothing is compared'],
    );
    for (let count = 0; count < 20; count++) add(null, traffic('b', 100, 20, { serverErrors: 40 }));
    assert.equal(comparison.judgement().verdict, 'inconclusive');
  });

  test('is judged as any other when it has all requests, and when they are drawn to compare both', () => {
    const { comparison, add } = chosen();
    add(null, traffic('a', 100, 20), traffic('b', 12, 20));
    add(1, traffic('b', 50, 20));
    assert.match(comparison.judgement().reason, /^50 requests of r2 seen, no worse than those of r1 before$/);
    for (let count = 0; count < 10; count++) add(0.25, traffic('a', 30, 20), traffic('b', 10, 20, { serverErrors: 5 }));
    assert.equal(comparison.judgement().verdict, 'bad');
    assert.match(comparison.judgement().reason, /^50 of 100 requests of r2 /);
  });
});

describe('a release that has all requests', () => {
  test('looks worse than the one before where more of them fail than before', () => {
    const { comparison, add } = compared();
    for (let count = 0; count < 20; count++) add(0, traffic('a', 100, 20));
    for (let count = 0; count < 10; count++) add(1, traffic('b', 100, 20));
    assert.equal(comparison.takeSuspicion(), null);
    assert.match(comparison.judgement().reason, /^1,000 requests of r2 seen, no worse than those of r1 before$/);
    for (let count = 0; count < 10; count++) add(1, traffic('b', 100, 20, { serverErrors: 5 }));
    assert.match(comparison.takeSuspicion() ?? '', /50 of 2,000 requests of r2 .* 0 of 2,000 of r1 before/);
    assert.equal(comparison.takeSuspicion(), null, 'it begins anew');
  });

  test('is bad where it is late with all requests and as usual with a part of them, three times in turns', () => {
    for (const isUsualWithPart of [true, false]) {
      const { clock, comparison, add } = compared();
      add(1, traffic('a', 2000, 20));
      for (let turn = 0; turn < 3; turn++) {
        for (let second = 0; second < 10; second++) {
          clock.advanceSync(1000);
          add(1, traffic('b', 80, 20), traffic('b', 20, 900));
        }
        assert.equal(comparison.limit, null);
        assert.notEqual(comparison.takeSuspicion(), null, `turn ${turn}`);
        const late = isUsualWithPart ? 0 : 6;
        add(0.25, traffic('a', 90, 20), traffic('a', late * 3, 900), traffic('b', 24, 20), traffic('b', late, 900));
        if (turn < 2) assert.notEqual(comparison.judgement().verdict, 'bad');
      }
      const { verdict, reason } = comparison.judgement();
      if (!isUsualWithPart) assert.notEqual(verdict, 'bad', 'what makes both late is not the release');
      else assert.match(reason, /3 times in succession: it does not bear the load/);
    }
  });

  test('is bad where its program ends again and again, and where its memory grows without end', async () => {
    const { clock, comparison } = compared();
    for (const restarts of [4, 6]) {
      comparison.noteProcesses([{ instance: 'shop-2', release: 'r2', restarts, bytes: null }], 1e12);
      assert.equal(comparison.limit, null, 'those before the rollout do not count');
    }
    comparison.noteProcesses([{ instance: 'shop-2', release: 'r2', restarts: 7, bytes: null }], 1e12);
    assert.match(comparison.judgement().reason, /r2 has ended and was restarted 3 times, r1 not at all/);
    const leaking = new RolloutComparison(clock, new TrafficBefore(), { names, routes: [], isSticky: false });
    const mebibyte = 1024 ** 2;
    for (let second = 0; second < 300 && leaking.limit === null; second++) {
      await clock.advance(1000);
      leaking.noteProcesses(
        [
          { instance: 'shop-1', release: 'r1', restarts: 0, bytes: 60 * mebibyte },
          { instance: 'shop-2', release: 'r2', restarts: 0, bytes: (60 + second) * mebibyte },
        ],
        1e12,
      );
    }
    assert.match(leaking.limit ?? '', /^r2 has \d+ MiB and grows by \d+ MiB a minute, r1 has 60 MiB$/);
  });
});

/** Kinds of content and their size cells, as keys of answers. */
const content = (kind: (typeof contentKinds)[number], cell = 40): number =>
  contentKinds.indexOf(kind) * sizeCells + cell;
const [json, html] = [content('json'), content('html')];

/** `answers`: of one pattern, each with its count. */
function answering(endpoint: string, answers: Readonly<Record<number, number>>, pattern = '/orders/#'): RouteTraffic {
  const all = Object.entries(answers).flatMap(([key, count]) => [Number(key), count, count === 0 ? 0 : 1]);
  const count = Object.values(answers).reduce((sum, one) => sum + one, 0);
  return traffic(endpoint, count, 20, {
    patterns: [{ pattern, answers: all, latencies: filledCells(cellsAt(20, count)) }],
  });
}

describe('what a release answers is compared with what the old one does at like paths:', () => {
  for (const [what, usual, fresh, verdict] of [
    ['404 in place of data', json, missingForm * sizeCells, 'bad'],
    ['404 for what was answered well', json, lostForm * sizeCells, 'bad'],
    ['401 in place of a page', html, deniedForm * sizeCells, 'bad'],
    ['a redirect in place of a page', html, redirectForm * sizeCells, 'bad'],
    ['nothing in place of data', json, emptyForm * sizeCells, 'bad'],
    ['a page in place of data', json, html, 'bad'],
    ['an object in place of a list', content('list'), json, 'bad'],
    ['a sixth of the size', content('json', 60), content('json', 50), 'bad'],
    ['what clients cannot read', json, unreadableForm * sizeCells, 'bad'],
    ['bytes behind the end', json, surplusForm * sizeCells, 'bad'],
    ['404 to what changes something', unsafeKey + json, unsafeKey + missingForm * sizeCells, 'bad'],
    ['a sixth of a small size', content('json', 32), content('json', 22), 'inconclusive'],
    ['half of the size', content('json', 60), content('json', 56), 'inconclusive'],
    ['more content', json, content('json', 60), 'inconclusive'],
    ['data in place of a page', html, json, 'inconclusive'],
    ['another redirect', redirectForm * sizeCells, redirectForm * sizeCells, 'inconclusive'],
    ['a page in place of a redirect', redirectForm * sizeCells, html, 'bad'],
    ['409', json, conflictForm * sizeCells, 'inconclusive'],
  ] as const)
    test(`${what} is ${verdict}`, () => {
      const { comparison, add } = compared();
      add(0.05, answering('a', { [usual]: 60 }));
      for (let request = 0; request < 15; request++)
        add(0.05, answering('a', { [usual]: 19 }), answering('b', { [fresh]: 1 }));
      assert.equal(comparison.judgement().verdict, verdict);
    });

  test('the verdict says what was answered where, and what to do', () => {
    const { comparison, add } = compared();
    add(0.5, answering('a', { [json]: 100 }), answering('b', { [json]: 20, [missingForm * sizeCells]: 30 }));
    const { reason, worst } = comparison.judgement();
    const counts = '30 of 50 answers of r2 at /orders/# were 404, 0 of 100 of r1';
    assert.equal(reason, `${counts}; if that is meant, deploy with --answers-change`);
    assert.deepEqual(worst, { route: null, event: 'answer', cause: null });
  });

  test('assets of the old page that are gone are bad, and the verdict names the setting for them', () => {
    const { comparison, add } = compared();
    const script = content('script');
    add(0.5, answering('a', { [script]: 300 }, '/assets/#'));
    add(0.5, answering('b', { [script]: 300, [lostForm * sizeCells]: 20 }, '/assets/#'));
    assert.match(comparison.judgement().reason, /; `assets: previous` lets the old release answer what the new one/);
    for (let second = 0; second < 20; second++) add(0.5, answering('b', { [lostForm * sizeCells]: 60 }, '/assets/#'));
    assert.match(comparison.judgement().reason, /; if that is meant, deploy with --answers-change/);
  });

  test('one page of many that is gone is not bad, nor what the old release answers as often', () => {
    const { comparison, add } = compared();
    add(0.5, answering('a', { [html]: 2000 }), answering('b', { [html]: 2000, [lostForm * sizeCells]: 20 }));
    add(0.5, answering('a', { [json]: 700, [deniedForm * sizeCells]: 300 }, '/login'));
    add(0.5, answering('b', { [json]: 690, [deniedForm * sizeCells]: 310 }, '/login'));
    assert.notEqual(comparison.judgement().verdict, 'bad');
  });

  test('paths that the old release has not, and answers that may change, are not compared', () => {
    const clock = new SimulatedClock();
    const before = new TrafficBefore();
    const settings = { names, routes: ['cart'], isSticky: false, answersMayChange: true };
    const tolerant = new RolloutComparison(clock, before, settings);
    const upgraded = new RolloutComparison(clock, before, { ...settings, answersMayChange: false }, tolerant.saved());
    const { comparison, add } = compared();
    for (let second = 0; second < 20; second++) {
      add(0.5, answering('b', { [missingForm * sizeCells]: 10 }, '/new'));
      const routes = [answering('a', { [json]: 20 }), answering('b', { [missingForm * sizeCells]: 20 })];
      for (const one of [tolerant, upgraded]) one.add(before.add({ worker: 1, routes }, endpointOf, clock.now()), 0.5);
    }
    for (const one of [comparison, tolerant, upgraded]) {
      assert.notEqual(one.judgement().verdict, 'bad');
      assert.equal(one.takeSuspicion(), null);
    }
  });

  test('a release that answers as the old one does is bad in less than one of a hundred rollouts', () => {
    const random = new SeededRandom(5);
    let bad = 0;
    for (let run = 0; run < 200; run++) {
      const { comparison, add } = compared();
      add(0.5, answering('a', { [json]: 80, [missingForm * sizeCells]: 20 }));
      for (let request = 0; request < 400; request++) {
        const answer = random.next() < 0.2 ? missingForm * sizeCells : json;
        add(0.5, answering(random.next() < 0.5 ? 'a' : 'b', { [answer]: 1 }));
      }
      if (comparison.judgement().verdict === 'bad') bad += 1;
    }
    assert.ok(bad <= 2, `${bad} of 200`);
  });

  test('where it has all requests, it looks worse than before; then few of them decide, also after an upgrade', () => {
    const { clock, before, comparison, add } = compared();
    add(1, answering('a', { [json]: 500, [missingForm * sizeCells]: 10 }));
    add(1, answering('b', { [json]: 490, [missingForm * sizeCells]: 10 }));
    assert.equal(comparison.takeSuspicion(), null);
    add(1, answering('b', { [missingForm * sizeCells]: 200 }));
    const upgradedBefore = new TrafficBefore();
    upgradedBefore.restore(before.saved(clock.now()), before.answers.saved(), clock.now());
    const settings = { names, routes: ['cart'], isSticky: false };
    const upgraded = new RolloutComparison(clock, upgradedBefore, settings, comparison.saved());
    for (const [one, of] of [
      [comparison, before],
      [upgraded, upgradedBefore],
    ] as const) {
      const reason = '210 of 700 answers of r2 at /orders/# were 404, which were 2 % before';
      assert.equal(one.takeSuspicion(), reason);
      const routes = [answering('a', { [json]: 24 }), answering('b', { [missingForm * sizeCells]: 8 })];
      one.add(of.add({ worker: 1, routes }, endpointOf, clock.now()), 0.25);
      const again = new RolloutComparison(clock, of, settings, one.saved());
      assert.deepEqual([one.judgement().verdict, again.judgement()], ['bad', one.judgement()]);
    }
  });

  test('answers that are worse in waves, at both releases, are no sign of a load that it does not bear', () => {
    const { comparison, add } = compared();
    add(1, answering('a', { [json]: 500 }));
    for (let wave = 0; wave < 4; wave++) {
      add(1, answering('b', { [json]: 80, [missingForm * sizeCells]: 20 }));
      assert.notEqual(comparison.takeSuspicion(), null);
      add(0.25, answering('a', { [json]: 90 }), answering('b', { [json]: 30 }));
      assert.equal(comparison.limit, null, `wave ${wave}`);
    }
  });

  test('a client that stays with a release counts once', () => {
    const clock = new SimulatedClock();
    const before = new TrafficBefore();
    const comparison = new RolloutComparison(clock, before, { names, routes: ['cart'], isSticky: true });
    for (let second = 0; second < 60; second++) {
      const routes = [answering('a', { [json]: 20 }), answering('b', { [missingForm * sizeCells]: 20 })];
      comparison.add(before.add({ worker: 1, routes }, endpointOf, clock.now()), 0.5);
    }
    assert.notEqual(comparison.judgement().verdict, 'bad');
  });
});
