import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { benchDocument } from '../../bench/document.ts';
import { garbageIn } from '../../bench/garbage.ts';
import { candorGateway, nginxOrigin } from '../../bench/gateways.ts';
import { readH2load, readWrk } from '../../bench/load.ts';
import { namedLike } from '../../bench/options.ts';
import { plot } from '../../bench/plot.ts';
import { type Figures, ratioBetween, ratioToBest, type Run } from '../../bench/report.ts';
import { targetsReached } from '../../bench/targets.ts';
import { settings } from '../../bench/works.ts';
import { parseConfiguration } from '../../src/config/parse.ts';

const runs: Run[] = [
  ['candor', 1, 30],
  ['nginx', 1, 25],
  ['haproxy', 1, 20],
  ['candor', 2, 44],
  ['nginx', 2, 50],
  ['haproxy', 2, 40],
].map(([gateway, round, cpuMicroseconds]) => ({
  ...{ work: 'small-get', gateway: gateway as Run['gateway'], round: round as number },
  ...{ cpuMicroseconds: cpuMicroseconds as number, perSecond: 1000 },
}));

const figures: Figures = {
  circumstances: { date: '2026-01-01' },
  runs,
  failed: [{ work: 'small-get', gateway: 'fastify', round: 1, failures: 3, done: 10 }],
  added: [{ gateway: 'candor', perSecond: 500, round: 1, p50Ms: 0.5, p99Ms: 2, p999Ms: 4, late: 3 }],
  disturbed: [
    {
      ...{ what: '500/s', gateway: 'candor', rounds: 3, quiet: 1, thrownAway: 3 },
      ...{ isMarked: true, why: 'the hypervisor took 7.0 % of a core' },
    },
  ],
  memory: [{ gateway: 'candor', workers: 2, connections: 64, residentBytes: 100 * 1024 * 1024 }],
  garbage: null,
  scaling: { one: 1000, two: 1700 },
};

describe('what a measurement says', () => {
  it('holds Candor against the better rival, round by round', () => {
    const to = ratioToBest(runs, 'small-get');
    assert.equal(to?.best, 'haproxy');
    assert.deepEqual(to?.ratio, { median: 1.3, least: 1.1, most: 1.5 });
  });

  it('is nothing where somebody was not measured', () => {
    assert.equal(ratioToBest(runs, 'get-1m'), null);
    assert.equal(
      ratioToBest(
        runs.filter(({ gateway }) => gateway !== 'candor'),
        'small-get',
      ),
      null,
    );
  });

  it('pairs what was measured in the same round, also where a rival has failed in one', () => {
    const some = runs.filter(({ gateway, round }) => gateway !== 'haproxy' || round === 2);
    assert.deepEqual(ratioBetween(some, 'small-get', 'candor', 'haproxy'), { median: 1.1, least: 1.1, most: 1.1 });
  });

  it('stands in the document and in the plot', () => {
    const text = benchDocument(figures);
    assert.match(text, /\| small GET \| 37\.0 \| 37\.5 \| 30\.0 \| failed \| 1\.30 \(1\.10 to 1\.50\), HAProxy \|/);
    assert.match(text, /@fastify\/http-proxy at "small GET" \(3 failures in 10 requests\)/);
    assert.match(text, /\| Candor, 2 workers \| 105 \|/);
    assert.match(text, /\| Candor \| 0\.50 † \| 2\.00 † \| 4\.00 † \|/);
    assert.match(text, /- Candor, 500\/s: 1 of 3 rounds were quiet, 3 were thrown away and repeated/);
    assert.match(text, /1\.70 times the requests per second/);
    assert.match(plot(figures), />1\.04×<\/text>[\s\S]*>1\.00×<\/text>[\s\S]*>0\.80×<\/text>/);
  });

  it("takes wrk's failures for failures", () => {
    const said =
      'Latency 1ms\n  12 requests in 1.00s, 3KB read\n  Socket errors: connect 0, read 2, write 0, timeout 1\n  Non-2xx or 3xx responses: 4\nRequests/sec:     12.5\n';
    assert.deepEqual(readWrk(said), { requests: 12, perSecond: 12.5, failures: 7 });
  });

  it('reads what h2load says: requests under way at the end are neither done nor failed', () => {
    const said = `finished in 2.00s, 12.50 req/s, 3.09MB/s
requests: 28 total, 64 started, 25 done, 22 succeeded, 3 failed, 0 errored, 0 timeout
status codes: 21 2xx, 0 3xx, 1 4xx, 2 5xx
`;
    assert.deepEqual(readH2load(said), { requests: 25, perSecond: 12.5, failures: 6 });
  });

  it('counts what was allocated between two collections, of each thread', () => {
    const lines = [
      '[13:0x7f81]     1000 ms: Scavenge 10.0 (20.0) -> 4.0 (20.0) MB, pooled: 0.0 MB, 3.20 / 0.00 ms (average mu = 1.000, current mu = 1.000) task;',
      '[13:0x7f99]      500 ms: Scavenge 8.0 (20.0) -> 1.0 (20.0) MB, pooled: 0.0 MB, 9.00 / 0.00 ms (average mu = 1.000, current mu = 1.000) task;',
      '[13:0x7f81]     2000 ms: Mark-Compact 9.0 (20.0) -> 3.0 (20.0) MB, pooled: 0.0 MB, 1.50 / 0.00 ms (average mu = 1.000, current mu = 1.000) task;',
      'not a line of V8',
      '[13:0x7f99]      700 ms: Scavenge 4.0 (20.0) -> 1.0 (20.0) MB, pooled: 0.0 MB, 0.50 / 0.00 ms (average mu = 1.000, current mu = 1.000) task;',
      '[13:0x7faa]       90 ms: Scavenge 7.0 (20.0) -> 1.0 (20.0) MB, pooled: 0.0 MB, 0.50 / 0.00 ms (average mu = 1.000, current mu = 1.000) task;',
    ];
    assert.deepEqual(garbageIn(lines.slice(0, 2).join('\n'), lines.slice(2).join('\n')), {
      ...{ collections: 3, pauseMsMax: 1.5, pauseMsTotal: 2.5 },
      // The third thread was not seen before.
      allocatedBytes: (5 + 3) * 1024 * 1024,
    });
  });
});

describe('what is to be reached', () => {
  const rows = (candor: number, more: Partial<Figures> = {}) => {
    const cpus = { candor, haproxy: 20, nginx: 30, caddy: 150, 'candor-no-rotation': 17, 'candor-no-log': 16.5 };
    const some = Object.entries(cpus).map(([gateway, cpuMicroseconds]) => ({
      ...{ work: 'small-get' as const, gateway: gateway as Run['gateway'], round: 1, cpuMicroseconds, perSecond: 1 },
    }));
    return targetsReached({ ...figures, runs: some, ...more });
  };
  const verdictOf = (what: string, candor: number, more?: Partial<Figures>, target?: string): string | undefined =>
    rows(candor, more).find((row) => row.what === what && (target === undefined || row.target === target))?.verdict;

  for (const [candor, target, verdict] of [
    [36, '≤ 1.00× nginx', '**missed by 20 %**'],
    [30, '≤ 1.00× nginx', 'met'],
    [23, '≤ 1.10× HAProxy', '**missed by 5 %**'],
    [22, '≤ 1.10× HAProxy', 'met'],
    [17, '≤ 1.10× HAProxy', 'met, the aim too'],
  ] as const) {
    it(`is judged by each of nginx and HAProxy: ${candor} is ${verdict} by ${target}`, () => {
      assert.equal(verdictOf('CPU, small GET', candor, {}, target), verdict);
    });
  }

  it('is for the record and its rotation what Candor takes beyond one without a log', () => {
    assert.equal(verdictOf('CPU, record and rotation', 17), 'met');
    assert.equal(verdictOf('CPU, record and rotation', 17.5), '**missed by 0.40 µs**');
    const row = rows(17.5).find(({ what }) => what === 'CPU, record and rotation');
    assert.equal(row?.measured, '1.00 µs (1.00 to 1.00), of which rotation 0.50');
  });

  it('says that TLS is not measured yet', () => assert.equal(verdictOf('CPU, TLS', 20), 'not measured yet'));

  it('says of Caddy by how much a fifth is missed', () => {
    const caddy = rows(33).find(({ target }) => target === '≤ 1/5 of Caddy');
    assert.deepEqual(
      [caddy?.measured, caddy?.verdict, caddy?.aim],
      ['0.22 (0.22 to 0.22)', '**missed by 10 %**', '≤ 1/7'],
    );
  });

  it('is not measured where nothing was', () => {
    assert.equal(verdictOf('CPU, new connection', 20), 'not measured');
    assert.equal(verdictOf('p99 added at 2,000/s', 20), 'not measured');
    assert.equal(verdictOf('memory, 5,000 idle connections', 20), 'not measured');
  });

  it('takes what is added, and what is resident, of one worker', () => {
    const added = (['candor', 'nginx', 'haproxy'] as const).map((gateway, index) => ({
      ...{ gateway, perSecond: 2000, round: 1 },
      ...{
        p50Ms: [0.4, 0.5, 0.3][index] ?? 0,
        p99Ms: [3, 2.5, 2][index] ?? 0,
        p999Ms: [12, 9, 9][index] ?? 0,
        late: 0,
      },
    }));
    const memory = [{ gateway: 'candor' as const, workers: 1, connections: 5000, residentBytes: 165e6 }];
    assert.equal(verdictOf('p50 added at 2,000/s', 20, { added }), 'met');
    assert.equal(verdictOf('p99 added at 2,000/s', 20, { added }), 'met');
    assert.equal(verdictOf('p99.9 added at 2,000/s', 20, { added }), '**missed by 1.00 ms**');
    assert.equal(verdictOf('memory, 5,000 idle connections', 20, { memory }), '**missed by 27 %**');
  });
});

describe('what is measured', () => {
  for (const [texts, found] of [
    ['outage, 503', ['outage, 503']],
    ['outage, 503,429', ['outage, 503', '429']],
    ['outage', ['outage, 503', 'outage, refused']],
    ['', ['outage, 503', 'outage, refused', '30 % 503', '429']],
  ] as const)
    it(`is what a list with commas names, some names of which have commas: ${texts}`, () => {
      const all = ['outage, 503', 'outage, refused', '30 % 503', '429'].map((name) => ({ name }));
      assert.deepEqual(
        namedLike(texts, all, 'profile').map(({ name }) => name),
        found,
      );
    });

  for (const [name, setting] of Object.entries(settings)) {
    it(`is a configuration that Candor takes: ${name}`, () => {
      const { files } = candorGateway('.', setting, { workers: 2 });
      const parsing = parseConfiguration(files['candor.yaml'] as string, {
        file: 'candor.yaml',
        directory: '/srv',
        environment: {},
        hostname: 'vm',
      });
      assert.deepEqual(parsing.ok ? [] : parsing.errors, []);
    });
  }

  it('is an origin of as many addresses as the setting has endpoints', () => {
    const { files } = nginxOrigin({ path: 'nginx', env: {} });
    assert.equal(files['nginx.conf']?.match(/listen 127\.0\.1\./g)?.length, settings.endpoints.endpoints);
  });
});
