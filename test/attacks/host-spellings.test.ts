import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ok, RawOrigin, valuesOf } from '../gateway/raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';

// A route for a host restricts access to it: no other spelling of the host reaches the application by another route.

let origin: RawOrigin;
let edge: YamlGateway;

before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
routes:
  - { host: "Secret.Test.", respond: { status: 403, body: guarded } }
  - { host: "[2001:DB8:0::0001]", respond: { status: 403, body: guarded } }
  - { host: "*.Below.Test.", respond: { status: 403, body: guarded } }
  - { to: app }
`);
});
after(() => edge.stop());
after(() => origin.close());
beforeEach(() => {
  origin.forget();
  origin.answer = () => ok('ok\n');
});

const hosts = [
  'secret.test',
  'secret.test.',
  'SECRET.test',
  'Secret.TEST.',
  'secret.test:80',
  'secret.test:',
  'secret.test:00080',
  'secret.test.:8080',
  'secret.test.:',
  '[2001:db8::1]',
  '[2001:DB8::1]:0443',
  '[2001:0db8:0000:0000:0000:0000:0000:0001]',
  'a.below.test.',
  'A.B.Below.Test.:1',
];
const noHosts = [
  '%73ecret.test',
  'secret%2etest',
  'secret.test%2e',
  'secret.test%00',
  'secret.test..',
  '.secret.test',
  'secret..test',
  '.',
  '..',
  '.:80',
  's\xe9cret.test',
  'secret.test\x80',
  'secret。test',
  'x@secret.test',
  'secret.test:80:80',
  '[2001:db8::1%25lo]',
  '[2001:db8::1].',
];

for (const form of ['Host', 'an absolute-form'] as const) {
  const sent = (host: string) =>
    form === 'Host'
      ? requestText('GET', '/', [`Host: ${host}`])
      : requestText('GET', `http://${host}/`, [`Host: ${host}`]);

  describe(`in ${form}`, () => {
    for (const host of hosts)
      test(`"${host}" is the host of the restricted route`, async () => {
        const response = await edge.send(Buffer.from(sent(host), 'latin1'));
        assert.deepEqual([response.status, response.body.toString()], [403, 'guarded']);
        assert.equal(origin.requests.length, 0);
      });

    for (const host of noHosts)
      test(`${JSON.stringify(host)} is refused as no host`, async () => {
        const response = await edge.send(Buffer.from(sent(host), 'utf8'));
        assert.equal(response.status, 400);
        assert.equal(origin.requests.length, 0);
      });
  });
}

test('the application sees one spelling of a host in every header', async () => {
  await edge.send(requestText('GET', '/', ['Host: Shop.Example.:08080']));
  assert.deepEqual(valuesOf(origin.last, 'host'), ['shop.example:8080']);
  assert.deepEqual(valuesOf(origin.last, 'x-forwarded-host'), ['shop.example:8080']);
});
