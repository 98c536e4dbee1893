// Only `npm run test:complete` runs this file: it starts two CAs and a gateway for each case. `npm test` has `automatic-
// certificates.test.ts`, and the choice of a CA in `src/certificates`.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { AuthorityFront, refusal } from '../certificates/authority-front.test-support.ts';
import { needsPebble, type Pebble, startPebble } from '../certificates/pebble-server.test-support.ts';
import { visitOnce } from '../tls-clients/tls-load.ts';
import { GatewayFolder, type RunningGateway } from './gateway-folder.ts';
import { until } from './start-from-yaml.ts';

// A second CA, where the first one cannot issue: two CAs and a gateway, in processes of their own.

const host = 'edge.test';
const issueMs = 30_000;
const dayMs = 86_400_000;

interface World {
  readonly first: AuthorityFront;
  readonly second: Pebble;
  start(): Promise<RunningGateway>;
}

async function world(context: TestContext): Promise<World> {
  const [pebble, second] = await Promise.all([startPebble(context), startPebble(context)]);
  const first = await AuthorityFront.start(context, pebble);
  const folder = new GatewayFolder(context, { 'first.pem': pebble.root, 'second.pem': second.root });
  const yaml = `
listeners:
  http: "127.0.0.1:${second.httpPort}"
  https:
    bind: "127.0.0.1:${second.tlsPort}"
    tls:
      auto:
        hosts: ${host}
        directory: "${first.directoryUrl}"
        fallback: "${second.directoryUrl}"
        ca_file: [first.pem, second.pem]
routes:
  - { respond: { status: 200, body: "served" } }
`;
  return { first, second, start: () => folder.start(yaml) };
}

/** Clients that trust the second CA alone are served. */
async function assertServed({ second }: World): Promise<void> {
  const client = { servername: host, ca: await second.issuingRoot() };
  assert.equal((await visitOnce({ host: '127.0.0.1', port: second.tlsPort }, client)).status, 200);
}

const failures: Readonly<
  Record<string, { readonly cause: string; readonly says: RegExp; readonly set: (front: AuthorityFront) => void }>
> = {
  'is down': {
    cause: 'unreachable',
    says: /refused the connection/,
    set: (front) => front.goDown(),
  },
  'refuses the name': {
    cause: 'name_rejected',
    says: /we do not issue for edge\.test/,
    set: (front) => answerOrders(front, refusal(400, 'rejectedIdentifier', 'we do not issue for edge.test')),
  },
  'limits the rate': {
    cause: 'rate_limited',
    says: /too many certificates.*; wait: the CA asks for 3 h/,
    set: (front) =>
      answerOrders(front, refusal(429, 'rateLimited', 'too many certificates', { 'retry-after': '10800' })),
  },
};

function answerOrders(front: AuthorityFront, answer: ReturnType<typeof refusal>): void {
  front.answer = async ({ step }) => (step === 'new_order' ? answer : null);
}

for (const [what, { cause, says, set }] of Object.entries(failures))
  test(`where the first CA ${what}, the certificate comes from the second one at once`, needsPebble, async (t) => {
    const all = await world(t);
    set(all.first);
    const gateway = await all.start();
    await until('it is issued', () => gateway.eventsOf('certificate_issued').length > 0, issueMs);
    const [failed, ...more] = gateway.eventsOf('certificate_renewal_failed');
    assert.deepEqual([failed?.evidence.cause, failed?.evidence.authority, more], [cause, all.first.directoryUrl, []]);
    assert.match(failed?.reason ?? '', says);
    assert.match(failed?.reason ?? '', /; the next CA is asked now$/);
    assert.equal(gateway.eventsOf('certificate_issued')[0]?.evidence.authority, all.second.directoryUrl);
    await assertServed(all);
    assert.ok(all.first.count('new_order') <= 1);
    assert.deepEqual(
      (await gateway.certificates()).map(({ state, failure }) => [state, failure]),
      [['valid', null]],
    );
  });

for (const [what, days] of [
  ['behind', 3],
  ['ahead of', -3],
] as const)
  test(
    `by a CA's time this machine's clock is three days ${what} it: nothing is ordered there, and it is said`,
    needsPebble,
    async (t) => {
      const all = await world(t);
      all.first.clockDifferenceMs = days * dayMs;
      const gateway = await all.start();
      await until('it has failed', () => gateway.eventsOf('certificate_renewal_failed').length > 0, issueMs);
      const [failed] = gateway.eventsOf('certificate_renewal_failed');
      assert.equal(failed?.evidence.cause, 'clock');
      assert.match(
        failed?.reason ?? '',
        new RegExp(`this machine's clock is 3 d ${what} the CA's; set the clock of this machine`),
      );
      assert.equal(all.first.count('new_order'), 0);
      const [state] = await gateway.certificates();
      assert.equal(state?.state, 'pending');
      assert.match(state?.failure?.reason ?? '', new RegExp(`clock is 3 d ${what}`));
    },
  );
