import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { NotingOrigin } from './noting-origin.ts';

// What is said of TLS holds from the next request on: no connection outlives the settings it was made under.

const authority = certificateAuthority(Date.now());
const stranger = certificateAuthority(Date.now(), 'An Authority Nobody Knows');
const clients = certificateAuthority(Date.now(), 'Clients');
const [first, second] = ['first', 'second'].map((name) => clients.issue({ names: [name], client: true }));
assert.ok(first !== undefined && second !== undefined);

let origin: NotingOrigin;
let gateway: YamlGateway;

/** One worker, since each has connections of its own. */
function yaml(tls: string, more = ''): string {
  return `workers: 1\nupstreams: { app: { endpoints: "https://127.0.0.1:${origin.port}", check: none, tls: ${tls} } }\n${more}`;
}

const plainly = '{ server_name: app.test, ca_file: ca.pem }';
const identified = '{ server_name: app.test, ca_file: ca.pem, certificate_file: own.pem, key_file: own.key }';

async function start(tls: string): Promise<void> {
  gateway = await startFromYaml(yaml(tls), {
    files: { 'ca.pem': authority.certificate, 'own.pem': first!.certificate, 'own.key': first!.key },
  });
}

/** Which connection the answer came by, or the status of a failure. */
async function ask(path = '/'): Promise<string | number> {
  const response = await gateway.get(path);
  return response.status === 200 ? response.body.toString() : response.status;
}

async function reload(tls: string, more?: string): Promise<void> {
  const outcome = await gateway.reload(yaml(tls, more));
  assert.ok(outcome.ok, JSON.stringify(outcome));
}

beforeEach(async () => {
  origin = await new NotingOrigin(authority.issue({ names: ['app.test', 'www.test'] }), clients.certificate).listen();
});
afterEach(async () => {
  await gateway.stop();
  await origin.close();
});

describe('a reload', () => {
  test('that says the same of TLS leaves connections as they are', async () => {
    await start(plainly);
    assert.deepEqual([await ask(), await ask()], ['1', '1']);
    await reload(plainly, 'timeouts: { idle: 30s }');
    assert.equal(await ask(), '1');
  });

  test('that asks for another name makes a new connection for it', async () => {
    await start(plainly);
    assert.deepEqual([await ask(), await ask()], ['1', '1']);
    await reload('{ server_name: www.test, ca_file: ca.pem }');
    assert.deepEqual([await ask(), await ask()], ['2', '2']);
    assert.deepEqual(origin.serverNames, ['app.test', 'www.test']);
  });

  test('that begins to verify does not trust the connections that nobody verified', async () => {
    origin.show(stranger.issue({ names: ['app.test'] }));
    await start('{ server_name: app.test, verify: false }');
    assert.deepEqual([await ask(), await ask()], ['1', '1']);
    await reload(plainly);
    assert.equal(await ask(), 502);
  });

  test('that finds other authorities in the same file believes only them', async () => {
    await start(plainly);
    assert.equal(await ask(), '1');
    await writeFile(join(gateway.folder, 'ca.pem'), stranger.certificate);
    await reload(plainly);
    assert.equal(await ask(), 502);
    origin.show(stranger.issue({ names: ['app.test'] }));
    assert.notEqual(await ask(), 502);
  });

  test('that finds a renewed certificate of ours shows that one', async () => {
    await start(identified);
    assert.equal(await ask(), '1');
    await writeFile(join(gateway.folder, 'own.pem'), second!.certificate);
    await writeFile(join(gateway.folder, 'own.key'), second!.key);
    await reload(identified);
    assert.equal(await ask(), '2');
    await reload(plainly);
    assert.equal(await ask(), '3');
    assert.deepEqual(
      origin.handshakes.map(({ client }) => client),
      ['first', 'second', null],
    );
  });

  test('lets what is under way end on its connection, and keeps that one no longer', async () => {
    await start(plainly);
    assert.equal(await ask(), '1');
    const client = gateway.connect();
    client.write(requestText('GET', '/slow', [], ''));
    await until('it is under way', () => gateway.counts().active === 1);
    await reload('{ server_name: www.test, ca_file: ca.pem }');
    assert.equal(await ask(), '2');
    origin.release();
    assert.equal((await responseOn(client)).body.toString(), '1');
    client.close();
    assert.deepEqual([await ask(), await ask()], ['2', '2']);
    await until('one connection is left', () => gateway.counts().upstream === 1);
  });

  test('that leaves out TLS sends nothing on the connections that had it', async () => {
    await start(plainly);
    assert.equal(await ask(), '1');
    await gateway.reload(`upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", check: none } }\n`);
    assert.equal(await ask(), 502);
    assert.equal(origin.handshakes.length, 1);
  });
});
