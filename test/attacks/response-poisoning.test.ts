import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect } from 'node:http2';
import { after, describe, it } from 'node:test';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import type { RawClient } from '../../src/testing/testing.ts';
import {
  ReloadedGateway,
  timeoutMs,
  requestText,
  startFromYaml,
  until,
  type YamlGateway,
} from '../gateway/start-from-yaml.ts';
import { evil, PoisoningOrigin, type Steps } from './poisoning-origin.ts';

interface Poison {
  readonly name: string;
  readonly steps: Steps;
  readonly method?: 'HEAD';
  /** The statuses that the requesting client may get. */
  readonly status: readonly number[];
}

/** Concurrent clients, and requests of each: enough that an idle connection is reused within 3 ms. */
const clientsCount = 20;
const requestsEach = isWholeSweep ? 20 : 4;
/** The origin answers every nth request wrongly. */
const attackedEach = 4;
/** By then the origin has answered, and the gateway may have given the connection to another request. */
const laterMs = 3;

const chunked = 'Transfer-Encoding: chunked';
const length = `Content-Length: ${evil.length}`;
const own = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine';

function head(status: string, ...lines: readonly string[]): string {
  return [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
}

/** Responses whose head alone shows that bytes may follow which belong to no response. */
const poisons: readonly Poison[] = [
  {
    name: '204 with a length, and the content later',
    steps: [head('204 No Content', length), laterMs, evil],
    status: [204],
  },
  {
    name: '204 with chunks, and another response later',
    steps: [head('204 No Content', chunked), laterMs, evil],
    status: [204],
  },
  {
    name: '304 with a length, and the content later',
    steps: [head('304 Not Modified', length), laterMs, evil],
    status: [304],
  },
  {
    name: '304 with chunks, and another response later',
    steps: [head('304 Not Modified', chunked), laterMs, evil],
    status: [304],
  },
  {
    name: '205 with chunks that end at once, and another response later',
    steps: [`${head('205 Reset Content', chunked)}0\r\n\r\n`, laterMs, evil],
    status: [205],
  },
  {
    name: '205 with a length and content, and another response later',
    steps: [`${head('205 Reset Content', 'Content-Length: 4')}mine`, laterMs, evil],
    status: [205],
  },
  {
    name: 'HEAD with a length, and the content later',
    method: 'HEAD',
    steps: [head('200 OK', length), laterMs, evil],
    status: [200],
  },
  {
    name: 'HEAD with chunks, and the content later',
    method: 'HEAD',
    steps: [head('200 OK', chunked), laterMs, evil],
    status: [200],
  },
  {
    name: '103 with a length, a response, and another one later',
    steps: [head('103 Early Hints', length) + own, laterMs, evil],
    status: [200],
  },
  {
    name: '103 with chunks, a response, and another one later',
    steps: [head('103 Early Hints', chunked) + own, laterMs, evil],
    status: [200],
  },
  {
    name: '100 with a length, a response, and another one later',
    steps: [head('100 Continue', length) + own, laterMs, evil],
    status: [200],
  },
  {
    name: '103 with a length, and its content is a response',
    steps: [`${head('103 Early Hints', `Content-Length: ${own.length}`)}${own}`, laterMs, evil],
    status: [200],
  },
  { name: '103 and garbage behind it', steps: [`${head('103 Early Hints')}\r\n?`, laterMs, evil], status: [502] },
  { name: '200 with a length, and another response in the same write', steps: [own + evil], status: [200] },
  {
    name: '200 with chunks, and another response in the same write',
    steps: [`${head('200 OK', chunked)}4\r\nmine\r\n0\r\n\r\n${evil}`],
    status: [200],
  },
  {
    name: '204 with a length and its content in the same write',
    steps: [head('204 No Content', length) + evil],
    status: [204],
  },
];

describe('a response that announces a body which its status forbids', () => {
  for (const poison of poisons) {
    it(`${poison.name}: of many clients each gets its own answers`, () => playPoison(poison));
  }
});

const gateways = new ReloadedGateway();
after(() => gateways.stop());

/** One attempt for each request, so that no retry hides a wrong answer. */
async function playPoison(poison: Poison, settings = ''): Promise<void> {
  const origin = await PoisoningOrigin.start();
  const keys = ['check: none', 'attempts: 1', ...(settings === '' ? [] : [settings])].join(', ');
  const gateway = await gateways.with(`upstreams: { app: { endpoints: "${origin.endpoint}", ${keys} } }`);
  try {
    origin.steps = poison.steps;
    await Promise.all(Array.from({ length: clientsCount }, (_, n) => playClient(gateway, poison, n)));
  } finally {
    origin.close();
  }
}

/** One client's requests, one after another. Each answer must have the id of its request. */
async function playClient(gateway: YamlGateway, poison: Poison, number: number): Promise<void> {
  let client = gateway.connect();
  for (let n = 0; n < requestsEach; n++) {
    const id = `client-${number}-request-${n}`;
    const isAttacked = (n + number) % attackedEach === 0;
    const method = isAttacked ? (poison.method ?? 'GET') : 'GET';
    client.forget();
    client.write(requestText(method, `/${isAttacked ? 'attacked' : 'mine'}/${id}`));
    const { response, bytes } = await client.response(method, timeoutMs);
    const text = bytes.toString('latin1');
    assert.ok(response?.complete, text);
    assert.ok(!text.includes('EVIL'), `${id} got ${text}`);
    assert.equal(response.rest.length, 0, `${id} got more than an answer: ${text}`);
    if (isAttacked) assert.ok(poison.status.includes(response.status), text);
    else assert.equal(response.body.toString(), `you are ${id}`);
    if (client.state !== 'open') client = renewed(gateway, client);
  }
  client.close();
}

function renewed(gateway: YamlGateway, client: RawClient): RawClient {
  client.close();
  return gateway.connect();
}

/** Nothing in these responses shows that another one follows, while the next request may be in flight. */
const unseen: readonly Poison[] = [
  { name: '200 with a length, and another response later', steps: [own, laterMs, evil], status: [200] },
  {
    name: '204 without framing, and another response later',
    steps: [head('204 No Content'), laterMs, evil],
    status: [204],
  },
  {
    name: '304 without framing, and another response later',
    steps: [head('304 Not Modified'), laterMs, evil],
    status: [304],
  },
];

describe('with reuse: never, a response that its head does not announce', () => {
  for (const poison of unseen) {
    it(`${poison.name}: of many clients each gets its own answers`, () =>
      playPoison(poison, 'connections: { reuse: never }'));
  }
});

describe('bytes on an idle connection to an endpoint', () => {
  it('close the connection, and the next request gets its own answer on another one', async () => {
    const origin = await PoisoningOrigin.start();
    const gateway = await startFromYaml(`upstreams: { app: { endpoints: "${origin.endpoint}", check: none } }`);
    try {
      assert.equal((await gateway.get('/mine/first')).body.toString(), 'you are first');
      origin.send(evil);
      await until('the gateway closes the connection', () => origin.open === 0);
      assert.equal((await gateway.get('/mine/second')).body.toString(), 'you are second');
      assert.equal(origin.accepted, 2);
    } finally {
      await gateway.stop();
      origin.close();
    }
  });
});

/** Clients with HTTP/2, each with many streams at a time: their requests share the few connections to the endpoints. */
const sessionsCount = 3;
const streamsEach = 12;

describe('of clients with HTTP/2, whose streams share connections to the endpoints, each stream gets its own answer', () => {
  const cases = [
    ...poisons.map((poison) => ({ poison, reuse: '' })),
    ...unseen.map((poison) => ({ poison, reuse: 'never' })),
  ];

  it(`while the application answers in each of ${cases.length} wrong ways`, async () => {
    const origins = await Promise.all(cases.map(() => PoisoningOrigin.start()));
    const upstreams = origins.map(({ endpoint }, n) => {
      const reuse = cases[n]?.reuse === '' ? '' : ', reuse: never';
      return `  app${n}: { endpoints: "${endpoint}", check: none, attempts: 1, connections: { max: 4${reuse} } }`;
    });
    const routes = cases.map((_, n) => `  - { host: app${n}.test, to: app${n} }`);
    const gateway = await startFromYaml(['upstreams:', ...upstreams, 'routes:', ...routes].join('\n'));
    try {
      for (const [n, { poison }] of cases.entries()) {
        (origins[n] as PoisoningOrigin).steps = poison.steps;
        const sessions = Array.from({ length: sessionsCount }, () =>
          connect(`http://127.0.0.1:${gateway.address().port}`),
        );
        try {
          const asked = sessions.flatMap((session, client) =>
            Array.from({ length: streamsEach }, (_, each) =>
              askStream(session, poison, n, `client-${client}-stream-${each}`, (client + each) % attackedEach === 0),
            ),
          );
          await Promise.all(asked);
        } finally {
          for (const session of sessions) session.destroy();
        }
      }
    } finally {
      await gateway.stop();
      for (const origin of origins) origin.close();
    }
  });
});

async function askStream(
  session: ClientHttp2Session,
  poison: Poison,
  n: number,
  id: string,
  isAttacked: boolean,
): Promise<void> {
  const stream = session.request({
    ':method': isAttacked ? (poison.method ?? 'GET') : 'GET',
    ':path': `/${isAttacked ? 'attacked' : 'mine'}/${id}`,
    ':authority': `app${n}.test`,
  });
  let status = 0;
  stream.on('response', (headers) => (status = Number(headers[':status'])));
  let text = '';
  for await (const part of stream as AsyncIterable<Buffer>) text += part.toString('latin1');
  assert.ok(!text.includes('EVIL'), `${poison.name}: ${id} got ${text}`);
  if (isAttacked) assert.ok(poison.status.includes(status), `${poison.name}: ${id} got ${status} ${text}`);
  else assert.deepEqual([status, text], [200, `you are ${id}`], poison.name);
}
