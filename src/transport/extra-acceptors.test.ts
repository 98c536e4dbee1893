import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { setImmediate as turnOfLoop, setTimeout as passTime } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Clock, Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { type BoundListener, listen } from './listen.ts';
import { streamInternals } from './stream-handle.ts';

let ms = 0;
/** Each look at it finds that a turn of the event loop has taken long. */
const busyClock: Clock = {
  now: () => (ms += 100) as Instant,
  wallTime: () => 0,
  schedule: () => assert.fail('it sets no timer'),
};

/** Connects so often at once, from another thread, and keeps the connections. */
function clients(port: number, count: number): Worker {
  const code = `
    const { connect } = require('node:net');
    const { parentPort, workerData } = require('node:worker_threads');
    let connected = 0;
    for (let at = 0; at < workerData.count; at++)
      connect(workerData.port, '127.0.0.1')
        .on('error', () => {})
        .on('connect', () => ++connected === workerData.count && parentPort.postMessage('connected'));
    parentPort.on('message', () => process.exit());`;
  return new Worker(code, { eval: true, workerData: { port, count } });
}

describe('connections that wait to be accepted', { skip: streamInternals === null }, () => {
  const accepted: Transport[] = [];
  let listener: BoundListener;
  let inTurn = 0;
  let mostInTurn = 0;
  let turn = setImmediate(nextTurn);

  function nextTurn(): void {
    inTurn = 0;
    turn = setImmediate(nextTurn);
  }

  after(async () => {
    clearImmediate(turn);
    for (const transport of accepted) transport.close('reset');
    await listener.close();
  });

  function started(): Promise<BoundListener> {
    return new Promise((resolve, reject) => {
      listen(
        { host: '127.0.0.1', port: 0, sharePort: false, clock: busyClock },
        {
          onListening: resolve,
          onListenFailed: reject,
          onConnection: (transport) => {
            accepted.push(transport);
            mostInTurn = Math.max(mostInTurn, ++inTurn);
          },
        },
      );
    });
  }

  /** Resolves when so many are accepted. */
  async function accept(count: number): Promise<void> {
    const end = performance.now() + 30_000;
    while (accepted.length < count) {
      await turnOfLoop();
      assert.ok(performance.now() < end, `${accepted.length} of ${count} are accepted`);
    }
  }

  it('are accepted several in a turn of the event loop, once they have been noticed, and none is lost', async () => {
    listener = await started();
    const worker = clients(listener.address.port, 500);
    await once(worker, 'message');
    await accept(500);
    const end = performance.now() + 30_000;
    for (let more = 500; mostInTurn < 4; more += 100) {
      assert.ok(performance.now() < end, `at most ${mostInTurn} in a turn`);
      const others = clients(listener.address.port, 100);
      await once(others, 'message');
      await accept(more + 100);
      others.postMessage('end');
      await passTime(20);
    }
    worker.postMessage('end');
  });

  it('are accepted no more once the listener is closed', async () => {
    const { port } = listener.address;
    await listener.close();
    const socket: Socket = connect(port, '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
  });
});
