import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { serve as serveExpress } from './express.ts';
import { serve as serveFastify } from './fastify.ts';
import { serve as serveHono } from './hono.ts';
import type { Kit } from './kit.ts';
import type { ListenOptions } from './kit-options.ts';
import { serve as serveKoa } from './koa.ts';
import { serve as serveNest } from './nest.ts';
import { serve as serveNext } from './next.ts';
import { RawConnection } from './raw-connection.test-support.ts';
import { currentRequest } from './request-context.ts';
import { closingFirst, serve as serveNode } from './serve.ts';

/** What the handler of POST /echo answers after the framework has read the body, and of GET /slow when the test says so. */
interface Handlers {
  readonly echo: (body: unknown) => Promise<object>;
  readonly slow: () => Promise<object>;
}

const readBody = async (request: AsyncIterable<Buffer>): Promise<unknown> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
};

function nodeListener({ echo, slow }: Handlers): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const answer = request.url === '/slow' ? await slow() : await echo(await readBody(request));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  };
}

const frameworks: Readonly<Record<string, (handlers: Handlers, options: ListenOptions) => Promise<Kit>>> = {
  'node:http': ({ echo, slow }, options) =>
    serveNode((request, response) => {
      const answer = (work: Promise<object>): void => void work.then((value) => response.end(JSON.stringify(value)));
      if (request.url === '/slow') return answer(slow());
      let text = '';
      request.on('data', (bytes: Buffer) => (text += bytes.toString()));
      // Node calls it outside of the context in which the listener was added.
      request.on('end', () => answer(echo(JSON.parse(text))));
    }, options),
  express: ({ echo, slow }, options) => {
    const app = express();
    app.use(express.json());
    app.post('/echo', (request, response, next) => {
      echo(request.body).then((body) => response.json(body), next);
    });
    app.get('/slow', (_, response, next) => {
      slow().then((body) => response.json(body), next);
    });
    return serveExpress(app, options);
  },
  fastify: ({ echo, slow }, options) => {
    const app = fastify();
    app.post('/echo', (request) => echo(request.body));
    app.get('/slow', () => slow());
    return serveFastify(app, options);
  },
  hono: ({ echo, slow }, options) => {
    const app = new Hono();
    app.post('/echo', async (context) => context.json(await echo(await context.req.json())));
    app.get('/slow', async (context) => context.json(await slow()));
    return serveHono(app, options);
  },
  koa: ({ echo, slow }, options) => {
    const app = new Koa();
    app.use(async (context) => {
      context.body = context.path === '/slow' ? await slow() : await echo(await readBody(context.req));
    });
    return serveKoa(app, options);
  },
  // In the shapes of Nest and Next: `npm run try:kit` runs the frameworks themselves.
  nest: (handlers, options) => {
    const server = createServer((request, response) => void nodeListener(handlers)(request, response));
    const listen = async (port: number, host?: string): Promise<void> => {
      server.listen(port, host);
      await once(server, 'listening');
    };
    return serveNest({ getHttpServer: () => server, listen, close: async () => void server.close() }, options);
  },
  next: (handlers, options) => {
    let isPrepared = false;
    return serveNext(
      {
        prepare: async () => (isPrepared = true),
        getRequestHandler: () => {
          assert.ok(isPrepared, 'Next has no handler before it is prepared');
          return nodeListener(handlers);
        },
      },
      options,
    );
  },
};

for (const [name, start] of Object.entries(frameworks))
  describe(`serve of ${name}`, () => {
    test('gives handlers the request behind the parser of its body, answers health, and drains', async () => {
      const finish: (() => void)[] = [];
      const steps: string[] = [];
      const kit = await start(
        {
          echo: async (body) => ({ body, id: currentRequest()?.id, leftMs: currentRequest()?.remainingMs() }),
          slow: async () => {
            await new Promise<void>((resolve) => void finish.push(resolve));
            return { id: currentRequest()?.id };
          },
        },
        {
          ...{ port: 0, host: '127.0.0.1', exit: false, signals: [], log: () => {} },
          drain: { noticeMs: 0, idleMs: 0 },
          checks: { database: () => {} },
          onClose: () => void steps.push('onClose'),
        },
      );
      const { url } = kit;
      const posting = await RawConnection.to(url);
      const length = 'Content-Type: application/json\r\nContent-Length: 7\r\nConnection: close';
      posting.send(`POST /echo HTTP/1.1\r\nX-Request-Id: id-1\r\nX-Envoy-Expected-Rq-Timeout-Ms: 60000\r\n${length}`);
      await turn();
      posting.socket.write('{"a":1}');
      await posting.closed;
      const { body, id, leftMs } = JSON.parse(/\{.*\}/.exec(posting.received)?.[0] ?? '{}');
      assert.deepEqual([body, id], [{ a: 1 }, 'id-1'], posting.received);
      assert.ok(leftMs > 0 && leftMs <= 60_000);
      assert.equal(((await (await fetch(`${url}/healthz`)).json()) as any).status, 'pass');

      const client = await RawConnection.to(url);
      client.send('GET /slow HTTP/1.1\r\nX-Request-Id: id-2');
      while (finish.length === 0) await turn();
      const drained = kit.drain();
      await turn();
      assert.deepEqual(steps, []);
      finish[0]?.();
      await client.receives('{"id":"id-2"}');
      await client.closed;
      assert.equal(await drained, 0);
      assert.deepEqual(steps, ['onClose']);
      await assert.rejects(fetch(`${url}/`), 'nothing listens');
    });
  });

test('what the framework closes is closed before `onClose`', async () => {
  const steps: string[] = [];
  await closingFirst(() => steps.push('framework'), { onClose: () => steps.push('onClose') }).onClose?.();
  assert.deepEqual(steps, ['framework', 'onClose']);
});
