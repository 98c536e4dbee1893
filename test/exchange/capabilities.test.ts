import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Capabilities } from '../../src/core/message.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { Http1World } from './http1-world.ts';
import { StreamWorld } from './stream-world.ts';
import type { CreateHandler, World } from './world.ts';

const worlds: readonly (readonly [protocol: string, make: () => World])[] = [
  ['http/1.1', () => new Http1World({ attemptsMax: 1 })],
  ['h2', () => new StreamWorld({ attemptsMax: 1 })],
];

for (const [protocol, make] of worlds) {
  it(`Proxy-Status names the protocol that the endpoint speaks: ${protocol}`, () => {
    const world = make();
    world.endpoint('a').onRequest = (request) => request.breakOff('reset');
    const client = world.request({ headers: {} });
    world.pass(100);
    assert.equal(client.status, 502);
    assert.match(client.header('proxy-status') ?? '', new RegExp(`;next-protocol=${protocol};`));
  });
}

describe('Trailer, which announces trailers,', () => {
  /** The Trailer that a client with these capabilities gets. */
  function announced(capabilities: Partial<Capabilities>): string | null {
    const createHandler: CreateHandler = (stream, serving, ports) => {
      Object.defineProperty(stream, 'capabilities', { value: { ...stream.capabilities, ...capabilities } });
      return new Exchange(stream, serving, ports);
    };
    const world = new StreamWorld({ createHandler });
    world.endpoint('a').onRequest = (request) => {
      request.head(200, null, { trailer: 'x-sum' });
      request.write('text');
      request.end({ 'x-sum': '42' });
    };
    const client = world.request({ headers: {} });
    world.pass(100);
    return client.header('trailer');
  }

  it('goes to a client whose protocol has trailers', () => assert.equal(announced({}), 'x-sum'));
  it('goes to no other client', () => assert.equal(announced({ trailers: false }), null));
});
