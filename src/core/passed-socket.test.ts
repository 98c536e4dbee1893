import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import { assignSockets, type PassedSocket } from './passed-socket.ts';

const socketOf = (port: number, fd: number): PassedSocket => ({ fd, host: '::', port, link: `socket:[${fd}]` });

test('every socket is assigned once, and for each address no worker gets two more than another', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 80, max: 83 })), fc.integer({ min: 1, max: 8 }), (ports, count) => {
      const sockets = ports.map(socketOf);
      const hands = assignSockets(sockets, count);
      assert.equal(hands.length, count);
      assert.deepEqual(
        hands.flat().toSorted((one, other) => one.fd - other.fd),
        sockets,
      );
      for (const place of new Set(ports)) {
        const shares = hands.map((hand) => hand.filter(({ port }) => port === place).length);
        assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, shares.join());
      }
    }),
  );
});
