import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type FaultOrigin,
  faults,
  refusingAddress,
  startFaultOrigin,
  type UnreachableAddress,
} from '../../src/testing/testing.ts';
import { loadExpected } from '../faults/load-expected.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { limits, probeUrl } from './probe-options.ts';

// Both ways at once: to the application, and through a real gateway before it.

const faultNames = new Set(faults.map(({ name }) => name));

let origin: FaultOrigin;
let refusing: UnreachableAddress;
let edge: YamlGateway;
let through: string;
before(async () => {
  origin = await startFaultOrigin();
  refusing = await refusingAddress();
  edge = await startFromYaml(`
timeouts: { connect: 300ms, response_head: 500ms, idle: 250ms }
upstreams:
  app: { endpoints: "127.0.0.1:${origin.address.port}", check: none }
  wrong: { endpoints: "127.0.0.1:${refusing.port}", check: none }
routes:
  - { path: /ok, host: wrong.test, to: wrong }
  - { path: /ok, host: redirect.test, redirect: { location: "https://elsewhere.test/", status: 301 } }
  - { path: /ok, host: closed.test, maintenance: true }
  - { path: /, host: app.test, to: app }
`);
  const { host, port } = edge.address();
  through = `http://${host}:${port}`;
});
after(async () => {
  await edge.stop();
  await Promise.all([origin.close(), refusing.close()]);
});

/** Longer than the gateway's, so that the gateway answers before, also on a busy machine. */
const longer = { ...limits, headMs: 2500, idleMs: 1250 };

const probeBoth = (path: string, host = 'app.test', via = through) =>
  probeUrl(`${origin.url}${path}`, { via: new URL(`${via}${path}`), host, limits: longer });

describe('a probe of both ways', () => {
  test('says that both work', async () => {
    const { verdict, direct, gateway } = await probeBoth('/ok');
    assert.deepEqual([verdict.works, verdict.layer], [true, null]);
    assert.deepEqual([direct.get?.status, gateway?.get?.status], [200, 200]);
    assert.ok(gateway?.get?.headers.some(({ name }) => name === 'proxy-status') === false);
  });

  test('finds the gateway that connects to a wrong port', async () => {
    const { verdict } = await probeBoth('/ok', 'wrong.test');
    assert.deepEqual([verdict.layer, verdict.shape, verdict.cause], ['between', 'unreachable', 'connection_refused']);
    assert.equal(verdict.stage, 'connect');
    assert.match(verdict.sentence, /^The application works, and the gateway fails to use it\./);
  });

  test('finds the gateway that refuses by itself', async () => {
    const { verdict } = await probeBoth('/ok', 'closed.test');
    assert.deepEqual([verdict.layer, verdict.shape], ['gateway', 'refused_by_gateway']);
    const unknown = await probeBoth('/ok', 'nowhere.test');
    assert.deepEqual([unknown.verdict.layer, unknown.verdict.cause], ['gateway', 'destination_not_found']);
  });

  test('finds the gateway that redirects, and names the URL', async () => {
    const { verdict } = await probeBoth('/ok', 'redirect.test');
    assert.deepEqual([verdict.works, verdict.layer], [false, 'gateway']);
    assert.match(verdict.sentence, /https:\/\/elsewhere\.test\//);
  });

  test('finds the gateway that is not there', async () => {
    const { verdict } = await probeBoth('/ok', 'app.test', `http://127.0.0.1:${refusing.port}`);
    assert.deepEqual([verdict.layer, verdict.stage, verdict.cause], ['gateway', 'connect', 'connect_refused']);
  });

  test('says that only the direct way fails', async () => {
    const { verdict } = await probeUrl(`http://127.0.0.1:${refusing.port}/ok`, {
      via: new URL(`${through}/ok`),
      host: 'app.test',
    });
    assert.deepEqual([verdict.layer, verdict.cause], ['direct', 'connect_refused']);
  });

  test("leaves the application's own error with the application", async () => {
    const { verdict } = await probeBoth('/status/503');
    assert.deepEqual([verdict.layer, verdict.shape], ['application', 'app_error']);
  });

  const rows = loadExpected().filter(
    ({ name, request, needs, whenStopping, end }) =>
      needs === null &&
      !whenStopping &&
      end === 'generated' &&
      request.method === 'GET' &&
      request.bodyBytes === 0 &&
      request.reusedAfterMs === null &&
      !(request.leaves || request.held || request.ofTwo) &&
      faultNames.has(name),
  );
  describe('for each failure that the gateway answers', { concurrency: 6 }, () => {
    for (const { name, shape, cause, error } of rows) {
      test(`${name}: the application fails, ${shape} on both ways`, async () => {
        const { verdict, gateway } = await probeBoth(`/fault/${name}`);
        assert.deepEqual([verdict.layer, verdict.shape, verdict.cause], ['application', shape, cause]);
        const status = gateway?.get?.headers.find((header) => header.name === 'proxy-status')?.value ?? '';
        assert.ok(status.includes(`error=${error}`), status);
      });
    }
  });
});
