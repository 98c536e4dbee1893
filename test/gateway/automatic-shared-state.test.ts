// Only `npm run test:complete` runs this file: it starts a CA and two gateways. `npm test` has `automatic-certificates.test.ts`.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RawClient } from '../../src/testing/testing.ts';
import type { HttpChallenge } from '../../src/core/managed-tls.ts';
import { AuthorityFront } from '../certificates/authority-front.test-support.ts';
import { needsPebble, startPebble } from '../certificates/pebble-server.test-support.ts';
import { freePort } from '../free-port.ts';
import { visitOnce } from '../tls-clients/tls-load.ts';
import { GatewayFolder } from './gateway-folder.ts';
import { requestText, responseOn, until } from './start-from-yaml.ts';

// Two gateways with one state folder, and a CA, in processes of their own.

const issueMs = 30_000;

test(
  'of two gateways with one state folder one orders, the other answers the challenge, shows the certificate, and goes on when the first ends',
  needsPebble,
  async (t) => {
    const pebble = await startPebble(t);
    const front = await AuthorityFront.start(t, pebble);
    const folder = new GatewayFolder(t, { 'ca.pem': pebble.root });
    const yaml = (http: number, https: number, hosts: string): string => `
listeners:
  http: "127.0.0.1:${http}"
  https:
    bind: "127.0.0.1:${https}"
    tls: { auto: { hosts: [${hosts}], directory: "${front.directoryUrl}", ca_file: ca.pem } }
routes:
  - { respond: { status: 200, body: "served" } }
`;
    const [otherHttp, otherHttps] = [await freePort(), await freePort()];
    // The CA is told to look only when the gateway that it will ask answers.
    const answers = Promise.withResolvers<null>();
    front.answer = ({ step }) => (step === 'challenge' ? answers.promise : Promise.resolve(null));
    const first = await folder.start(yaml(otherHttp, otherHttps, 'edge.test'));
    const second = await folder.start(yaml(pebble.httpPort, pebble.tlsPort, 'edge.test'));
    await until('a challenge is shown', () => front.count('challenge') === 1, issueMs);
    const { token, keyAuthorization } = challengeIn(join(folder.path, 'state', 'certificates'));
    const challengeRequest = requestText('GET', `/.well-known/acme-challenge/${token}`, ['Host: edge.test']);
    const answered = async (): Promise<string> => {
      const asked = new RawClient({ host: '127.0.0.1', port: pebble.httpPort });
      asked.write(challengeRequest);
      const { body } = await responseOn(asked);
      asked.close();
      return body.toString();
    };
    await until('the second gateway answers', async () => (await answered()) === keyAuthorization);
    answers.resolve(null);
    const client = { servername: 'edge.test', ca: await pebble.issuingRoot() };
    const serials = async (): Promise<readonly string[]> => {
      const visits = [otherHttps, pebble.tlsPort].map((port) => visitOnce({ host: '127.0.0.1', port }, client));
      return (await Promise.all(visits)).map(({ serial, status }) => (status === 200 ? serial : ''));
    };
    await until('both show it', async () => (await serials()).every((serial) => serial !== ''), issueMs);
    const [one, other] = await serials();
    assert.equal(one, other);
    assert.deepEqual(
      [first, second].map((gateway) => gateway.eventsOf('certificate_issued').length),
      [1, 0],
    );
    assert.deepEqual(challengesIn(join(folder.path, 'state', 'certificates')), []);

    await second.reload(yaml(pebble.httpPort, pebble.tlsPort, 'edge.test, more.test'));
    assert.equal(front.count('new_order'), 1, 'the second gateway does not order');
    await first.stop();
    await until('the second gateway orders', () => second.eventsOf('certificate_issued').length > 0, issueMs);
    assert.deepEqual(second.eventsOf('certificate_issued')[0]?.evidence.names, ['more.test']);
    assert.deepEqual([front.count('new_order'), front.count('account')], [2, 1]);
    assert.deepEqual(
      [first, second].flatMap((gateway) => gateway.eventsOf('certificate_renewal_failed')),
      [],
    );
  },
);

function challengesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => /^challenge-.*\.json$/.test(name));
}

function challengeIn(folder: string): HttpChallenge {
  return JSON.parse(readFileSync(join(folder, challengesIn(folder)[0] ?? ''), 'utf8')) as HttpChallenge;
}
