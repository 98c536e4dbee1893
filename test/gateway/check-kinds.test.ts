import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Server as TcpServer, type AddressInfo, createServer as createTcpServer } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { type handleUnaryCall, Server, ServerCredentials, type ServiceDefinition, status } from '@grpc/grpc-js';
import { ok, RawOrigin } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
});
after(() => origin.close());
afterEach(() => edge.stop());

function endpoint(): { state: string; reason: string } {
  const found = edge.gateway.status().upstreams[0]?.endpoints[0];
  assert.ok(found !== undefined);
  return found;
}

const start = (keys: string): Promise<YamlGateway> =>
  startFromYaml(`upstreams: { app: { endpoints: "${origin.address}", ${keys} } }`);

describe('a check of another port', () => {
  let admin: TcpServer;
  before(async () => {
    admin = createTcpServer((socket) => socket.destroy());
    admin.listen(0, '127.0.0.1');
    await once(admin, 'listening');
  });

  test('takes the endpoint out when nothing listens there, and requests go to the port of the endpoint', async () => {
    origin.answer = () => ok('served');
    const { port } = admin.address() as AddressInfo;
    edge = await start(`when_none_ready: { wait: none }, check: { port: ${port}, interval: 50ms, fails: 1 }`);
    await until('it is healthy', () => endpoint().state === 'healthy');
    assert.equal((await edge.get('/')).body.toString(), 'served');
    admin.close();
    await until('it is unhealthy', () => endpoint().state === 'unhealthy');
    // A connection that waited to be accepted at that moment was reset; those after it are refused.
    await until('its checks are refused', () => endpoint().reason.includes('refused'));
    assert.equal((await edge.get('/')).status, 503);
  });
});

describe('a check that expects a header', () => {
  for (const [which, header, state] of [
    ['passes where the response has it', 'X-Ready: yes\r\n', 'healthy'],
    ['fails where its value is another one', 'X-Ready: no\r\n', 'unhealthy'],
    ['fails where it is missing', '', 'unhealthy'],
  ] as const) {
    test(which, async () => {
      origin.answer = () => `HTTP/1.1 200 OK\r\n${header}Content-Length: 0\r\n\r\n`;
      edge = await start('check: { path: /up, interval: 50ms, expect: { headers: { X-Ready: "yes" } } }');
      await until('it was checked', () => endpoint().state === state);
      if (state === 'unhealthy') assert.match(endpoint().reason, /answered 200, and its header x-ready is not as/);
    });
  }
});

describe('a check whose response is application/health+json', () => {
  const health = JSON.stringify({
    status: 'fail',
    checks: { 'postgres:connections': [{ status: 'fail', output: 'timed out' }] },
  });
  const head = 'HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/health+json\r\n';
  for (const [which, answer, reason] of [
    [
      'names the dependency that fails in status and event',
      `${head}Content-Length: ${health.length}\r\n\r\n${health}`,
      'answered 503 (postgres:connections fails: timed out)',
    ],
    [
      'is judged by its status alone where the body does not come',
      `${head}Content-Length: 99\r\n\r\n{`,
      'answered 503',
    ],
  ] as const) {
    test(which, async () => {
      origin.answer = () => answer;
      edge = await start('check: { path: /up, interval: 50ms, timeout: 200ms }');
      await until('it is unhealthy', () => endpoint().state === 'unhealthy');
      assert.equal(endpoint().reason, reason);
      assert.equal(edge.eventsOf('endpoint_state').at(-1)?.reason, reason);
    });
  }
});

describe('a gRPC check', () => {
  let server: Server;
  let address: string;
  let serving: number | null = 1;
  const services: string[] = [];
  const bytes = (value: Buffer): Buffer => value;
  const definition: ServiceDefinition = {
    check: {
      path: '/grpc.health.v1.Health/Check',
      ...{ requestStream: false, responseStream: false },
      ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
    },
  };
  const check: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
    services.push(call.request.subarray(2).toString());
    if (serving === null) answer({ code: status.NOT_FOUND, details: 'no such service' });
    else answer(null, Buffer.from([8, serving]));
  };
  before(async () => {
    server = new Server();
    server.addService(definition, { check });
    const port = await new Promise<number>((done, failed) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? done(bound) : failed(error),
      );
    });
    address = `127.0.0.1:${port}`;
  });
  after(() => server.forceShutdown());

  test('passes while the server says SERVING, and its other answers are the reason', async () => {
    edge = await startFromYaml(`
upstreams: { app: { endpoints: "${address}", http2: true, check: { grpc: app.Greeter, interval: 50ms, fails: 1, passes: 1 } } }
`);
    await until('it is healthy', () => endpoint().state === 'healthy');
    assert.equal(services[0], 'app.Greeter');
    serving = 2;
    await until('it is unhealthy', () => endpoint().state === 'unhealthy');
    assert.equal(endpoint().reason, 'says NOT_SERVING to the gRPC health check');
    serving = null;
    const unknown = 'answered the gRPC health check with status 5: it does not know the service';
    await until('it does not know the service', () => endpoint().reason === unknown);
    serving = 1;
    await until('it is healthy again', () => endpoint().state === 'healthy');
  });

  test('says that a server has no health service', async () => {
    const other = new Server();
    const port = await new Promise<number>((done) => {
      other.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, bound) => done(bound));
    });
    edge = await startFromYaml(`
upstreams: { app: { endpoints: "127.0.0.1:${port}", http2: true, check: { grpc: "", interval: 50ms } } }
`);
    await until('it is unhealthy', () => endpoint().state === 'unhealthy');
    assert.match(endpoint().reason, /status 12: it has no health service/);
    other.forceShutdown();
  });

  test('fails at a server that does not speak HTTP/2', async () => {
    origin.answer = () => ok('HTTP/1.1 alone');
    edge = await start('http2: true, check: { grpc: "", interval: 50ms, timeout: 500ms }');
    await until('it is unhealthy', () => endpoint().state === 'unhealthy');
    assert.match(endpoint().reason, /HTTP\/2|HTTP\/1|did not answer/);
  });
});
