import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFromYaml, until } from './start-from-yaml.ts';

// A program that is ready and then ends, again and again: no client has got an error, and people are told.

const endsSoon = `
  require('node:http').createServer((_, answer) => answer.end('ok')).listen(process.env.PORT, '127.0.0.1');
  setTimeout(() => { console.error('no database'); process.exit(3); }, 400)`;

test('a crash loop is a problem, and its upstream is not well, before any request has failed', {
  timeout: 60_000,
}, async (context) => {
  const edge = await startFromYaml(`
applications:
  web:
    command: ${JSON.stringify([process.execPath, '-e', endsSoon])}
    readiness: { interval: 50ms, passes: 1 }
    restart: { first_delay: 100ms }
routes: [{ path: /, to: web }]
`);
  context.after(() => edge.stop());
  const problem = () => edge.gateway.status().problems.find(({ kind }) => kind === 'crash_loop');
  await until('it is told', () => problem() !== undefined, 30_000);
  const { reason = '', application } = problem() ?? {};
  assert.equal(application, 'web');
  assert.match(
    reason,
    /^web\/1 has ended \d+ times in \d+ s, the last time: exited with code 3; last line: "no database"/,
  );
  const isJudged = (): boolean => {
    const { verdict, upstreams } = edge.gateway.status();
    const ofUpstream = upstreams[0]?.verdict;
    assert.notEqual(verdict.state, 'ok');
    assert.notEqual(verdict.state, 'idle');
    return verdict.state === 'degraded' && ofUpstream?.reason === 'an instance of its application ends again and again';
  };
  await until('the verdicts say so', isJudged);
});
