import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { request as undiciRequest } from 'undici';
import { FakeKitClock } from './fake-clock.test-support.ts';
import { passOn } from './outgoing-headers.ts';
import { ServedRequest } from './request-context.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const headers = { 'x-request-id': 'id-1', traceparent, tracestate: 'a=b' };
const served = new ServedRequest({ headers }, new FakeKitClock());

const backend = createServer((request, response) => response.end(JSON.stringify(request.headers)));
let url = '';
before(async () => {
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/`;
});
after(() => backend.close());

type Own = Readonly<Record<string, string>>;
const clients: Readonly<Record<string, (own: Own) => Promise<IncomingHttpHeaders>>> = {
  fetch: async (own) => (await (await fetch(url, { headers: own })).json()) as IncomingHttpHeaders,
  undici: async (own) => (await (await undiciRequest(url, { headers: own })).body.json()) as IncomingHttpHeaders,
  'node:http': async (own) => {
    const options: RequestOptions = { headers: own, agent: false };
    const [response] = await once(get(url, options), 'response');
    return JSON.parse((await response.toArray()).join('')) as IncomingHttpHeaders;
  },
};

const sent = (received: IncomingHttpHeaders): unknown[] =>
  ['x-request-id', 'traceparent', 'tracestate'].map((name) => received[name]);

for (const [name, ask] of Object.entries(clients))
  describe(`a call by ${name}`, () => {
    test('for a request has its id and trace', async (context) => {
      context.after(passOn(() => true));
      assert.deepEqual(sent(await served.run(() => ask({}))), ['id-1', traceparent, 'a=b']);
    });

    test('keeps what the caller has set', async (context) => {
      context.after(passOn(() => true));
      const own = { 'X-Request-Id': 'own', Traceparent: '00-own' };
      assert.deepEqual(sent(await served.run(() => ask(own))), ['own', '00-own', undefined]);
    });

    test('to a host that the rule does not name has none', async (context) => {
      const asked: string[] = [];
      context.after(
        passOn((host) => {
          asked.push(host);
          return false;
        }),
      );
      assert.deepEqual(sent(await served.run(() => ask({}))), [undefined, undefined, undefined]);
      assert.deepEqual(asked, ['127.0.0.1']);
    });

    test('outside of a request, or after the kit has ended, has none', async () => {
      const stop = passOn(() => true);
      assert.deepEqual(sent(await ask({})), [undefined, undefined, undefined]);
      stop();
      assert.deepEqual(sent(await served.run(() => ask({}))), [undefined, undefined, undefined]);
    });
  });
