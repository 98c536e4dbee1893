import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeMemoryGroup } from '../memory-group.ts';
import { startFromYaml, until } from './start-from-yaml.ts';

// The kernel kills an application for memory in the middle of a request: the request says so, with what the process used, and so does the incident.

const mebibyte = 1024 * 1024;
const limitBytes = 160 * mebibyte;

/** Keeps 48 MiB at /grow, and more than the limit at /burst. */
const program = `
const kept = [];
const grow = (mebibytes) => kept.push(Buffer.alloc(mebibytes * 1024 * 1024, 1));
require('node:http').createServer(({ url }, response) => {
  if (url === '/grow') grow(48);
  for (let n = 0; url === '/burst' && n < 64; n += 1) grow(16);
  response.end('x');
}).listen(process.env.PORT, process.env.HOST);
`;

test('a process that is killed for memory during a request is named with what it used before, and first in the incident', async (t) => {
  const group = makeMemoryGroup(`candor-kill-${process.pid}`, limitBytes);
  if (typeof group === 'string') return t.skip(group);
  const script = `echo $$ > ${join(group.folder, 'cgroup.procs')} && exec "$@"`;
  const command = ['sh', '-c', script, 'sh', process.execPath, '-e', program];
  const edge = await startFromYaml(`
applications:
  shop:
    command: ${JSON.stringify(command)}
    readiness: { path: /healthz, interval: 50ms, passes: 1 }
    restart: { first_delay: 60s, max_delay: 60s }
    when_none_ready: { wait: none }
    outlier_detection: none
    logs: []
routes: [{ to: shop }]
store: { path: ./store }`);
  try {
    await until('it serves', async () => (await edge.get('/')).status === 200, 30_000);
    assert.equal((await edge.get('/grow')).status, 200);
    const usage = () => edge.gateway.status().applications[0]?.instances[0]?.usage ?? null;
    await until('its growth is seen', async () => (usage()?.residentBytes ?? 0) > 80 * mebibyte, 30_000);
    assert.equal(usage()?.groupBytesMax, limitBytes);

    const killed = await edge.get('/burst');
    assert.equal(killed.status, 502);
    const record = await edge.record(killed);
    await until('the request says how its process ended', async () => {
      const [state] = (await edge.gateway.requestContext(record)).processes;
      return state?.exit?.out_of_memory === true && state.sample !== null;
    });
    const [state] = (await edge.gateway.requestContext(record)).processes;
    assert.match(state?.remarks[0] ?? '', /^killed by the kernel because memory ran out, /);
    assert.match(
      state?.remarks[1] ?? '',
      /^RSS \d+ MiB, its control group used \d+ MiB of 160 MiB, .* before it was killed$/,
    );

    const first = () => edge.gateway.incidents()[0]?.suspects[0] ?? null;
    await until('the incident names the cause', async () => {
      await edge.get('/');
      return first()?.name === 'out_of_memory';
    });
    assert.match(first()?.evidence.join('; ') ?? '', /RSS \d+ MiB, its control group used .* before it was killed/);
  } finally {
    await edge.stop();
    await group.remove();
  }
});
