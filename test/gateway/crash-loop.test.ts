import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFromYaml, until } from './start-from-yaml.ts';

// A program that is ready and then ends, again and again: no client has got an error, and people are told.

const endsBySignal = `
  process.on('SIGUSR2', () => { console.error('no database'); process.exit(3); });
  require('node:http').createServer((_, answer) => answer.end('ok')).listen(process.env.PORT, '127.0.0.1')`;

test('a crash loop is a problem, and its upstream is not well, before any request has failed', {
  timeout: 60_000,
}, async (context) => {
  const edge = await startFromYaml(`
applications:
  web:
    command: ${JSON.stringify([process.execPath, '-e', endsBySignal])}
    readiness: { interval: 50ms, passes: 1 }
    restart: { first_delay: 100ms }
routes: [{ path: /, to: web }]
`);
  context.after(() => edge.stop());
  const problem = () => edge.gateway.status().problems.find(({ kind }) => kind === 'crash_loop');
  const ended: number[] = [];
  const pidOfReady = (): number | null => {
    const [instance] = edge.gateway.status().applications[0]?.instances ?? [];
    return instance?.phase === 'ready' && !ended.includes(instance.pid ?? 0) ? instance.pid : null;
  };
  while (ended.length < 3) {
    assert.equal(problem(), undefined);
    await until('another process is ready', () => pidOfReady() !== null);
    const pid = pidOfReady() ?? assert.fail('it has ended by itself');
    process.kill(pid, 'SIGUSR2');
    ended.push(pid);
  }
  await until('it is told', () => problem() !== undefined);
  const { reason = '', application } = problem() ?? {};
  assert.equal(application, 'web');
  assert.match(
    reason,
    /^web\/1 has ended 3 times in \d+ s, the last time: exited with code 3; last line: "no database"/,
  );
  const [told] = edge.eventsOf('application_crash_loop');
  assert.deepEqual([told?.to, told?.evidence.instance, told?.evidence.ends], ['failing', 'web/1', 3]);
  await until('the verdicts say so', () => {
    const { verdict, upstreams } = edge.gateway.status();
    const ofUpstream = upstreams[0]?.verdict;
    return verdict.state === 'degraded' && ofUpstream?.reason === 'an instance of its application ends again and again';
  });
});

const neverReady = `
  require('node:http').createServer((_, answer) => answer.writeHead(503).end()).listen(process.env.PORT, '127.0.0.1')`;

test('a first start that neither ends nor becomes ready in time is a problem, and people are told', {
  timeout: 60_000,
}, async (context) => {
  const edge = await startFromYaml(`
applications:
  web:
    command: ${JSON.stringify([process.execPath, '-e', neverReady])}
    readiness: { interval: 50ms, start_timeout: 500ms }
routes: [{ path: /, to: web }]
`);
  context.after(() => edge.stop());
  const problem = () => edge.gateway.status().problems.find(({ kind }) => kind === 'application_not_ready');
  await until('its checks are a problem', () => problem()?.reason.includes('answered 503') === true, 30_000);
  assert.equal(problem()?.application, 'web');
  const expected = /web\/1 is not ready after 500 ms: /;
  assert.match(problem()?.reason ?? '', expected);
  await until('people are told', () => edge.eventsOf('application_not_ready').length > 0);
  assert.match(edge.eventsOf('application_not_ready')[0]?.reason ?? '', expected);
  const { verdict } = edge.gateway.status().upstreams[0] ?? {};
  assert.equal(verdict?.reason, 'an instance of its application does not become ready');
});
