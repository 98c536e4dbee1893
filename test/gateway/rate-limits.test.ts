import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { renderStatus } from '../../src/cli/status-table.ts';
import { plain } from '../../src/cli/style.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

describe('limits of requests in a gateway of two workers', { timeout: 60_000 }, () => {
  let origin: RawOrigin;
  let edge: YamlGateway;
  const waiting: Socket[] = [];

  before(async () => {
    origin = await RawOrigin.start(({ line }) =>
      line.includes('/held') ? (socket: Socket) => void waiting.push(socket) : ok('well'),
    );
    edge = await startFromYaml(`
workers: 2
upstreams: { app: "${origin.address}" }
routes:
  - { path: /login, to: app, rate_limits: { name: login, rate: 5/h } }
  - { path: /held, to: app, rate_limits: { name: held, at_once: 2 } }
  - { to: app }
`);
  });
  after(async () => {
    await edge.stop();
    await origin.close();
  });

  it('admit no more than they allow in both together, and say who was refused', async () => {
    const ask = () => edge.send(requestText('GET', '/login', ['Connection: close']));
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    assert.equal(answers.filter(({ status }) => status === 200).length, 5);
    assert.equal(answers.filter(({ status }) => status === 429).length, 15);
    assert.ok(answers.every((one) => one.status === 200 || Number(headerOf(one, 'retry-after')) > 600));
    assert.equal((await edge.send(requestText('GET', '/'))).status, 200);
    await until('both workers have reported', () => edge.gateway.status().rateLimits[0]?.refused === 15);
    assert.match(
      renderStatus({ ...edge.gateway.status(), admin: { socket: null, url: null, certificate: null } }, plain),
      /LIMITS\n.*route \/login +login 5\/h +15 of 20 refused\n +Most refusals in the last two minutes: 127\.0\.0\.1 \(15\)\./,
    );
  });

  const active = (): number =>
    edge.gateway.status().workers.reduce((sum, { exchangesActive }) => sum + exchangesActive, 0);

  it('bound requests at once, until one has ended', async () => {
    const held = [edge.connect(), edge.connect()];
    for (const client of held) client.write(requestText('GET', '/held'));
    await until('both are at the application', () => waiting.length === 2);
    const refused = await edge.send(requestText('GET', '/held'));
    assert.equal(refused.status, 429);
    assert.equal((JSON.parse(refused.body.toString()) as { cause: string }).cause, 'too_many_requests_at_once');
    waiting[0]?.write(ok('late'));
    await until('one has ended', () => active() === 1);
    const next = edge.connect();
    next.write(requestText('GET', '/held'));
    await until('another one is at the application', () => waiting.length === 3);
    for (const socket of waiting.slice(1)) socket.write(ok('late'));
    await until('all have ended', () => active() === 0);
    for (const client of [...held, next]) client.close();
  });
});
