import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestText, startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { type ResponsePayload, responsePayloads } from './smuggling/responses.ts';

/** Bytes that come late have come by then. */
const lateMs = 80;

describe('answers with extra bytes after them', () => {
  let origin: Server;
  let gateway: YamlGateway;
  let playing: ResponsePayload | null = null;

  before(async () => {
    origin = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        const [method = '', path = ''] = bytes.toString('latin1').split(' ');
        if (path.startsWith('/attacked') && playing !== null) void play(socket, playing);
        // The body of a POST, which is not the beginning of a request.
        else if (path.startsWith('/')) socket.write(answerTo(method, path));
      });
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as AddressInfo;
    // Few connections with many requests each: another client would soon get any leftover bytes.
    gateway = await startFromYaml(`upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none, attempts: 1 } }`);
  });

  after(async () => {
    await gateway.stop();
    origin.close();
  });

  for (const payload of responsePayloads) {
    it(`${payload.name}: only the requesting client gets its bytes`, async () => {
      playing = payload;
      const victims = payload.isLate ? [] : [0, 1, 2].map((n) => victim(`/victim/${n}`));
      const attacked = gateway.connect();
      const body = payload.method === 'POST' ? ['Content-Length: 0'] : [];
      attacked.write(requestText(payload.method, '/attacked', [...body, ...payload.asks]));
      const outcome = await attacked.response(payload.method, 5_000);
      const text = outcome.bytes.toString('latin1');
      const isCut = outcome.response?.complete === false;
      if (payload.status === null) assert.ok(outcome.response?.status === 502 || isCut, text);
      else {
        assert.equal(outcome.response?.status, payload.status, text);
        assert.equal(isCut, payload.isCut, text);
      }
      assert.ok(!text.includes('STRAY'), text);
      if (isCut) assert.notEqual(outcome.state, 'open');
      await Promise.all(victims);
      if (payload.isLate) await sleep(lateMs);
      for (const n of [3, 4, 5]) await victim(`/victim/${n}`);
      attacked.forget();
      if (attacked.state === 'open') {
        attacked.write(requestText('GET', '/again'));
        const again = await attacked.response('GET', 5_000);
        assert.equal(again.response?.body.toString(), 'you asked /again');
      }
      attacked.close();
      assert.equal(gateway.counts().unclassified, 0);
    });
  }

  async function victim(path: string): Promise<void> {
    const response = await gateway.get(path);
    assert.equal(response.body.toString(), `you asked ${path}`);
  }
});

async function play(socket: Socket, payload: ResponsePayload): Promise<void> {
  for (const step of payload.steps) {
    if (typeof step === 'number') await sleep(step);
    else if (!socket.destroyed) socket.write(Buffer.from(step, 'latin1'));
  }
}

function answerTo(method: string, path: string): string {
  const body = `you asked ${path}`;
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`;
}
