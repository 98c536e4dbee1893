// Starts processes: nghttp and h2load are clients.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { preparePeer } from '../../scripts/peers.ts';
import { recordsIn } from '../records.ts';
import { Http2Load } from '../http2/http2-load.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Reload and drain while clients of HTTP/2 have requests in flight: each stream that the gateway has taken gets its whole response.
// `test/upgrade/http2.test.ts` has the upgrade.

const run = promisify(execFile);

/** Responses to /download wait here for `finish`, after their first half. */
let waiting: (() => void)[] = [];
/** Requests that get no response. */
let hanging = 0;
let origin: Server;
let edge: YamlGateway;
let load: Http2Load | null = null;

before(async () => {
  origin = createServer((request, response) => {
    if (request.url === '/hang') return void (hanging += 1);
    if (request.url !== '/download') return void response.end('x'.repeat(500));
    response.writeHead(200, { 'content-length': 40_000 });
    response.write('x'.repeat(20_000));
    waiting.push(() => response.end('x'.repeat(20_000)));
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
});
after(() => {
  origin.closeAllConnections();
  origin.close();
});
afterEach(async () => {
  await load?.stop();
  load = null;
  waiting = [];
  await edge.stop();
});

const finish = (): void => {
  for (const end of waiting.splice(0)) end();
};

const configured = (more: string): string => `${more}
upstreams: { app: { endpoints: "127.0.0.1:${(origin.address() as AddressInfo).port}", check: none } }
routes: [ { path: /-/ready, readiness: true }, { path: /, to: app } ]
log: { path: ./exchange.log }
`;

const urlOf = (): string => `http://127.0.0.1:${edge.address().port}`;
const phases = (): string[] => edge.eventsOf('drain_phase').map(({ to }) => to ?? '');

/** Each exchange ended as it should; none was cut or given up. */
async function endsOf(): Promise<string[]> {
  const records = recordsIn(await readFile(`${edge.folder}/exchange.log`, 'utf8'));
  return [...new Set(records.map(({ end, status }) => `${end} ${status}`))];
}

describe('streams of HTTP/2 under load', { timeout: 120_000 }, () => {
  test('are not lost by reloads, also of those that replace workers', async () => {
    edge = await startFromYaml(configured('workers: 2'));
    const small = new Http2Load(urlOf);
    load = small;
    const more = async (count: number): Promise<void> => {
      const wanted = small.answered + count;
      await until('the load goes on', () => small.answered >= wanted);
    };
    await more(100);
    for (const text of ['workers: 2\ncommit_delay: 10ms', 'workers: 1', 'workers: 3', 'workers: 2']) {
      assert.ok((await edge.reload(configured(text))).ok);
      await more(100);
    }
    const { failed, answered } = await small.stop();
    assert.deepEqual(failed, []);
    assert.ok(answered >= 500);
  });
});

describe('a drain', { timeout: 60_000 }, () => {
  test('tells a client by two GOAWAY which streams are served, and serves them', async () => {
    edge = await startFromYaml(configured('drain: { lame_duck: 60s }'));
    const session = http2.connect(urlOf());
    const goAways: [code: number, lastStream: number][] = [];
    session.on('goaway', (code, lastStream) => void goAways.push([code, lastStream]));
    const asked = Array.from({ length: 20 }, async () => {
      const stream = session.request({ ':path': '/download' });
      let bytes = 0;
      stream.on('data', (part: Buffer) => (bytes += part.length));
      await once(stream, 'close');
      return [bytes, stream.rstCode];
    });
    await until('all are in flight', () => waiting.length === 20);
    const stopping = edge.gateway.stop('the test says so');
    await until('the client has both', () => goAways.length === 2);
    assert.deepEqual(goAways, [
      [0, 2 ** 31 - 1],
      [0, 39],
    ]);
    finish();
    for (const answer of await Promise.all(asked)) assert.deepEqual(answer, [40_000, 0]);
    void edge.gateway.stop('at once');
    await stopping;
    assert.deepEqual(await endsOf(), ['forwarded 200']);
  });

  test('answers each stream with a whole 503 when its time is over, also where the client opens its window late', async () => {
    edge = await startFromYaml(configured('drain: { timeout: 1s }'));
    const session = http2.connect(urlOf());
    session.on('error', () => {}); // What is asked is how the streams end.
    const wanted = 80;
    const ask = (): Promise<string> => {
      const stream = session.request({ ':path': '/hang', accept: 'text/html' });
      let [status, length, bytes] = [0, 0, 0];
      stream.on('error', () => {});
      stream.on('response', (headers) => {
        [status, length] = [Number(headers[':status']), Number(headers['content-length'])];
        setTimeout(() => stream.on('data', (part: Buffer) => (bytes += part.length)), 50);
      });
      return new Promise((resolve) =>
        stream.on('close', () => resolve(`${status} ${bytes === length ? 'whole' : 'cut'} ${stream.rstCode}`)),
      );
    };
    const asked = Array.from({ length: wanted }, ask);
    await until('all are in flight', () => hanging === wanted);
    await edge.gateway.stop('the test says so');
    assert.deepEqual([...new Set(await Promise.all(asked))], ['503 whole 0']);
    assert.deepEqual(await endsOf(), ['generated 503']);
  });

  const nghttp = preparePeer('nghttp', console.error);
  const h2load = preparePeer('h2load', console.error);
  const skip = 'missing' in nghttp ? nghttp.missing : 'missing' in h2load ? h2load.missing : false;

  test('does so for nghttp', { skip }, async () => {
    edge = await startFromYaml(configured('drain: { lame_duck: 60s }'));
    const program = 'path' in nghttp ? nghttp : assert.fail();
    const asked = run(program.path, ['-nv', '-m', '10', `${urlOf()}/download`], {
      env: { ...process.env, ...program.env },
    });
    await until('all are in flight', () => waiting.length === 10);
    const stopping = edge.gateway.stop('the test says so');
    await until('the worker knows the phase', () => phases().includes('lame_duck'));
    finish();
    const { stdout } = await asked;
    assert.equal(stdout.match(/:status: 200/g)?.length, 10);
    assert.doesNotMatch(stdout, /recv RST_STREAM/);
    assert.match(stdout, /last_stream_id=2147483647, error_code=NO_ERROR/);
    void edge.gateway.stop('at once');
    await stopping;
    assert.deepEqual(await endsOf(), ['forwarded 200']);
  });

  test('cuts no request of h2load', { skip }, async () => {
    edge = await startFromYaml(configured(''));
    const program = 'path' in h2load ? h2load : assert.fail();
    const args = ['-n', '1000000', '-c', '4', '-m', '32', urlOf()];
    const loading = run(program.path, args, { env: { ...process.env, ...program.env } });
    await until('the load runs', () => edge.counts().ended > 1000);
    await edge.gateway.stop('the test says so');
    const { stdout } = await loading;
    const [, done, succeeded] = /(\d+) done, (\d+) succeeded/.exec(stdout) ?? [];
    const [, whole, others] = /status codes: (\d+) 2xx, (.*)/.exec(stdout) ?? [];
    assert.ok(Number(whole) > 1000 && Number(succeeded) === Number(whole), stdout);
    assert.equal(others, '0 3xx, 0 4xx, 0 5xx', `${done} done: ${stdout}`);
    assert.deepEqual(await endsOf(), ['forwarded 200']);
  });
});
