import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Http1World } from './http1-world.ts';

interface Closing {
  /** What the client sends, all at once; it never closes its own direction. */
  readonly sent: string;
  readonly windowBytes?: number;
  readonly bodyBytes?: number;
}

/** The gateway's end of the connection, and what its client has got, `afterMs` later. */
function closing({ sent, windowBytes, bodyBytes = 2 }: Closing, afterMs: number) {
  const world = new Http1World();
  world.endpoint('a').onRequest = (request) => request.answer(200, 'x'.repeat(bodyBytes));
  const window = windowBytes === undefined ? {} : { windowBytes };
  const first = world.request({ target: '/first' }, { connection: 'typing', ...window });
  world.pass(20);
  // A slow client has the first answer read for it.
  for (let n = 0; n < 200 && first.state !== 'whole'; n++) world.pass(10);
  const line = world.lines.get('typing') ?? assert.fail('the line is open');
  let text = '';
  let ended: string | null | undefined;
  line.transport.listener = {
    onBytes: (bytes, start, end) => void (text += Buffer.from(bytes.slice(start, end)).toString('latin1')),
    onEnd: () => void (ended ??= 'fin'),
    onWritten() {},
    onClosed: (errno) => void (ended ??= errno),
  };
  line.send(sent);
  world.pass(afterMs);
  const isClosed = world.gatewayEnds[0]?.closed ?? assert.fail('the client has connected');
  world.pass(3000);
  world.verifyAtRest();
  return { isClosed, text, ended };
}

const close = 'Host: example.org\r\nConnection: close\r\n';
const get = `GET /a HTTP/1.1\r\n${close}\r\n`;

describe('after its last answer a connection', () => {
  it('is closed at once when its client has said that it sends nothing more', () => {
    const { isClosed, text, ended } = closing({ sent: get }, 20);
    assert.equal(isClosed, true);
    assert.match(text, /^HTTP\/1\.1 200 [^]*xx$/);
    assert.equal(ended, 'fin');
  });

  it('is closed only when all of the answer has left, however slowly it is taken', () => {
    const bodyBytes = 300_000;
    const { text, ended } = closing({ sent: get, windowBytes: 16_384, bodyBytes }, 20);
    assert.equal(text.length - text.indexOf('\r\n\r\n') - 4, bodyBytes);
    assert.equal(ended, 'fin');
  });

  const lingers: readonly [string, string][] = [
    ['bytes have come behind its request', `${get}GET /b HTTP/1.1\r\n${close}\r\n`],
    ['its request had content', `POST /a HTTP/1.1\r\n${close}Content-Length: 2\r\n\r\nok`],
    ['its client speaks HTTP/1.0', `GET /a HTTP/1.0\r\n${close}\r\n`],
    ['its request was refused', `GET /a HTTP/1.1\r\n${close}Bad Name: x\r\n\r\n`],
  ];
  for (const [when, sent] of lingers) {
    it(`is read on for a while when ${when}`, () => {
      const { isClosed, text, ended } = closing({ sent }, 20);
      assert.equal(isClosed, false);
      assert.match(text, /^HTTP\/1\.1 /);
      assert.equal(ended, 'fin');
    });
  }
});
