import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../system/system.ts';
import { OwnChallengeCheck } from './challenge-check.ts';
import { prepareChallenge } from './challenges.ts';
import { HttpsTransport } from './https-transport.ts';
import type { AddressAnswer } from './name-queries.ts';

const challenge = prepareChallenge('http-01', 's13.test', 'token', 'token.thumbprint', Date.now());

/** What is seen if the gateway answers at 127.0.0.1 alone, and the name has these addresses. */
async function seenAt(context: TestContext, addresses: AddressAnswer, body = 'token.thumbprint', type = 'connection') {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    response.end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ports = { asked: port, own: port };
  const check = new OwnChallengeCheck(new HttpsTransport(), systemClock, { http: ports, tls: ports }, () =>
    Promise.resolve(addresses),
  );
  const finding = await check.explain(challenge, type);
  assert.ok(finding !== null);
  assert.ok(hosts.every((host) => host === `s13.test:${port}`));
  return { seen: finding.seen.replaceAll(String(port), 'PORT'), fix: finding.fix };
}

test('an address that refuses is named, although another one answers', async (t) => {
  const { seen, fix } = await seenAt(t, ['::1', '127.0.0.1']);
  assert.match(seen, /port PORT of s13\.test at ::1 [^,]*, at 127\.0\.0\.1 answers as it should$/);
  assert.equal(fix, 'let the AAAA record ::1 of s13.test lead to this gateway, or remove it');
});

test('addresses that are all ours answer as they should', async (t) => {
  const { seen } = await seenAt(t, ['127.0.0.1']);
  assert.match(seen, /port PORT of s13\.test \(127\.0\.0\.1\) answers as it should$/);
});

test('another server at one address and nothing at another are both said', async (t) => {
  const { seen } = await seenAt(t, ['127.0.0.1', '127.0.0.2'], 'hello');
  assert.match(seen, /at 127\.0\.0\.1 is answered by .*, at 127\.0\.0\.2 refuses connections$/);
});

test('an address that refuses may be the wrong one', async (t) => {
  const { seen, fix } = await seenAt(t, ['127.0.0.2']);
  assert.match(seen, /\(127\.0\.0\.2\) refuses connections$/);
  assert.match(fix, /if the address is not that of this gateway, correct the A or AAAA record of s13\.test$/);
});

test('a name that does not exist lacks its record, and name servers that do not answer are no closed port', async (t) => {
  const unknown = await seenAt(t, 'ENOTFOUND');
  assert.equal(unknown.seen, 'seen from this machine, the name s13.test does not resolve');
  assert.match(unknown.fix, /^add an A or AAAA record for s13\.test/);
  const silent = await seenAt(t, 'EAI_AGAIN');
  assert.match(silent.seen, /the name s13\.test cannot be resolved, as name servers do not answer \(EAI_AGAIN\)$/);
  assert.match(silent.fix, /^let the name servers of s13\.test answer/);
});
