import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type { OwnSocket } from '../core/passed-socket.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type AcceptingWorker, HeldSockets } from './held-sockets.ts';

const skip = process.platform === 'linux' ? false : 'sockets are told apart in /proc';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A worker as the main thread sees it, with a listening socket. */
class FakeWorker implements AcceptingWorker {
  readonly id: number;
  state: AcceptingWorker['state'] = 'serving';
  isSilent = false;
  hasSteadilyAnswered = true;
  sockets: readonly OwnSocket[] = [];
  readonly standsInFor: string[] = [];

  constructor(id: number) {
    this.id = id;
  }

  async listen(): Promise<this> {
    const server = createServer().listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    this.sockets = [...this.sockets, { fd, host: '127.0.0.1', port: 80 }];
    return this;
  }

  standIn({ link }: { readonly link: string }): void {
    this.standsInFor.push(link);
  }

  standDown(link: string): void {
    this.standsInFor.splice(this.standsInFor.indexOf(link), 1);
  }
}

async function holding(count: number) {
  const clock = new SimulatedClock();
  const workers: FakeWorker[] = [];
  for (let id = 1; id <= count; id++) workers.push(await new FakeWorker(id).listen());
  const began: string[] = [];
  const closed: number[] = [];
  const held = new HeldSockets(
    {
      clock,
      workers: () => workers.filter(({ state }) => state === 'serving'),
      onStandInStarted: (standIn, owner) => void began.push(`${standIn.id} for ${owner?.id ?? 'none'}`),
    },
    (fds) => Promise.resolve(fds.map((fd) => ({ fd, close: () => void closed.push(fd) }))),
  );
  held.note(workers);
  await held.hold();
  const [first, second] = workers;
  assert.ok(first !== undefined && second !== undefined);
  return { clock, held, workers, first, second, began, closed };
}

describe('a held socket', { skip }, () => {
  test('is accepted from by one stand-in while its worker is silent, however often the silence is reported', async () => {
    const { held, first, began } = await holding(3);
    first.isSilent = true;
    for (let time = 0; time < 10; time++) held.acceptForAbsentWorkers();
    assert.deepEqual(began, ['2 for 1']);
    void held.close();
  });

  test('is reported once for a worker that is silent at several listeners', async () => {
    const { held, workers, first, began } = await holding(2);
    for (let listener = 0; listener < 3; listener++) await first.listen();
    held.note(workers);
    await held.hold();
    first.isSilent = true;
    held.acceptForAbsentWorkers();
    assert.deepEqual(began, ['2 for 1']);
    void held.close();
  });

  test('is released by a stand-in only after its worker has answered steadily', async () => {
    const { clock, held, first, second } = await holding(2);
    Object.assign(first, { isSilent: true, hasSteadilyAnswered: false });
    held.acceptForAbsentWorkers();
    assert.equal(second.standsInFor.length, 1);
    // The worker answers, is silent, answers: one stand-in accepts all the time.
    for (const isSilent of [false, true, false]) {
      first.isSilent = isSilent;
      held.acceptForAbsentWorkers();
      await clock.advance(5000);
      assert.equal(second.standsInFor.length, 1);
    }
    first.hasSteadilyAnswered = true;
    await clock.advance(5000);
    assert.equal(second.standsInFor.length, 0);
    void held.close();
  });

  test('passes from a worker that has ended to its replacement, and its stand-in stops when the replacement answers', async () => {
    const { clock, held, workers, first, second } = await holding(2);
    first.state = 'lost';
    held.forget(first);
    held.acceptForAbsentWorkers();
    assert.equal(second.standsInFor.length, 1);
    const [hand = []] = held.distribute(1, 2);
    assert.equal(hand.length, 1);
    assert.deepEqual(hand[0]?.link, second.standsInFor[0]);
    const third = new FakeWorker(3);
    workers.push(third);
    held.onAdopted(third, hand);
    assert.deepEqual(held.distribute(1, 2), [[]]);
    assert.equal(second.standsInFor.length, 1);
    await clock.advance(5000);
    assert.equal(second.standsInFor.length, 0);
    void held.close();
  });

  test('gets another stand-in if the first is lost or cannot duplicate it', async () => {
    const { clock, held, workers, first, second, began } = await holding(3);
    first.state = 'lost';
    held.forget(first);
    held.acceptForAbsentWorkers();
    second.state = 'lost';
    held.forget(second);
    held.acceptForAbsentWorkers();
    const third = workers[2] ?? assert.fail();
    assert.deepEqual(began, ['2 for none', '3 for none']);
    held.onStandInFailed(third, third.standsInFor[0] ?? '');
    await clock.advance(5000);
    assert.equal(began.length, 3);
    void held.close();
  });

  test('is closed when the configuration no longer has its address, and at the end', async () => {
    const { held, closed } = await holding(2);
    held.closeAllBut([{ host: '127.0.0.1', port: 80 }]);
    assert.deepEqual(closed, []);
    held.closeAllBut([{ host: '127.0.0.1', port: 81 }]);
    assert.equal(closed.length, 2);
    assert.deepEqual(held.sockets, []);
    void held.close();
  });
});
