import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { RawResponse } from '../../src/testing/testing.ts';
import { refusingAddress } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

let origins: readonly [RawOrigin, RawOrigin];
let edge: YamlGateway;
before(async () => {
  origins = [await RawOrigin.start(), await RawOrigin.start()];
});
after(() => Promise.all(origins.map((origin) => origin.close())));
beforeEach(() => {
  for (const [index, origin] of origins.entries()) origin.answer = () => ok(`v${index + 1}`);
});
afterEach(() => edge.stop());

const start = async (route: string, more = ''): Promise<void> => {
  const [v1, v2] = origins.map(({ address }) => JSON.stringify(address));
  edge = await startFromYaml(`
workers: 2
upstreams:
  v1: { endpoints: ${v1}${more} }
  v2: { endpoints: ${v2}${more} }
routes: [{ ${route} }]
`);
};

const bodyOf = ({ body }: RawResponse): string => body.toString();

/** Of requests on several connections, which both workers get a share of: a connection for each request takes four times the processor time. */
async function bodies(count: number, headers: readonly string[] = []): Promise<readonly string[]> {
  const all: string[] = [];
  const clients = Array.from({ length: Math.min(count, 10) }, () => edge.connect());
  for (let sent = 0; sent < count; sent++) {
    const client = clients[sent % clients.length] ?? assert.fail();
    client.write(requestText('GET', '/', headers));
    all.push(bodyOf(await responseOn(client)));
  }
  for (const client of clients) client.close();
  return all;
}

describe('a route to two upstreams', () => {
  test('divides its requests by their weights, and the record names the upstream', async () => {
    await start('to: { v1: 80, v2: 20 }');
    const got = await bodies(300);
    const ofV2 = got.filter((body) => body === 'v2').length;
    assert.ok(ofV2 > 25 && ofV2 < 110, `${ofV2} of 300 requests went to v2`);
    const response = await edge.get('/');
    const record = await edge.record(response);
    assert.equal(record.upstream, bodyOf(response));
    assert.equal(record.drawn_upstream, undefined);
  });

  test('keeps a client in its group by a cookie', async () => {
    await start('to: { v1: 1, v2: 1 }, split_by: { cookie: session }');
    const groups = new Map<string, ReadonlySet<string>>();
    for (let user = 0; user < 20; user++)
      groups.set(`u${user}`, new Set(await bodies(4, [`Cookie: session=u${user}`])));
    assert.ok([...groups.values()].every(({ size }) => size === 1));
    assert.equal(new Set([...groups.values()].map((got) => [...got][0])).size, 2);
    assert.equal(new Set(await bodies(40)).size, 2);
  });

  test('sends nothing to one with the weight 0, also while the other one is not ready', async () => {
    await start('to: { v1: 0, v2: 1 }', ', check: none');
    assert.deepEqual(new Set(await bodies(30)), new Set(['v2']));
    origins[1].answer = () => (socket) => socket.destroy();
    const response = await edge.get('/');
    assert.equal(response.status, 502);
    assert.equal((await edge.record(response)).upstream, 'v2');
  });

  test('leaves the requests of an upstream without a ready endpoint to the other, and the record says so', async () => {
    const refused = await refusingAddress();
    edge = await startFromYaml(`
upstreams: { v1: ${JSON.stringify(origins[0].address)}, v2: "127.0.0.1:${refused.port}" }
routes: [{ to: { v1: 1, v2: 1 } }]
`);
    await until('v2 is known not to be ready', async () => {
      await edge.get('/');
      return edge.gateway.status().upstreams.find(({ id }) => id === 'v2')?.endpoints[0]?.state === 'unhealthy';
    });
    const records = await Promise.all(Array.from({ length: 20 }, async () => edge.record(await edge.get('/'))));
    assert.ok(
      records.every(({ status, upstream, attempts }) => status === 200 && upstream === 'v1' && attempts.length === 1),
    );
    assert.ok(records.some(({ drawn_upstream }) => drawn_upstream === 'v2'));
    await refused.close();
  });

  test('sends a request again to the same upstream, and to the other one where no endpoint of it is left', async () => {
    await start('to: { v1: 1, v2: 0.000001 }', ', check: none');
    origins[0].answer = () => (socket) => socket.destroy();
    const response = await edge.get('/');
    assert.equal(bodyOf(response), 'v2');
    const { upstream, drawn_upstream, attempts } = await edge.record(response);
    assert.equal(upstream, 'v2');
    assert.equal(drawn_upstream, 'v1');
    assert.deepEqual(
      attempts.map(({ endpoint }) => endpoint.split('/')[0]),
      ['v1', 'v2'],
    );
  });
});
