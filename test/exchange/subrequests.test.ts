import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UpstreamId } from '../../src/core/endpoint.ts';
import type { Subrequest, SubrequestAnswer } from '../../src/core/subrequest.ts';
import type { Result } from '#failures/result.ts';
import { StreamWorld } from './stream-world.ts';
import type { ArrivedRequest, WorldOptions } from './world.ts';

type Given = Partial<Omit<Subrequest, 'client'>>;

async function asked(
  world: StreamWorld,
  given: Given,
  { signal, passMs = 50 }: { readonly signal?: AbortSignal; readonly passMs?: number } = {},
): Promise<Result<SubrequestAnswer>> {
  const answer = world.ask(
    {
      ...{ upstream: 'app' as UpstreamId, route: 'authentication of /a', method: 'GET', target: '/verify' },
      ...{ authority: 'shop.example', headers: [], body: null, limitMs: 2000, bodyBytesMax: 1000 },
      client: world.clientFacts,
      ...given,
    },
    signal,
  );
  let done = false;
  void answer.then(() => (done = true));
  for (let passed = 0; !done && passed < passMs; passed += 5) {
    world.pass(5);
    await new Promise(setImmediate); // What the stream does between two steps of the exchange is a microtask.
  }
  return answer;
}

function worldWith(onRequest: (request: ArrivedRequest) => void, options?: WorldOptions): StreamWorld {
  const world = new StreamWorld(options);
  for (const name of options?.endpoints ?? ['a']) world.endpoint(name).onRequest = onRequest;
  return world;
}

describe("a request of the gateway's own", () => {
  it('is asked like that of a client, on whose behalf it comes, and leaves a record under its own name', async () => {
    const world = worldWith((request) => request.answer(200, 'ada', { 'X-User': 'ada' }));
    const result = await asked(world, { headers: [['Cookie', 'a=b']] });
    assert.ok(result.ok);
    const { status, body } = result.value;
    assert.deepEqual([status, String(body), result.value.get('x-user')], [200, 'ada', 'ada']);
    const [arrived] = world.endpoint('a').arrived;
    const seen = ['cookie', 'x-forwarded-for', 'x-forwarded-host'].map((name) => arrived?.header(name));
    assert.deepEqual([arrived?.target, ...seen], ['/verify', 'a=b', '192.0.2.7', 'shop.example']);
    const [record] = world.records;
    assert.deepEqual([record?.route, record?.upstream, record?.endKind], ['authentication of /a', 'app', 'forwarded']);
    assert.equal(world.records.length, 1);
  });

  it('sends its body, once', async () => {
    const world = worldWith((request) => void setImmediate(() => request.answer(201, request.body)));
    const result = await asked(world, { method: 'POST', body: Buffer.from('code=1') });
    const [arrived] = world.endpoint('a').arrived;
    // Of the length of the body the protocol of the endpoint makes Content-Length: a second one would end the connection.
    assert.deepEqual([String(arrived?.body), arrived?.header('content-length')], ['code=1', null]);
    assert.equal(result.ok && result.value.status, 201);
  });

  it('tells with which cause it failed, after the retries that a client would have had', async () => {
    const world = worldWith(() => {}, { endpoints: ['a', 'b'] });
    for (const name of ['a', 'b']) world.endpoint(name).accepts = 'refuses';
    const result = await asked(world, {});
    assert.equal(!result.ok && result.failure.cause, 'connect_refused');
    assert.equal(world.records[0]?.attempts.length, 2);
  });

  it('ends at its limit', async () => {
    const world = worldWith(() => {});
    const result = await asked(world, { limitMs: 300 }, { passMs: 400 });
    assert.ok(!result.ok && ['response_head_timeout', 'exchange_timeout'].includes(result.failure.cause));
  });

  it('keeps no more of a body than is wanted', async () => {
    const world = worldWith((request) => {
      request.head(200, null);
      request.write('x'.repeat(1001));
    });
    const result = await asked(world, {});
    assert.equal(!result.ok && result.failure.cause, 'response_body_too_large');
  });

  it('is given up when nobody wants it any more', async () => {
    const world = worldWith(() => {});
    const wanted = new AbortController();
    setImmediate(() => wanted.abort());
    const result = await asked(world, {}, { signal: wanted.signal });
    assert.equal(!result.ok && result.failure.cause, 'client_gone');
    assert.equal(world.endpoint('a').arrived[0]?.gone, true);
    assert.equal(world.records[0]?.endKind, 'abandoned');
  });

  it('to an upstream that does not exist is an error of the configuration', async () => {
    const result = await asked(
      worldWith(() => {}),
      { upstream: 'other' as UpstreamId },
    );
    assert.equal(!result.ok && result.failure.cause, 'configuration_fault');
  });
});

describe('what a filter finds out about the client', () => {
  it('is in the record, and reaches the endpoint in place of what the client says of itself', () => {
    const filter = {
      name: 'authenticating',
      onRequestHead: (
        context: Parameters<NonNullable<import('../../src/core/filter.ts').Filter['onRequestHead']>>[0],
      ) => {
        context.noteUser({ name: 'ada', by: 'basic', claims: {} });
        context.setRequestHeader('X-User', context.user?.name ?? '');
        return 'continue' as const;
      },
    };
    const world = new StreamWorld({ filters: [filter] });
    world.endpoint('a').onRequest = (request) => request.answer(200, 'x');
    world.request({ headers: { 'x-user': 'root' } });
    world.pass(20);
    assert.equal(world.endpoint('a').arrived[0]?.header('x-user'), 'ada');
    assert.equal(world.records[0]?.user?.name, 'ada');
    world.verifyAtRest();
  });
});
