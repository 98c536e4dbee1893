import { channel } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ListenOptions, logFields, serve } from '../../packages/kit/src/main.ts';
import type { NestApplication } from '../../packages/kit/src/nest.ts';
import type { NextApplication } from '../../packages/kit/src/next.ts';

/**
 * The sample application with the kit in each framework: `node test/kit/sample.ts express`. `plain` is the same program without the kit.
 * `KIT_PACKAGES` is the folder that has Nest and Next.
 */
const [framework = 'http'] = process.argv.slice(2);
const options: ListenOptions = JSON.parse(process.env['KIT_OPTIONS'] ?? '{}');

/** Whichever framework answers. The load sees by it that the gateway sends requests to this start. */
channel('http.server.request.start').subscribe((message) => {
  const { response } = message as { readonly response: ServerResponse };
  response.setHeader('X-Version', process.env['KIT_VERSION'] ?? '');
});

/** As long as an ordinary page takes, and a download that is under way at each restart. */
async function work(method: string, path: string): Promise<string> {
  if (path === '/log') console.log(JSON.stringify({ msg: 'a line', ...logFields() }));
  if (path.startsWith('/slow')) {
    console.log('slow');
    await sleep(Number.parseInt(path.slice(5), 10));
  } else await sleep(path === '/download' ? 400 : 5 + ((process.hrtime()[1] >> 8) % 30));
  return path === '/download' ? 'x'.repeat(50_000) : `${method} ${path}`;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  for await (const _ of request);
  response.end(await work(request.method ?? '', request.url ?? ''));
}

const listener = (request: IncomingMessage, response: ServerResponse): void => void answer(request, response);

/** Packages that are too large for the lock file, from a folder of their own. */
const load = (name: string): unknown => createRequire(join(process.env['KIT_PACKAGES'] ?? '', 'package.json'))(name);

const starts: Readonly<Record<string, () => Promise<unknown>>> = {
  plain: async () => createServer(listener).listen(Number(process.env['PORT']), '127.0.0.1'),
  http: () => serve(listener, options),
  express: async () => {
    const [{ default: express }, kit] = await Promise.all([
      import('express'),
      import('../../packages/kit/src/express.ts'),
    ]);
    const app = express();
    app.use(express.text({ type: '*/*' }));
    app.use(async ({ method, path }, response) => void response.send(await work(method, path)));
    return kit.serve(app, options);
  },
  fastify: async () => {
    const [{ default: fastify }, kit] = await Promise.all([
      import('fastify'),
      import('../../packages/kit/src/fastify.ts'),
    ]);
    const app = fastify();
    app.addContentTypeParser('*', { parseAs: 'string' }, (_, body, done) => done(null, body));
    app.all('/*', ({ method, url }) => work(method, url));
    return kit.serve(app, options);
  },
  hono: async () => {
    const [{ Hono }, kit] = await Promise.all([import('hono'), import('../../packages/kit/src/hono.ts')]);
    const app = new Hono();
    app.all('*', async ({ req, text }) => {
      await req.text();
      return text(await work(req.method, req.path));
    });
    return kit.serve(app, options);
  },
  koa: async () => {
    const [{ default: Koa }, kit] = await Promise.all([import('koa'), import('../../packages/kit/src/koa.ts')]);
    const app = new Koa();
    app.use(async (context) => {
      for await (const _ of context.req);
      context.body = await work(context.method, context.path);
    });
    return kit.serve(app, options);
  },
  nest: async () => {
    load('reflect-metadata');
    const { NestFactory } = load('@nestjs/core') as NestCore;
    const { Module } = load('@nestjs/common') as NestCommon;
    const SampleModule = function sample(): void {};
    Module({})(SampleModule);
    const app = await NestFactory.create(SampleModule, { logger: false, bodyParser: false });
    app.use(listener);
    const kit = await import('../../packages/kit/src/nest.ts');
    return kit.serve(app, options);
  },
  next: async () => {
    const next = load('next') as (options: object) => NextApplication;
    const kit = await import('../../packages/kit/src/next.ts');
    return kit.serve(next({ dev: false, dir: process.env['KIT_PACKAGES'], quiet: true }), options);
  },
};

interface NestCore {
  readonly NestFactory: { create(module: unknown, options: object): Promise<NestParts> };
}

interface NestCommon {
  readonly Module: (metadata: object) => (target: unknown) => void;
}

interface NestParts extends NestApplication {
  use(handle: typeof listener): void;
}

const start = starts[framework];
if (start === undefined) {
  console.error(`no framework ${framework}: ${Object.keys(starts).join(', ')}`);
  process.exit(2);
}
await start();
