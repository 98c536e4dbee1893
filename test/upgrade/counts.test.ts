// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawOrigin } from '../gateway/raw-origin.ts';
import { GatewayProgram } from './gateway-program.ts';

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwks = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'one' }] });
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = part({ sub: 'ada', aud: 'shop', exp: Math.floor(Date.now() / 1000) + 600 });
const input = `${part({ alg: 'ES256', kid: 'one' })}.${claims}`;
const signature = sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
const token = `${input}.${signature.toString('base64url')}`;

const burst = 400;
const settings = (issuer: string): string => `workers: 2
upstreams: { issuer: { endpoints: "${issuer}", check: none } }
routes:
  - { path: /counted, respond: { body: counted }, rate_limits: { name: counted, rate: 60/h, burst: ${burst} } }
  - path: /member
    respond: { body: member }
    authentication: { jwt: { keys_from: { upstream: issuer, path: /keys }, audience: shop } }
  - { to: web }
`;

describe('an upgrade', { skip }, () => {
  const issuer = new RawOrigin();
  let gateway: GatewayProgram;
  before(async () => {
    issuer.answer = () =>
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${jwks.length}\r\n\r\n${jwks}`;
    await issuer.listen();
    gateway = new GatewayProgram(settings(issuer.address));
    await gateway.serves();
  });
  after(async () => {
    await gateway.end();
    await issuer.close();
  });

  const statusOf = (path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const asked = request({ host: '127.0.0.1', port: gateway.port, path, agent: false, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      asked.on('error', reject).end();
    });

  test('takes along what its limits have counted until the last moment, and the keys of an issuer that is out', async (context) => {
    assert.equal(await statusOf('/member'), 200);
    type Keys = { authentication: { keys: { count: number }[] }[] };
    await gateway.until(
      async () => ((await gateway.ask('GET', '/v1/status')) as Keys).authentication[0]?.keys[0]?.count === 1,
    );
    await issuer.close();
    const began = performance.now();
    let admitted = 0;
    let sent = 0;
    let isOver = false;
    const ask = async (): Promise<boolean> => {
      sent += 1;
      const isAdmitted = (await statusOf('/counted')) === 200;
      if (isAdmitted) admitted += 1;
      return isAdmitted;
    };
    // From the beginning of the upgrade until the new process serves alone, so that the last moments of the old one count.
    const load = (async () => {
      while (!isOver && sent < burst - 50) {
        await Promise.all([ask(), sleep(10)]);
      }
    })();
    const { lines } = await gateway.upgrade();
    assert.equal(lines.at(-1)?.outcome, 'done');
    isOver = true;
    await load;
    const during = admitted;
    assert.equal(await statusOf('/member'), 200, 'the keys have come along');
    while (await ask());
    const refilled = Math.ceil((performance.now() - began) / 60_000);
    context.diagnostic(`${during} admitted during the upgrade, ${admitted} in all, of ${burst} and ${refilled}`);
    assert.ok(admitted <= burst + refilled, `${admitted - burst - refilled} too many`);
  });
});
