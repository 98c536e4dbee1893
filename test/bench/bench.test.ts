import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { benchDocument } from '../../bench/document.ts';
import { garbageIn } from '../../bench/garbage.ts';
import { candorGateway, nginxOrigin } from '../../bench/gateways.ts';
import { readWrk } from '../../bench/load.ts';
import { plot } from '../../bench/plot.ts';
import { type Figures, ratioToBest, type Run } from '../../bench/report.ts';
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
  added: [{ gateway: 'candor', perSecond: 500, round: 1, p50Ms: 0.5, p99Ms: 2, p999Ms: 4 }],
  memory: [{ gateway: 'candor', workers: 2, connections: 64, residentOctets: 100 * 1024 * 1024 }],
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

  it('stands in the document and in the plot', () => {
    const text = benchDocument(figures);
    assert.match(text, /\| small GET \| 37\.0 \| 37\.5 \| 30\.0 \| 1\.30 \(1\.10 to 1\.50\), HAProxy \|/);
    assert.match(text, /\| Candor, 2 workers \| 64 \| 100 \|/);
    assert.match(text, /1\.70 times the requests per second/);
    assert.match(plot(figures), /0\.99× Candor<\/text>[\s\S]*1\.00× nginx<\/text>[\s\S]*0\.80× HAProxy/);
  });

  it("takes wrk's failures for failures", () => {
    const said =
      'Latency 1ms\n  12 requests in 1.00s, 3KB read\n  Socket errors: connect 0, read 2, write 0, timeout 1\n  Non-2xx or 3xx responses: 4\nRequests/sec:     12.5\n';
    assert.deepEqual(readWrk(said), { requests: 12, perSecond: 12.5, failures: 7 });
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
      allocatedOctets: (5 + 3) * 1024 * 1024,
    });
  });
});

describe('what is measured', () => {
  for (const [name, setting] of Object.entries(settings)) {
    it(`is a configuration that Candor takes: ${name}`, () => {
      const { files } = candorGateway('.', setting, 2);
      const parsing = parseConfiguration(files['candor.yaml'] as string, {
        file: 'candor.yaml',
        directory: '/srv',
        environment: {},
        hostname: 'vm',
      });
      assert.deepEqual(parsing.ok ? [] : parsing.complaints, []);
    });
  }

  it('is an origin of as many addresses as the setting has endpoints', () => {
    const { files } = nginxOrigin({ path: 'nginx', env: {} });
    assert.equal(files['nginx.conf']?.match(/listen 127\.0\.1\./g)?.length, settings.endpoints.endpoints);
  });
});
