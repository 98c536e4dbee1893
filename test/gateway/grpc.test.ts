import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { constants, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  type Client,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  makeGenericClientConstructor,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { metricsText } from '../../src/control/metrics/metrics.ts';
import { systemClock } from '../../src/system/system.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// gRPC of an independent make (@grpc/grpc-js) on both sides, with HTTP/2 through the gateway.

const same = (bytes: Buffer): Buffer => bytes;
const method = (path: string, requestStream: boolean, responseStream: boolean): ServiceDefinition[string] => ({
  path: `/test.Echo/${path}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const service = {
  one: method('one', false, false),
  collect: method('collect', true, false),
  spread: method('spread', false, true),
  talk: method('talk', true, true),
} satisfies ServiceDefinition;

const cancelled: string[] = [];
/** How many milliseconds calls had left when they came. */
const leftMs: number[] = [];

const one: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
  const text = call.request.toString();
  leftMs.push(Number(call.getDeadline()) - Date.now());
  if (text === 'slow') {
    call.on('cancelled', () => void cancelled.push(text));
    return;
  }
  const trailers = new Metadata();
  trailers.set('x-after', 'all');
  if (text === 'fail')
    return answer({ code: status.FAILED_PRECONDITION, details: 'not like this', metadata: trailers });
  const asked = call.metadata.get('x-asked').join();
  answer(null, Buffer.from(`${text} ${asked}`.trim()), trailers);
};
const collect: handleClientStreamingCall<Buffer, Buffer> = (call, answer) => {
  call.on('cancelled', () => void cancelled.push('collect'));
  const parts: Buffer[] = [];
  call.on('data', (part: Buffer) => parts.push(part));
  call.on('end', () => answer(null, Buffer.concat(parts)));
};
const spread: handleServerStreamingCall<Buffer, Buffer> = (call) => {
  if (call.request.toString() === 'slow') return void call.on('cancelled', () => void cancelled.push('spread'));
  for (let number = 1; number <= Number(call.request.toString()); number++) call.write(Buffer.from(`${number}`));
  call.end();
};
const talk: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('cancelled', () => void cancelled.push('talk'));
  call.on('data', (part: Buffer) => call.write(Buffer.from(part.toString().toUpperCase())));
  call.on('end', () => call.end());
};

let server: Server;
let edge: YamlGateway;
let client: Client;
let silentPort = 0;

/** Answers in HTTP/2, and forgets gRPC's trailers. */
const silent = createServer();
silent.on('stream', (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.end(Buffer.from([0, 0, 0, 0, 1, 65]));
});

/** Takes calls and never answers them. */
const silence = createServer();
silence.on('stream', (stream: ServerHttp2Stream) => {
  stream.on('error', () => {});
  stream.on('close', () => void cancelled.push(stream.rstCode === constants.NGHTTP2_CANCEL ? 'silence' : 'otherwise'));
});

/** A server of gRPC-Web, over HTTP/1.1: it sends the message back, and trailers within the body. */
const webTrailers = Buffer.from('\x80\0\0\0\x0fgrpc-status:0\r\n', 'latin1');
const web = createHttpServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => void parts.push(part));
  request.on('end', () => {
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' });
    response.end(Buffer.concat([...parts, webTrailers]));
  });
});

const Echo = makeGenericClientConstructor({}, 'Echo');

before(async () => {
  server = new Server();
  server.addService(service, { one, collect, spread, talk });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  silentPort = (silent.address() as AddressInfo).port;
  silence.listen(0, '127.0.0.1');
  await once(silence, 'listening');
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  edge = await startFromYaml(`
listeners: { http: { bind: "127.0.0.1:0", http2: true } }
upstreams:
  echo: { endpoints: "127.0.0.1:${port}", http2: true }
  silent: { endpoints: "127.0.0.1:${silentPort}", http2: true }
  silence: { endpoints: "127.0.0.1:${(silence.address() as AddressInfo).port}", http2: true }
  gone: { endpoints: "127.0.0.1:1", http2: true, check: none }
  web: { endpoints: "127.0.0.1:${(web.address() as AddressInfo).port}" }
routes:
  # Without a deadline of its own, this method cannot end before the gateway does.
  - { path: /test.Echo/talk, to: echo, request_headers: { remove: [grpc-timeout] } }
  - { path: /test.Echo, to: echo }
  - { path: /test.Silent, to: silent }
  - { path: /test.Silence, to: silence }
  - { path: /test.Gone, to: gone }
  - { path: /web, to: web }
`);
  client = new Echo(`127.0.0.1:${edge.address().port}`, credentials.createInsecure());
});
after(async () => {
  client.close();
  server.forceShutdown();
  silent.close();
  silence.close();
  web.close();
  web.closeAllConnections();
  await edge.stop();
});

interface Answer {
  readonly text: string;
  readonly error: ServiceError | null;
  readonly trailers: Metadata | null;
  readonly id: string;
}

function call(path: string, text: string, deadlineMs = 10_000): Promise<Answer> {
  const metadata = new Metadata();
  metadata.set('x-asked', 'by gRPC');
  return new Promise((resolve) => {
    let trailers: Metadata | null = null;
    let id = '';
    const options = { deadline: Date.now() + deadlineMs };
    const made = client.makeUnaryRequest(path, same, same, Buffer.from(text), metadata, options, (error, bytes) => {
      setImmediate(() => resolve({ text: bytes?.toString() ?? '', error, trailers, id }));
    });
    made.on('metadata', (head: Metadata) => (id = head.get('x-request-id').join()));
    made.on('status', ({ metadata: come }) => (trailers = come));
  });
}

describe('gRPC through the gateway', () => {
  test('a unary call, with metadata either way; its status is recorded', async () => {
    const { text, error, trailers, id } = await call('/test.Echo/one', 'hello');
    assert.deepEqual([text, error], ['hello by gRPC', null]);
    assert.deepEqual(trailers?.get('x-after'), ['all']);
    assert.equal((await edge.record(id)).grpc_status, 0);
  });

  test('many at a time', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, number) => call('/test.Echo/one', `${number}`)));
    answers.forEach(({ text }, number) => assert.equal(text, `${number} by gRPC`));
  });

  test('a status that is no success, with its details and trailers', async () => {
    const { error } = await call('/test.Echo/one', 'fail');
    assert.deepEqual([error?.code, error?.details], [status.FAILED_PRECONDITION, 'not like this']);
    assert.deepEqual(error?.metadata.get('x-after'), ['all']);
  });

  test('a method that is not there', async () => {
    assert.equal((await call('/test.Echo/other', '')).error?.code, status.UNIMPLEMENTED);
  });

  test('a stream of the client, of 2 MB', async () => {
    const part = Buffer.alloc(100_000, 'part ');
    const received = await new Promise<Buffer>((resolve, reject) => {
      const stream = client.makeClientStreamRequest<Buffer, Buffer>('/test.Echo/collect', same, same, (error, bytes) =>
        error === null && bytes !== undefined ? resolve(bytes) : reject(error),
      );
      for (let count = 0; count < 20; count++) stream.write(part);
      stream.end();
    });
    assert.ok(received.equals(Buffer.concat(Array.from({ length: 20 }, () => part))));
  });

  test('a stream of the server', async () => {
    const stream = client.makeServerStreamRequest<Buffer, Buffer>('/test.Echo/spread', same, same, Buffer.from('500'));
    const numbers: string[] = [];
    for await (const part of stream) numbers.push(String(part));
    assert.deepEqual([numbers.length, numbers.at(-1)], [500, '500']);
  });

  test('streams in both directions, word by word', async () => {
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>('/test.Echo/talk', same, same);
    for (const word of ['one', 'two', 'three']) {
      stream.write(Buffer.from(word));
      const [answer] = (await once(stream, 'data')) as [Buffer];
      assert.equal(answer.toString(), word.toUpperCase());
    }
    stream.end();
    stream.resume();
    const [{ code }] = (await once(stream, 'status')) as [{ code: number }];
    assert.equal(code, status.OK);
  });

  test('a deadline: the client has its DEADLINE_EXCEEDED, and the server hears that nobody waits', async () => {
    const { error } = await call('/test.Echo/one', 'slow', 300);
    assert.equal(error?.code, status.DEADLINE_EXCEEDED);
    await until('the server has heard', () => cancelled.includes('slow'));
  });

  test('a deadline reaches the server, less what has passed', async () => {
    leftMs.length = 0;
    await call('/test.Echo/one', 'hello', 20_000);
    const [left = Number.NaN] = leftMs;
    assert.ok(left > 1000 && left <= 20_000, `${left} ms`);
  });

  const options = { deadline: 0 };
  for (const [kind, begin] of [
    [
      'collect',
      () => client.makeClientStreamRequest<Buffer, Buffer>('/test.Echo/collect', same, same, options, () => {}),
    ],
    [
      'spread',
      () =>
        client.makeServerStreamRequest<Buffer, Buffer>('/test.Echo/spread', same, same, Buffer.from('slow'), options),
    ],
    ['talk', () => client.makeBidiStreamRequest<Buffer, Buffer>('/test.Echo/talk', same, same, options)],
  ] as const)
    test(`a deadline of a call of kind "${kind}": DEADLINE_EXCEEDED, and the server hears of it`, async () => {
      cancelled.length = 0;
      options.deadline = Date.now() + 300;
      const stream = begin();
      stream.on('error', () => {});
      const code = await new Promise((resolve) => {
        stream.on('status', (ended: { code: number }) => resolve(ended.code));
        if ('read' in stream) stream.resume();
      });
      assert.equal(code, status.DEADLINE_EXCEEDED);
      await until('the server has heard', () => cancelled.includes(kind));
    });

  /** The gateway has the deadline, and this client has none of its own. */
  const gatewaysDeadline = (): Metadata => {
    const metadata = new Metadata();
    metadata.set('grpc-timeout', '300m');
    return metadata;
  };
  const deadlineRecord = async (metadata: Metadata | undefined): Promise<readonly unknown[]> => {
    const { end, cause, shape, whose } = await edge.record(metadata?.get('x-request-id').join() ?? '');
    return [end, cause, shape, whose];
  };

  test('grpc-timeout is a limit of the gateway too: a unary call gets DEADLINE_EXCEEDED and a record', async () => {
    cancelled.length = 0;
    const error = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest('/test.Silence/one', same, same, Buffer.from('slow'), gatewaysDeadline(), (failed) =>
        resolve(failed),
      );
    });
    assert.equal(error?.code, status.DEADLINE_EXCEEDED);
    assert.match(error.details, /took longer/);
    assert.deepEqual(await deadlineRecord(error.metadata), [
      'generated',
      'exchange_timeout',
      'too_slow',
      'application',
    ]);
    await until('the endpoint has heard', () => cancelled.includes('silence'));
  });

  test('grpc-timeout is a limit of the gateway too: a stream gets DEADLINE_EXCEEDED and a record', async () => {
    cancelled.length = 0;
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>('/test.Silence/talk', same, same, gatewaysDeadline());
    stream.on('error', () => {});
    stream.write(Buffer.from('word'));
    stream.resume();
    const ended = await new Promise<{ code: number; metadata: Metadata }>((resolve) => {
      stream.on('status', resolve);
    });
    assert.equal(ended.code, status.DEADLINE_EXCEEDED);
    assert.deepEqual(await deadlineRecord(ended.metadata), [
      'generated',
      'exchange_timeout',
      'too_slow',
      'application',
    ]);
    await until('the endpoint has heard', () => cancelled.includes('silence'));
  });

  test('grpc-timeout ends a response that has begun, by DEADLINE_EXCEEDED in its trailers', async () => {
    cancelled.length = 0;
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>('/test.Echo/talk', same, same, gatewaysDeadline());
    stream.on('error', () => {});
    let id = '';
    stream.on('metadata', (head: Metadata) => (id = head.get('x-request-id').join()));
    const ended = new Promise<{ code: number; details: string }>((resolve) => stream.on('status', resolve));
    stream.write(Buffer.from('word'));
    const [answer] = (await once(stream, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'WORD');
    const { code, details } = await ended;
    assert.equal(code, status.DEADLINE_EXCEEDED);
    assert.match(details, /took longer/);
    const { end, cause, grpc_status } = await edge.record(id);
    assert.deepEqual([end, cause, grpc_status], ['truncated', 'exchange_timeout', status.DEADLINE_EXCEEDED]);
    await until('the endpoint has heard', () => cancelled.includes('talk'));
  });

  test('a failure in trailers alone is recorded with its status', async () => {
    const { error } = await call('/test.Echo/other', '');
    const id = error?.metadata.get('x-request-id').join() ?? '';
    const record = await edge.record(id);
    assert.deepEqual([record.grpc_status, record.status, record.end], [status.UNIMPLEMENTED, 200, 'forwarded']);
  });

  test('gRPC-Web of an HTTP/1.1 client passes through as it is', async () => {
    const message = Buffer.from([0, 0, 0, 0, 2, 104, 105]);
    const headers = ['Content-Type: application/grpc-web+proto', `Content-Length: ${message.length}`, 'X-Grpc-Web: 1'];
    const response = await edge.send(Buffer.concat([Buffer.from(requestText('POST', '/web', headers)), message]));
    const head = `${response.status} ${headerOf(response, 'content-type')}`;
    assert.equal(head, '200 application/grpc-web+proto');
    // What came, and behind it the trailers as a part of the body.
    assert.deepEqual(response.body, Buffer.concat([message, webTrailers]));
  });

  test('an application that is not there: UNAVAILABLE, with the reason', async () => {
    const { error } = await call('/test.Gone/one', '');
    assert.equal(error?.code, status.UNAVAILABLE);
    assert.match(error.details, /not running|refused|connection|application/i);
    const record = await edge.record(error.metadata.get('x-request-id').join());
    assert.deepEqual([record.grpc_status, record.status, record.end], [status.UNAVAILABLE, 200, 'generated']);
  });

  test('responses are counted by their status, those of the gateway too', async () => {
    await Promise.all([call('/test.Echo/one', 'hello'), call('/test.Echo/one', 'fail'), call('/test.Silent/one', '')]);
    await call('/test.Gone/one', '');
    const line = /^candor_grpc_responses_total\{.*grpc_status="(\w+)"\} [1-9]/gm;
    await until('the counts have come', async () => {
      const { parts } = await metricsText(edge.gateway, systemClock);
      const counted = Array.from(Buffer.concat(parts).toString().matchAll(line), ([, code = '']) => code);
      return ['0', '9', '14', 'missing'].every((code) => counted.includes(code));
    });
  });

  test('a response without grpc-status: UNKNOWN to its client, -1 in the record', async () => {
    const { error, id } = await call('/test.Silent/one', '');
    assert.notEqual(error, null);
    const record = await edge.record(id);
    assert.deepEqual([record.grpc_status, record.status, record.received_status], [-1, 200, 200]);
  });
});
