import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { recordsIn } from '../records.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// What a pattern in the path of a route has found, in each text of the route that takes variables.

let origin: RawOrigin;
let edge: YamlGateway;
let sent: ReadonlyMap<string, string> = new Map();

before(async () => {
  origin = await RawOrigin.start(({ headers }) => {
    sent = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
    return ok('app');
  });
  edge = await startFromYaml(`
upstreams: { app: ["127.0.0.1:${origin.port}"] }
log: { path: candor.log }
routes:
  - path: '~ ^/users/(?P<id>[^/]*)(/.*)?$'
    to: app
    request_headers: { set: { X-User: "{capture.id}", X-Rest: "[{capture.2}]" } }
    response_headers: { set: { X-User: "u-{capture.1}" }, add: { X-More: "{capture.id}" } }
    log: { fields: { user: "{capture.id}", rest: "{capture.2}" } }
  - path: ['~ ^/a/(.*)$', '~ ^/b/(.*)$']
    respond: { body: ok, headers: { X-Own: "{capture.1}" } }
    response_headers: { set: { X-Both: "{capture.1}" } }
    log: { fields: { found: "{capture.1}" } }
  - path: '~ ^/moved/(.*)$'
    redirect: /new/{capture.1}
    response_headers: { set: { X-Own: "{capture.1}" } }
  - path: '~ ^/gone/(.*)$'
    maintenance: true
    response_headers: { set: { X-Own: "{capture.1}" } }
`);
});
after(() => origin.close());
after(() => edge.stop());

const ask = (path: string) => edge.send(requestText('GET', path, ['Host: x']));

describe('captures of a path', () => {
  for (const [path, id, rest] of [
    ['/users/42', '42', ''],
    ['/users/42/edit?x=1', '42', '/edit'],
    ['/users/a%20b%0D%0AX:1/', 'a%20b%0D%0AX:1', '/'],
    ['/users/', '', ''],
  ] as const)
    test(`are in headers of requests and responses: ${path}`, async () => {
      const response = await ask(path);
      assert.deepEqual(
        [
          sent.get('x-user') ?? '',
          sent.get('x-rest'),
          headerOf(response, 'x-user'),
          headerOf(response, 'x-more') ?? '',
        ],
        [id, `[${rest}]`, `u-${id}`, id],
      );
    });

  for (const [path, name, expected] of [
    ['/a/1/2', 'x-own', '1/2'],
    ['/a/1/2', 'x-both', '1/2'],
    ['/b/3', 'x-own', '3'],
    ['/b/3', 'x-both', '3'],
    ['/moved/4', 'location', '/new/4'],
    ['/moved/4', 'x-own', '4'],
    ['/gone/5', 'x-own', '5'],
  ] as const)
    test(`are in ${name} of what the gateway answers by itself: ${path}`, async () =>
      assert.equal(headerOf(await ask(path), name), expected));

  test('are in values of the log', async () => {
    await ask('/users/77/x');
    await ask('/b/88');
    const log = async () => recordsIn(await readFile(join(edge.folder, 'candor.log'), 'utf8'));
    const fieldsOf = async (path: string) => (await log()).find((record) => record.path === path)?.fields;
    await until('both are written', async () => (await fieldsOf('/b/88')) !== undefined);
    assert.deepEqual(
      [await fieldsOf('/users/77/x'), await fieldsOf('/b/88')],
      [{ user: '77', rest: '/x' }, { found: '88' }],
    );
  });
});
