import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

/** The configurations of docs/rate-limits.md, in front of an application that answers everything. */

const examples = blocksOf(readDocument('docs/rate-limits.md'))
  .filter(({ language }) => language === 'yaml')
  .map(({ text }) => text);

describe('an example of docs/rate-limits.md', () => {
  const reloaded = new ReloadedGateway();
  let origin: RawOrigin;

  before(async () => {
    origin = await RawOrigin.start(() => ok('well'));
  });
  after(async () => {
    await reloaded.stop();
    await origin.close();
  });

  const running = (index: number): Promise<YamlGateway> =>
    reloaded.with((examples[index] ?? assert.fail('the example is missing')).replace('127.0.0.1:3000', origin.address));

  const statuses = async (
    edge: YamlGateway,
    method: string,
    path: string,
    count: number,
    headers: string[] = [],
  ): Promise<string> => {
    const all: number[] = [];
    for (let index = 0; index < count; index++) all.push((await edge.send(requestText(method, path, headers))).status);
    return all.join(' ');
  };

  it('there is one for each test', () => assert.equal(examples.length, 5));

  it('limits a route by itself, and says when to come back', async () => {
    const edge = await running(0);
    assert.equal(await statuses(edge, 'GET', '/login', 5), '200 200 200 200 200');
    const refused: RawResponse = await edge.send(requestText('GET', '/login'));
    const [after, fields] = [headerOf(refused, 'retry-after'), headerOf(refused, 'ratelimit')];
    assert.match(`${refused.status} ${after}`, /^429 1[0-3]$/);
    assert.equal(fields, `"login";r=0;t=${after}`);
    assert.equal(headerOf(refused, 'ratelimit-policy'), '"login";q=5;w=60');
    const body = JSON.parse(refused.body.toString()) as Record<string, unknown>;
    assert.deepEqual([body['cause'], body['whose'], body['retry_after']], ['rate_limited', 'client', Number(after)]);
    assert.equal(await statuses(edge, 'GET', '/status', 3), '200 200 200');
    assert.equal(await statuses(edge, 'GET', '/', 3), '200 200 200');
    const again = await running(0);
    assert.equal(await statuses(again, 'GET', '/login', 1), '429', 'a reload does not free it');
  });

  it('limits the login form alone', async () => {
    const edge = await running(1);
    assert.equal(await statuses(edge, 'POST', '/login', 6, ['Content-Length: 0']), '200 200 200 200 200 429');
    assert.equal(await statuses(edge, 'POST', '/LOGIN', 1, ['Content-Length: 0']), '429');
    assert.equal(await statuses(edge, 'GET', '/login', 3), '200 200 200');
  });

  it('has quotas of keys', async () => {
    const edge = await running(2);
    const first = await edge.send(requestText('GET', '/api/a', ['X-Api-Key: canary']));
    assert.equal(headerOf(first, 'ratelimit-policy'), '"second";q=10;w=1, "day";q=1000;w=86400, "address";q=50;w=1');
    assert.match(headerOf(first, 'ratelimit') ?? '', /^"second";r=9;t=1, "day";r=999;t=8[67]$/);
    // Many at once: how fast the machine is does not matter then.
    const many = await Promise.all(
      Array.from({ length: 40 }, () => edge.send(requestText('GET', '/api/a', ['X-Api-Key: canary']))),
    );
    assert.ok(many.some(({ status }) => status === 429));
    assert.equal(await statuses(edge, 'GET', '/api/a', 1, ['X-Api-Key: other']), '200');
    const shown = JSON.stringify(edge.gateway.status());
    assert.ok(!shown.includes('canary') && shown.includes('rateLimits'));
  });

  it('makes dear requests count for more', async () => {
    const edge = await running(3);
    assert.equal(await statuses(edge, 'GET', '/reports/a', 6), '200 200 200 200 200 429');
    assert.equal(await statuses(edge, 'GET', '/', 6), '200 200 200 200 200 200');
  });

  it('slows downloads, whose length stays', async () => {
    const edge = await running(4);
    const { status, body, headers } = await edge.send(requestText('GET', '/downloads/a'));
    assert.deepEqual([status, body.toString()], [200, 'well']);
    assert.ok(headers.some(([name, value]) => name.toLowerCase() === 'content-length' && value === '4'));
  });
});
