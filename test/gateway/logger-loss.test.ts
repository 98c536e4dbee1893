import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { RawOrigin, ok } from './raw-origin.ts';
import { runInWorkers } from './run-in-workers.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// The thread that writes the log ends: requests are served on, and no record is lost.

let origin: RawOrigin;
let edge: YamlGateway;
beforeEach(async () => {
  origin = await RawOrigin.start(() => ok('here'));
});
afterEach(async () => {
  await edge.stop();
  await origin.close();
});

const recordedPaths = async (): Promise<string[]> =>
  (await readFile(join(edge.folder, 'exchange.log'), 'utf8'))
    .split('\n')
    .flatMap((line) => /"path":"([^"]*)"/.exec(line)?.[1] ?? []);

test('a logger that crashes is replaced, and goes on with the first line that was not written', async () => {
  edge = await startFromYaml(
    `upstreams: { app: { endpoints: "${origin.address}", check: none } }\nlog: { path: ./exchange.log }`,
  );
  const expected: string[] = [];
  const get = async (path: string): Promise<void> => {
    assert.equal((await edge.get(path)).status, 200);
    expected.push(path);
  };
  for (let crash = 1; crash <= 2; crash++) {
    await get(`/before-${crash}`);
    await runInWorkers('setTimeout(() => { throw new RangeError("on purpose"); })', /^candor log/);
    for (let n = 0; n < 5; n++) await get(`/while-${crash}-${n}`);
    await until('the loss is reported', () => edge.eventsOf('logger_lost').length === crash);
    const [lost] = edge.eventsOf('logger_lost').slice(-1);
    assert.match(lost?.evidence.error ?? '', /^RangeError: on purpose/);
    await get(`/after-${crash}`);
    await until('all records are in the file', async () => (await recordedPaths()).length >= expected.length);
  }
  assert.deepEqual(await recordedPaths(), expected);
  assert.equal(edge.counts().active, 0);
  assert.equal(edge.gateway.counts().logDropped, 0);
});
