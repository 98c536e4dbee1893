import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { parse } from 'yaml';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { parseConfiguration } from '../../src/config/parse.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { systemClock } from '../../src/system/system.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { failedRecord } from '../fakes/samples.ts';
import { assertFits } from './golden.ts';

const token = 'candor_of-somebody';
const readToken = 'candor_of-a-screen';

/** With what the gateway knew when it failed. */
const knowing: ExchangeRecord = {
  ...failedRecord,
  gateway_state: { configuration: 'd41d8cd98f00b204', endpoints_ready: 1, endpoints_total: 3, endpoints: [] },
};

let folder: string;
let gateway: FakeGateway;
let admin: AdminServer;
let url: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-over-tcp-'));
  gateway = new FakeGateway();
  const tokens = [
    { name: 'deploy', hash: hashOfToken(token) },
    { name: 'watch', hash: hashOfToken(readToken), role: 'read' as const },
  ];
  const spec = { socket: null, listen: { host: '127.0.0.1', port: 0 }, tokens, hosts: [] };
  admin = await startAdminServer({ gateway, spec, clock: systemClock });
  url = `http://127.0.0.1:${admin.address?.port}`;
});

afterEach(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

function around(env: Record<string, string> = {}): FakeProcessContext {
  return new FakeProcessContext(folder, { env });
}

describe('a client command over TCP', () => {
  for (const [what, argv, says] of [
    ['status', ['status', '--json'], /"deployment"/],
    ['events', ['events', '--json'], /^$/],
    ['reload', ['reload'], /Revision 2 is active/],
    ['explain', ['explain', failedRecord.id, '--json'], /"verdict"/],
  ] as const) {
    test(`${what} uses the token of CANDOR_TOKEN at the address of CANDOR_ADMIN`, async () => {
      gateway.records.set(failedRecord.id, failedRecord);
      const person = around({ CANDOR_ADMIN: url, CANDOR_TOKEN: token });
      assert.equal(await person.candor(...argv), 0, person.stderr.text);
      assert.match(person.stdout.text, says);
    });
  }

  const garbage = Buffer.from(`HTTP/1.1 200 OK\r\n\x1b[31mX\r\n${'text '.repeat(90)}`, 'latin1').toString('hex');

  test('explain shows bytes that could not be parsed to who may operate, as a dump, and what the gateway knew', async () => {
    gateway.records.set(failedRecord.id, knowing);
    gateway.context = { ...gateway.context, unparsed: [{ attempt: 2, part: 'head', offset: 1024, bytes: garbage }] };
    const person = around({ CANDOR_ADMIN: url, CANDOR_TOKEN: token });
    assert.equal(await person.candor('explain', failedRecord.id), 0, person.stderr.text);
    const { text } = person.stdout;
    assertFits(text);
    assert.match(
      text,
      /NOT PARSED.*\n {2}attempt 2: 475 bytes of the head of its response, from byte 1024 on\n {4}0000 {2}48 54 54 50/,
    );
    assert.match(text, /\|\.\.\.\[31mX\.\.|\.\.\[31mX\.\./);
    assert.doesNotMatch(text, /\x1b/);
    assert.match(text, /AT THAT MOMENT.*\n {2}endpoints +1 of 3 ready\n/);
    assert.match(text.replace(/\s+/g, ' '), /what .* within 2 s\. 2 of 3 endpoints were out\./);
    const order = ['TIMELINE', 'NOT PARSED', 'AT THAT MOMENT', 'VERDICT'].map((title) => text.indexOf(`\n${title}`));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
    assert.equal(await person.candor('explain', failedRecord.id, '--json'), 0);
    assert.ok(person.stdout.text.includes(garbage));
  });

  test('explain tells who may only read that there are such bytes, and the admin API refuses to send them', async () => {
    gateway.records.set(failedRecord.id, knowing);
    gateway.context = { ...gateway.context, unparsed: [{ attempt: 1, part: 'body', offset: null, bytes: garbage }] };
    const person = around({ CANDOR_ADMIN: url, CANDOR_TOKEN: readToken });
    assert.equal(await person.candor('explain', failedRecord.id), 0, person.stderr.text);
    assert.match(person.stdout.text, /attempt 1: 475 bytes of the framing of its body\n {2}Only the role `operate`/);
    assert.doesNotMatch(person.stdout.text, /0000 {2}/);
    const asked = (path: string) => fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${readToken}` } });
    assert.equal((await asked(`/v1/unparsed/${failedRecord.id}`)).status, 403);
    const context = await asked(`/v1/context/${failedRecord.id}`);
    assert.deepEqual([context.status, (await context.text()).includes(garbage)], [200, false]);
  });

  test('names the token as the actor in events', async () => {
    const person = around({ CANDOR_TOKEN: token });
    assert.equal(await person.candor('reload', '--admin', url), 0);
    assert.deepEqual(gateway.calls, ['reload admin:token:deploy']);
  });

  test('takes the token from a file, and warns if other users may read it', async () => {
    writeFileSync(join(folder, 'token'), `${token}\n`, { mode: 0o600 });
    const person = around({ CANDOR_TOKEN: 'another' });
    assert.equal(await person.candor('reload', '--admin', url, '--token-file', 'token'), 0);
    assert.equal(person.stderr.text, '');
    chmodSync(join(folder, 'token'), 0o644);
    assert.equal(await person.candor('reload', '--admin', url, '--token-file', 'token'), 0);
    assert.match(person.stderr.text, /Other users may read the token/);
  });

  test('without a token, or with a wrong one, fails with a sentence', async () => {
    const without = around();
    assert.equal(await without.candor('status', '--admin', url), 2);
    assert.match(without.stderr.text, /CANDOR_TOKEN/);
    const wrong = around({ CANDOR_TOKEN: 'candor_guessed' });
    for (const command of ['status', 'reload', 'events']) {
      assert.equal(await wrong.candor(command, '--admin', url), 1);
      assert.match(wrong.stderr.text, /needs a token that the gateway knows/);
    }
    assert.deepEqual(gateway.calls, []);
  });

  test('finds the address in a configuration without a socket', async () => {
    writeFileSync(
      join(folder, 'candor.yaml'),
      `upstreams: { api: "127.0.0.1:3000" }\nadmin: { socket: none, listen: "${url.slice(7)}", tokens: { deploy: "${hashOfToken(token)}" } }\n`,
    );
    gateway.statusNow = { ...gateway.statusNow, source: join(folder, 'candor.yaml') };
    const person = around({ CANDOR_TOKEN: token });
    assert.equal(await person.candor('reload', '-c', 'candor.yaml'), 0, person.stderr.text);
  });

  for (const address of [
    '127.0.0.1:9901',
    'ftp://127.0.0.1',
    'http://me:secret@127.0.0.1:9901',
    'http://127.0.0.1/v1',
  ]) {
    test(`rejects the address ${address}`, async () => {
      assert.equal(await around({ CANDOR_TOKEN: token }).candor('status', '--admin', address), 2);
    });
  }

  test('ends with 8 if no gateway listens there', async () => {
    await admin.close();
    const person = around({ CANDOR_TOKEN: token });
    assert.equal(await person.candor('status', '--admin', url), 8);
    assert.match(person.stderr.text, /No gateway answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);
  });

  test('does not follow a redirect, so its target does not get the token', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await listen((fields) => seen.push(fields), 200);
    const redirecting = await listen(() => {}, 302, `http://127.0.0.1:${portOf(elsewhere)}/`);
    const person = around({ CANDOR_TOKEN: token });
    assert.notEqual(await person.candor('status', '--admin', `http://127.0.0.1:${portOf(redirecting)}`), 0);
    assert.deepEqual(seen, []);
    for (const server of [elsewhere, redirecting]) server.close();
  });
});

describe('candor token', () => {
  test('prints a token once, with its hash for the configuration', async () => {
    const person = around();
    assert.equal(await person.candor('token', 'deploy'), 0);
    const secret = /^ {2}(candor_[\w-]{43})$/m.exec(person.stdout.text)?.[1] ?? '';
    const kept = person.stdout.text.slice(person.stdout.text.indexOf('  admin:'));
    const configuration = parse(kept.slice(0, kept.indexOf('\n\n'))) as { admin: { tokens: Record<string, string> } };
    assert.equal(configuration.admin.tokens['deploy'], hashOfToken(secret));
    const parsing = parseConfiguration(JSON.stringify({ upstreams: { app: '127.0.0.1:3000' }, ...configuration }), {
      file: 'candor.yaml',
      directory: '/',
      environment: {},
      hostname: 'gateway',
    });
    assert.ok(parsing.ok);
  });

  test('never prints the same token twice', async () => {
    const secrets = new Set<string>();
    for (let time = 0; time < 10; time++) {
      const person = around();
      assert.equal(await person.candor('token', 'deploy', '--json'), 0);
      const made = JSON.parse(person.stdout.text) as { name: string; token: string; hash: string };
      assert.equal(made.hash, hashOfToken(made.token));
      secrets.add(made.token);
    }
    assert.equal(secrets.size, 10);
  });

  test('rejects an invalid name', async () => {
    const person = around();
    assert.equal(await person.candor('token', 'not a name'), 2);
    assert.match(person.stderr.text, /is not a name/);
    assert.equal(person.stdout.text, '');
  });
});

async function listen(
  onToken: (field: string | undefined) => void,
  status: number,
  location?: string,
): Promise<Server> {
  const server = createServer((request, response) => {
    onToken(request.headers.authorization);
    response.writeHead(status, location === undefined ? {} : { Location: location });
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
