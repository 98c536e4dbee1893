// Starts processes: the command is tested with its signals and exit codes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { systemClock } from '../../src/testing/system.ts';
import type { TortureReport } from '../../src/testing/torture/torture.ts';
import { asUnderNpm } from '../fakes/under-npm.ts';
import { tortureCases } from '../../src/testing/torture/cases.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from '../cli/golden.ts';
import { BadGateway } from './bad-gateway.ts';

/** `candor torture` as a user runs it: its output and its exit codes. */

// Not the usual ports, which may be in use by a person who is testing a gateway.
const origin = { host: '127.0.0.1', port: 29_400 };
const listen = `${origin.host}:${origin.port}`;

describe('candor torture', { timeout: 60_000 }, () => {
  let folder: string;
  let gateway: BadGateway;
  let url: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-torture-'));
    gateway = await BadGateway.start({ plain: { address: origin } });
    url = `http://127.0.0.1:${gateway.port}`;
  });
  after(async () => {
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function tortured(...args: string[]): string[] {
    return ['torture', url, '--origin-listen', listen, '--timeout', '1', ...args];
  }

  test('exits with 0 if no response misleads, and prints what to configure and the results', async () => {
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor(...tortured('--only', 'short-length-reset,own-502')), 0, context.stderr.text);
    assert.match(context.stderr.text, /\/plain +http:\/\/127\.0\.0\.1:29400/);
    assert.match(context.stdout.text, /✔ own-502 +GET +502 +complete/);
    assert.match(context.stdout.text, /100 of 100 /);
    assert.doesNotMatch(context.stdout.text + context.stderr.text, /\u001b/, 'no colour without a terminal');
    assertFits(context.stdout.text + context.stderr.text);
  });

  test('exits with 1 if a response misleads, and says why', async () => {
    const context = new FakeProcessContext(folder, { terminal: true });
    assert.equal(await context.candor(...tortured('--only', 'short-length-close,own-503,refused')), 1);
    const text = context.stdout.text.replaceAll(/\u001b\[[0-9;]*m/g, '');
    assert.match(text, /‼ short-length-close +GET,POST +200 +complete/);
    assert.match(text, /dangerous: A whole 200 came where the origin broke off/);
    assert.match(text, /misleading: The status is the origin's 503, and its page was replaced/);
    assert.match(text, /acceptable: A 503 can be defended/);
    assert.match(text, /\d+ right, \d+ acceptable, \d+ misleading, \d+ dangerous; 0 of them left clients waiting/);
    assert.match(context.stderr.text, /\r\u001b\[K *1 of \d+ {2}refused GET fresh/, 'progress on a terminal');
    assertFits(context.stdout.text);
  });

  test('prints nothing but JSON for programs, and writes the page', async () => {
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor(...tortured('--json', '--html', 'page.html', '--only', 'own-50,ssh')), 1);
    assert.equal(context.stderr.text, '');
    const report = JSON.parse(context.stdout.text) as TortureReport;
    assert.equal(report.schema, 2);
    assert.equal(report.runs.length, 16);
    assert.equal(report.runs.find((run) => run.case === 'ssh-banner')?.seen?.completeness, 'not_http');
    const page = readFileSync(join(folder, 'page.html'), 'utf8');
    assert.match(page, /<b>\d+<\/b> of 100/);
    assert.doesNotMatch(page, /(?:src|href)=/, 'the page needs no other file');
    assert.doesNotMatch(page.slice(page.indexOf('<tbody>')), /<title>|<html/, 'bytes of others are shown as text');
  });

  test('writes the certificate authority for the parts with TLS, and says so if the gateway does not serve them', async () => {
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor(...tortured('--ca-file', 'authority.pem', '--only', 'own-502,tls-alert-40')), 0);
    assert.match(readFileSync(join(folder, 'authority.pem'), 'utf8'), /^-----BEGIN CERTIFICATE-----/);
    assert.match(context.stderr.text, /\/tls-alert-40 +https:\/\/127\.0\.0\.1:29427 /);
    assert.match(context.stdout.text, /Not set up:\n +Not tried: \/tls-good does not get through/);
    assertFits(context.stdout.text + context.stderr.text);
  });

  test('prints what to configure without testing', async () => {
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('torture', '--setup', '--origin-listen', '10.0.0.1:7000'), 0);
    assert.match(context.stdout.text, /\/refused +http:\/\/10\.0\.0\.1:7001 +nobody listens/);
    assert.match(context.stdout.text, /\/tls-good +https:\/\/10\.0\.0\.1:7010 +TLS/);
    assertFits(context.stdout.text);
    const far = new FakeProcessContext(folder);
    const host = 'torture-origin.a-team-of-ours.internal';
    assert.equal(await far.candor('torture', '--setup', '--origin-listen', `${host}:7000`), 0);
    assert.match(far.stdout.text, /\/refused\n +http:\/\/torture-origin\.\S+:7001\n +nobody listens/);
    assertFits(far.stdout.text);
  });

  for (const args of [
    ['torture'],
    ['torture', 'http://'],
    ['torture', 'localhost:1', '--timeout', 'soon'],
    ['torture', 'localhost:1', '--origin-listen', '9400'],
    ['torture', 'localhost:1', '--only', 'no-such-case', '--origin-listen', listen],
  ]) {
    test(`refuses ${args.join(' ')} as a usage error`, async () => {
      const context = new FakeProcessContext(folder);
      assert.equal(await context.candor(...args), 2);
      assert.doesNotMatch(context.stderr.text, /Candor made a mistake/);
    });
  }

  test('refuses an unknown case, and names every case', async () => {
    const context = new FakeProcessContext(folder);
    await context.candor('torture', 'localhost:1', '--only', 'no-such-case', '--origin-listen', listen);
    const named = new Set(context.stderr.text.split(/,?\s+|\.\n/));
    for (const { id } of tortureCases) assert.ok(named.has(id), id);
  });

  test('exits with 8 if no gateway answers', async () => {
    const context = new FakeProcessContext(folder);
    const args = ['--origin-listen', listen, '--timeout', '0.2'];
    assert.equal(await context.candor('torture', 'http://127.0.0.1:1', ...args), 8);
    assert.match(context.stderr.text, /Nothing answers at http:\/\/127\.0\.0\.1:1/);
  });

  test('connects by TLS, and says what is wrong with a certificate', async (context) => {
    const { certificate, key } = certificateAuthority(systemClock.wallTime()).issue({ names: ['localhost'] });
    // A TLS terminator before the gateway.
    const door = createTlsServer({ cert: certificate, key }, (secure) => {
      const plain = connect(gateway.port, '127.0.0.1');
      secure.on('error', () => plain.destroy()).on('close', () => plain.destroy());
      plain.on('error', () => secure.destroy()).on('close', () => secure.destroySoon());
      secure.pipe(plain).pipe(secure);
    });
    door.on('tlsClientError', () => {});
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    context.after(() => door.close());
    const secureUrl = `https://localhost:${(door.address() as { port: number }).port}`;
    const args = ['torture', secureUrl, '--origin-listen', listen, '--only', 'own-502', '--timeout', '10'];
    const trusting = new FakeProcessContext(folder);
    assert.equal(await trusting.candor(...args, '--insecure'), 0, trusting.stderr.text);
    assert.match(trusting.stdout.text, /100 of 100 +https:/);
    const careful = new FakeProcessContext(folder);
    assert.equal(await careful.candor(...args), 8);
    assert.match(careful.stderr.text, /no TLS session with https:\S+:\s[A-Z_]+\.\s.*--insecure/s);
  });

  test('says so if its own address is in use', async () => {
    const holder = createServer();
    holder.listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('torture', url, '--origin-listen', `127.0.0.1:${port}`), 1);
    assert.match(context.stderr.text, /cannot listen on 127\.0\.0\.1:\d+: EADDRINUSE/);
    holder.close();
  });

  test('prints the results so far when it is interrupted', async () => {
    const context = new FakeProcessContext(folder, { terminal: true });
    const write = context.stderr.write.bind(context.stderr);
    context.stderr.write = (text) => {
      if (text.includes('3 of ')) context.signal('SIGINT');
      write(text);
    };
    assert.equal(await context.candor(...tortured('--only', 'own-50')), 130);
    assert.match(context.stdout.text, /Interrupted/);
    assert.match(context.stdout.text, /3 exchanges/);
  });

  test('prints the results so far when Ctrl-C reaches the whole process group', async (context) => {
    const door = createServer();
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    context.after(() => door.close());
    const doorUrl = `http://127.0.0.1:${(door.address() as { port: number }).port}`;
    const args = ['torture', doorUrl, '--origin-listen', listen, '--timeout', '1'];
    const child = spawn(process.execPath, asUnderNpm(args), { detached: true, cwd: folder });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
    let exchanges = 0;
    door.on('connection', (client) => {
      const beyond = connect(gateway.port, '127.0.0.1');
      client.on('error', () => beyond.destroy()).on('close', () => beyond.destroy());
      beyond.on('error', () => client.destroy()).on('close', () => client.destroySoon());
      beyond.pipe(client);
      exchanges += 1;
      if (exchanges !== 10) return client.pipe(beyond);
      // As the terminal does: to the started process, and to the one that this has started. Both get the signal before
      // the command ends.
      process.kill(-(child.pid as number), 'SIGINT');
      return setTimeout(() => client.pipe(beyond), 300);
    });
    assert.deepEqual(await once(child, 'close'), [130, null]);
    assert.match(said, /Interrupted/);
    assert.match(said, /\d+ exchanges/);
  });
});
