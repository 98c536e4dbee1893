import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HandshakeInProgress, HandshakesInProgress } from './tls-stage.ts';
import type { PrefaceConnection } from './preface-stage.ts';

interface Noted {
  readonly connection: PrefaceConnection;
  /** What was called on the connection, in order. */
  readonly calls: string[];
}

function from(remoteAddress: string): Noted {
  const calls: string[] = [];
  const connection = {
    transport: { facts: { remoteAddress } },
    failHandshake: ({ reason }: { reason: string }) => void calls.push(`fail ${reason}`),
    noteHandshakeFailure: ({ reason }: { reason: string }) => void calls.push(`note ${reason}`),
    refuseNext: (rule: string, code: string) => void calls.push(`refuse ${rule} ${code}`),
    continueOn: () => void calls.push('continue'),
  };
  return { connection: connection as unknown as PrefaceConnection, calls };
}

const secure = {} as Parameters<HandshakeInProgress['onSecure']>[0];

function begun(list: HandshakesInProgress, { connection }: Noted): HandshakeInProgress {
  const handshake = new HandshakeInProgress(connection, 'one.test', list);
  handshake.begin({ cancel: () => void 0 });
  return handshake;
}

describe('handshakes in progress', () => {
  const endings: readonly (readonly [how: string, end: (handshake: HandshakeInProgress) => void, calls: string[]])[] = [
    ['cancelled', (one) => one.cancel(), []],
    ['complete', (one) => one.onSecure(secure, null), ['continue']],
    [
      'complete with a client certificate that is not accepted',
      (one) => one.onSecure(secure, { reason: 'client_certificate_invalid', code: 'CERT_HAS_EXPIRED' }),
      ['note client_certificate_invalid', 'refuse client-certificate CERT_HAS_EXPIRED', 'continue'],
    ],
    ['failed', (one) => one.onHandshakeFailed({ reason: 'closed', code: '' }), ['fail closed']],
  ];
  for (const [how, end, calls] of endings)
    test(`forget one that is ${how}, whatever its position, and once only`, () => {
      for (const index of [0, 1, 2]) {
        const list = new HandshakesInProgress();
        const noted = ['a', 'b', 'c'].map(from);
        const handshakes = noted.map((one) => begun(list, one));
        end(handshakes[index] ?? assert.fail());
        handshakes[index]?.cancel();
        assert.equal(list.size, 2);
        assert.deepEqual(noted[index]?.calls, calls);
        const left = noted.filter((_, at) => at !== index);
        for (const [count, { connection }] of left.entries()) {
          assert.equal(list.oldestOfBusiest(), connection);
          handshakes[noted.findIndex((one) => one.connection === connection)]?.cancel();
          assert.equal(list.size, 1 - count);
        }
        assert.equal(list.oldestOfBusiest(), null);
      }
    });

  test('are cancelled at the TLS server too', () => {
    let cancelled = 0;
    const handshake = new HandshakeInProgress(from('a').connection, null, new HandshakesInProgress());
    handshake.begin({ cancel: () => void cancelled++ });
    handshake.cancel();
    assert.equal(cancelled, 1);
  });

  const floods: readonly (readonly [addresses: string, oldestOfBusiest: number])[] = [
    ['a', 0],
    ['abb', 1],
    ['abab', 0],
    ['abcbc', 1],
    ['abccbbc', 1],
    ['abcccb', 2],
  ];
  for (const [addresses, expected] of floods)
    test(`give up the oldest of the address that has most: ${addresses}`, () => {
      const list = new HandshakesInProgress();
      const noted = [...addresses].map(from);
      for (const one of noted) begun(list, one);
      assert.equal(
        noted.findIndex(({ connection }) => connection === list.oldestOfBusiest()),
        expected,
      );
    });
});
