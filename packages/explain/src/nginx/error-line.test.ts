import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogExplainer } from '../log-explainer.ts';
import { LimitedMap } from './error-line.ts';

describe('a limited map', () => {
  it('returns what was kept, and forgets everything when it is full', () => {
    const map = new LimitedMap<string, number>();
    for (let index = 0; index < 512; index++) map.keep(`${index}`, index);
    assert.deepEqual([map.get('0'), map.get('511')], [0, 511]);
    map.keep('one more', 1);
    assert.deepEqual([map.get('0'), map.get('one more')], [undefined, 1]);
  });

  it('does not keep a long key', () => {
    const map = new LimitedMap<string, number>();
    assert.equal(map.keep('x'.repeat(513), 1), 1);
    assert.equal(map.get('x'.repeat(513)), undefined);
  });
});

describe('a verdict that is remembered', () => {
  const line = (client: string, request: string, upstream: string): string =>
    `2026/11/21 21:59:48 [error] 7#7: *9 connect() failed (111: Connection refused) while connecting to upstream, client: ${client}, server: _, request: "${request}", upstream: "${upstream}"`;

  it('has the fields of its own line', () => {
    const explainer = new LogExplainer();
    const found = ['a', 'b'].map((name) =>
      explainer.read(line(`192.0.2.${name.length}`, `GET /${name} HTTP/1.1`, `http://${name}:80/`)),
    );
    assert.deepEqual(
      found.map((one) => [one?.request, one?.upstream]),
      [
        ['GET /a', 'http://a:80/'],
        ['GET /b', 'http://b:80/'],
      ],
    );
  });

  it('is not that of a socket, if the upstream is an address', () => {
    const explainer = new LogExplainer();
    const [socket, address] = ['http://unix:/run/app.sock:/', 'http://10.0.0.5:80/'].map(
      (upstream) => explainer.read(line('192.0.2.1', 'GET / HTTP/1.1', upstream))?.sentence,
    );
    assert.match(socket ?? '', /socket file/);
    assert.match(address ?? '', /address and port/);
  });
});
