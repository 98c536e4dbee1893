import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin, type RawRequest } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

const header = 'X-Envoy-Immediate-Health-Check-Fail';

let one: RawOrigin;
let other: RawOrigin;
let edge: YamlGateway;
before(async () => {
  one = await RawOrigin.start();
  other = await RawOrigin.start();
});
after(() => Promise.all([one.close(), other.close()]));
beforeEach(() => {
  one.answer = () => ok('one');
  other.answer = () => ok('other');
});
afterEach(() => edge.stop());

const stateOf = (origin: RawOrigin): string | undefined =>
  edge.gateway.status().upstreams[0]?.endpoints.find(({ address }) => address === origin.address)?.state;

const isCheck = ({ line }: RawRequest): boolean => line.includes('/health');

function response(body: string, ...headers: string[]): string {
  return ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...headers, '', body].join('\r\n');
}

const health = (status: string): string => response(`{"status":"${status}"}`, 'Content-Type: application/health+json');

const yamlOf = (signal = 'true', check = '{ path: /health, interval: 50ms }'): string => `
upstreams:
  app: { endpoints: ["${one.address}", "${other.address}"], check: ${check}, drain_signal: ${signal} }
`;

/** Which origins answer ten requests. */
async function answering(): Promise<readonly string[]> {
  const answers = new Set<string>();
  for (let count = 0; count < 10; count++) answers.add((await edge.get('/')).body.toString());
  return [...answers].toSorted();
}

describe('an endpoint that wants no new requests', () => {
  const ways: readonly (readonly [way: string, says: string, reason: RegExp])[] = [
    ['by its health document', health('drain'), /^it wants no new requests: its health document says drain$/],
    ['by a header of its response to a check', response('', `${header}: true`), /its response to the check says so$/],
  ];
  for (const [way, says, reason] of ways) {
    test(`says so ${way}, gets none, and gets some again when it says so no longer`, async () => {
      one.answer = (request) => (isCheck(request) ? says : ok('one'));
      edge = await startFromYaml(yamlOf());
      await until('it drains', () => stateOf(one) === 'draining');
      await until('workers know', async () => (await answering()).join() === 'other');
      const [event] = edge.eventsOf('endpoint_state').filter(({ to }) => to === 'draining');
      assert.match(event?.reason ?? '', reason);
      one.answer = (request) => (isCheck(request) ? health('pass') : ok('one'));
      await until('it is healthy', () => stateOf(one) === 'healthy');
      await until('it gets requests', async () => (await answering()).join() === 'one,other');
    });
  }

  test('says so by a header of its response to a request, which the client does not get', async () => {
    one.answer = () => response('one', `${header}: true`);
    edge = await startFromYaml(yamlOf('true', 'tcp'));
    await until('it drains', async () => {
      assert.equal(headerOf(await edge.get('/'), header.toLowerCase()), null);
      return stateOf(one) === 'draining';
    });
    await until('workers know', async () => (await answering()).join() === 'other');
  });

  test('finishes the requests that it has', async () => {
    const sockets: Socket[] = [];
    one.answer = (request) => (isCheck(request) ? health('pass') : (socket) => void sockets.push(socket));
    edge = await startFromYaml(yamlOf());
    const answers: ReturnType<YamlGateway['get']>[] = [];
    await until('it has a request', () => {
      answers.push(edge.get('/'));
      return sockets.length > 0;
    });
    one.answer = (request) => (isCheck(request) ? health('drain') : ok('one'));
    await until('it drains', () => stateOf(one) === 'draining');
    for (const socket of sockets) socket.write(ok('one'));
    for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  });

  const ignored: readonly (readonly [what: string, signal: string, says: string])[] = [
    ['the header without the value that the configuration asks for', '{ value: s3cret-of-ours }', `${header}: true`],
    ['the header with the value false', 'true', `${header}: false`],
    ['the header where nobody listens to it', 'false', `${header}: true`],
    ['another header', '{ header: X-Drain }', `${header}: true`],
  ];
  for (const [what, signal, says] of ignored) {
    test(`is not one that sends ${what}`, async () => {
      one.answer = () => response('one', says);
      edge = await startFromYaml(yamlOf(signal));
      await until('both are healthy', () => [one, other].every((origin) => stateOf(origin) === 'healthy'));
      let sent = 0;
      await until('it has sent it many times', async () => {
        if ((await edge.get('/')).body.toString() === 'one') sent++;
        return sent === 10;
      });
      assert.deepEqual([stateOf(one), stateOf(other)], ['healthy', 'healthy']);
    });
  }

  test('is not one that repeats the headers of a stranger', async () => {
    const echo = ({ headers }: RawRequest): string =>
      response('echo', ...headers.filter(([name]) => /^x-/i.test(name)).map(([name, value]) => `${name}: ${value}`));
    one.answer = echo;
    other.answer = echo;
    edge = await startFromYaml(yamlOf());
    for (let count = 0; count < 10; count++) {
      const answer = await edge.get('/', [`${header}: true`, 'X-Mine: 1']);
      assert.deepEqual([headerOf(answer, header.toLowerCase()), headerOf(answer, 'x-mine')], [null, '1']);
    }
    assert.deepEqual([stateOf(one), stateOf(other)], ['healthy', 'healthy']);
  });
});
