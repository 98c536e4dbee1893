import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, interceptors, request } from 'undici';
import { describeAdapter } from './adapter-contract.test-support.ts';
import { callFailureOf, resilientDispatch } from './undici.ts';

describeAdapter({
  name: 'undici',
  callFailureOf,
  cancelled: /^AbortError$/,
  open: (options) => {
    const agent = new Agent();
    const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 3 }), resilientDispatch(options));
    return {
      send: async ({ method, url, body, signal }) => {
        const response = await request(url, {
          dispatcher,
          method,
          ...(signal === undefined ? {} : { signal }),
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : Readable.from(body) }),
        });
        const text = await response.body.text();
        // undici gives a failed response like any other one.
        if (response.statusCode >= 400) throw Object.assign(new Error(text), response);
        return { status: response.statusCode, text };
      },
      close: () => agent.destroy(),
    };
  },
});

describe('the bodies of responses of undici', async () => {
  let answers: ((response: ServerResponse) => void)[] = [];
  let received = 0;
  const server = createServer((request, response) => {
    received++;
    request.resume();
    (answers.shift() ?? ((last) => last.end('ok')))(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const agent = new Agent();
  const dispatcher = agent.compose(resilientDispatch());
  after(async () => {
    await agent.destroy();
    server.close();
    server.closeAllConnections();
  });

  const play = (...next: typeof answers): void => {
    answers = next;
    received = 0;
  };

  it('are not waited for where a failed response stalls', async () => {
    play((response) => response.writeHead(503, { 'content-length': '100' }).write('busy'));
    const { statusCode, body } = await request(url, { dispatcher });
    assert.deepEqual([statusCode, await body.text(), received], [200, 'ok', 2]);
  });

  it('are given whole to the caller, also of a failed response that is not sent again', async () => {
    const whole = 'a'.repeat(300_000);
    play((response) => response.writeHead(502).end(whole));
    const { statusCode, body } = await request(url, { dispatcher, method: 'POST', body: 'a' });
    assert.deepEqual([statusCode, await body.text(), received], [502, whole, 1]);
  });

  it('are dropped where the request is sent again, however long they are', async () => {
    play((response) => response.writeHead(503).end('a'.repeat(3_000_000)));
    const { statusCode, body } = await request(url, { dispatcher });
    assert.deepEqual([statusCode, await body.text()], [200, 'ok']);
  });

  it('wait for a caller that reads slowly', async () => {
    const whole = Buffer.alloc(2_000_000, 'b');
    play((response) => response.writeHead(200).end(whole));
    const { body } = await request(url, { dispatcher });
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes < 300_000) await wait(5);
    }
    assert.equal(bytes, whole.length);
  });

  it('that break after their head are an error of the caller, and nothing is sent again', async () => {
    play((response) => {
      response.writeHead(200, { 'content-length': '100' }).write('abc');
      setImmediate(() => response.destroy());
    });
    const { body } = await request(url, { dispatcher });
    await assert.rejects(body.text());
    assert.equal(received, 1);
  });
});
