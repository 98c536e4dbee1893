// Starts processes: an application whose figures are compared with what it says itself.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

/** Each request burns 20 ms of CPU time; `/used` says what the program has used; `/exit` ends it. */
const server = `
  const http = require('node:http');
  http.createServer((request, response) => {
    if (request.url === '/exit') process.exit(3);
    if (request.url === '/error') response.statusCode = 500;
    const end = process.cpuUsage().user + 20e3;
    if (request.url === '/') while (process.cpuUsage().user < end) for (let step = 0; step < 1e5; step++);
    const { user, system } = process.cpuUsage();
    response.end(request.url === '/used' ? String((user + system) / 1000) : 'x'.repeat(5000));
  }).listen(process.env.PORT, '127.0.0.1');
`;

let state: string;
let edge: YamlGateway | null = null;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'candor-usage-state-'));
});
afterEach(async () => {
  await edge?.stop();
  edge = null;
  rmSync(state, { recursive: true, force: true });
});

const start = (jobs = ''): Promise<YamlGateway> =>
  startFromYaml(
    `
state: ${state}
prices: { currency: EUR, cpu_hour: 3600, million_requests: 1000000 }
applications: { shop: { command: [${JSON.stringify(process.execPath)}, server.cjs], readiness: { path: /ready }${jobs} } }
routes: [ { to: shop } ]
`,
    { files: { 'server.cjs': server } },
  );

type Step = Awaited<ReturnType<YamlGateway['gateway']['usageSeries']>>['series'][number]['steps'][number];

/** All that is known of the instances. */
async function used(
  of: YamlGateway,
): Promise<Pick<Step, 'cpuS' | 'requests' | 'errors' | 'bytesOut' | 'restarts' | 'starts'>> {
  const { series } = await of.gateway.usageSeries({
    ...{ since: Date.now() - 3_600_000, until: Date.now(), step: 'minute', application: 'shop' },
  });
  const steps = series.filter(({ kind }) => kind === 'instances').flatMap((one) => one.steps);
  const sum = (key: 'cpuS' | 'requests' | 'errors' | 'bytesOut' | 'restarts' | 'starts'): number =>
    steps.reduce((all, step) => all + step[key], 0);
  return {
    ...{ cpuS: sum('cpuS'), requests: sum('requests'), errors: sum('errors'), bytesOut: sum('bytesOut') },
    ...{ restarts: sum('restarts'), starts: sum('starts') },
  };
}

describe('what an application uses', () => {
  test('is known with its requests, outlives the gateway, and is priced', async () => {
    edge = await start();
    for (let one = 0; one < 10; one++) await edge.get('/');
    await edge.get('/error');
    const said = Number((await edge.get('/used')).body.toString('latin1'));
    await until('the requests are counted', async () => edge !== null && (await used(edge)).requests >= 12);
    const [row] = (await edge.gateway.usageNow()).rows;
    assert.deepEqual([row?.application, row?.kind, row?.programs[0]?.id], ['shop', 'instances', 'shop/1']);
    assert.ok((row?.memoryBytes ?? 0) > 20e6, String(row?.memoryBytes));
    await edge.gateway.stop('the test goes on');
    const atEnd = await used(edge);
    // Ticks of 10 ms, and the program's end.
    assert.ok(atEnd.cpuS * 1000 >= said - 30 && atEnd.cpuS * 1000 <= said + 150, `${atEnd.cpuS} s, it said ${said} ms`);
    assert.deepEqual([atEnd.requests, atEnd.errors, atEnd.starts, atEnd.restarts], [12, 1, 1, 0]);
    assert.ok(atEnd.bytesOut > 11 * 5000, String(atEnd.bytesOut));
    await edge.stop();

    edge = await start();
    const later = await used(edge);
    assert.deepEqual([later.requests, later.errors], [12, 1]);
    assert.ok(later.cpuS >= atEnd.cpuS);
    const { total, currency } = await edge.gateway.usageCost(Date.now() - 60_000, Date.now());
    const expected = (await used(edge)).cpuS + 12;
    assert.ok(total !== null && Math.abs(total - expected) < 0.5, `${total} ${currency}, not ${expected}`);
  });

  test('has the restarts of an instance that has ended', async () => {
    edge = await start();
    // A GET would be sent again, to the next program, and end it as well.
    await edge.send(requestText('POST', '/exit')).catch(() => null);
    await until('it was started again', async () => edge !== null && (await used(edge)).restarts === 1);
    assert.equal((await used(edge)).starts, 2);
  });

  test('has the jobs of the application by themselves, also one that ends soon', async () => {
    const burn =
      'const end = process.cpuUsage().user + 150e3; while (process.cpuUsage().user < end) for (let n = 0; n < 1e6; n++);';
    edge = await start(
      `, jobs: { report: { command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(burn)}], schedule: once } }`,
    );
    const report = async (): Promise<{ cpuS: number; starts: number }> => {
      const hour = { since: Date.now() - 3_600_000, until: Date.now(), step: 'minute', application: 'shop' } as const;
      const { series } = (await edge?.gateway.usageSeries(hour)) ?? { series: [] };
      const steps = series.find(({ kind, name }) => kind === 'job' && name === 'report')?.steps ?? [];
      return {
        cpuS: steps.reduce((sum, step) => sum + step.cpuS, 0),
        starts: steps.reduce((sum, step) => sum + step.starts, 0),
      };
    };
    await until('the job has run', async () => (await report()).cpuS > 0.1, 30_000);
    await until('its last moments are counted', async () => (await report()).cpuS >= 0.15, 30_000);
    assert.equal((await report()).starts, 1);
  });
});
