import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { createEventHub, type EventHubOptions } from './event-hub.ts';

function hubWith(options: Partial<EventHubOptions> = {}) {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 21));
  return { clock, hub: createEventHub({ epoch: 'e1', member: 'gw-1', clock, revision: () => 3, ...options }) };
}

const closed = (why: string) =>
  ({ kind: 'process_stopping', subject: 'gateway', reason: why, evidence: { reason: why } }) as const;
const seqs = (events: readonly Event[]): number[] => events.map((event) => event.seq);

test('an emitted event gets its number, time and revision', () => {
  const { clock, hub } = hubWith();
  clock.advanceSync(5);
  hub.emit({
    kind: 'listener_opened',
    subject: 'listener:http',
    reason: 'The listener is open.',
    evidence: { listener: 'http', address: ':8080' },
    worker: 2,
    to: 'open',
  });
  assert.deepEqual(hub.since(0), {
    events: [
      {
        epoch: 'e1',
        seq: 1,
        at: Date.UTC(2026, 10, 21) + 5,
        kind: 'listener_opened',
        member: 'gw-1',
        worker: 2,
        revision: 3,
        subject: 'listener:http',
        from: null,
        to: 'open',
        reason: 'The listener is open.',
        evidence: { listener: 'http', address: ':8080' },
        actor: 'gateway',
      },
    ],
    missed: 0,
  });
});

test('a reader resumes after its last event, and learns how many events it missed', () => {
  const { hub } = hubWith({ held: 3 });
  assert.deepEqual([hub.lastSeq, hub.since(0)], [0, { events: [], missed: 0 }]);
  for (let n = 0; n < 5; n++) hub.emit(closed('x'));
  const read = (seq: number) => {
    const { events, missed } = hub.since(seq);
    return [seqs(events), missed];
  };
  assert.deepEqual(read(0), [[3, 4, 5], 2]);
  assert.deepEqual(read(1), [[3, 4, 5], 1]);
  assert.deepEqual(read(2), [[3, 4, 5], 0]);
  assert.deepEqual(read(4), [[5], 0]);
  assert.deepEqual(read(5), [[], 0]);
  assert.deepEqual(read(99), [[], 0]);
  assert.deepEqual(read(-7), [[3, 4, 5], 2]);
  assert.deepEqual(read(Number.NaN), [[3, 4, 5], 2]);
  assert.equal(hub.lastSeq, 5);
});

test('large events are held up to a limit of bytes, the newest one always', () => {
  const { hub } = hubWith({ heldBytes: 2000 });
  for (let n = 0; n < 10; n++) hub.emit(closed('x'.repeat(400)));
  const { events, missed } = hub.since(0);
  assert.ok(events.length >= 1 && events.length <= 2);
  assert.equal(missed + events.length, 10);
  const tiny = hubWith({ heldBytes: 1 }).hub;
  tiny.emit(closed('x'));
  assert.equal(tiny.since(0).events.length, 1);
});

describe('subscribers', () => {
  test('a subscriber that throws does not affect others, and is counted', () => {
    const { hub } = hubWith({
      sink: () => {
        throw new Error('the sink');
      },
    });
    const heard: number[] = [];
    hub.subscribe(() => {
      throw new Error('a subscriber');
    });
    hub.subscribe((event) => heard.push(event.seq));
    hub.emit(closed('a'));
    hub.emit(closed('b'));
    assert.deepEqual([heard, hub.listenerFaults], [[1, 2], 4]);
  });

  test('every subscriber gets events in order, even if a subscriber emits one', () => {
    const lines: string[] = [];
    const { hub } = hubWith({ sink: (line) => lines.push(line) });
    const heard: number[] = [];
    hub.subscribe((event) => {
      if (event.seq === 1) hub.emit(closed('because of the first'));
    });
    hub.subscribe((event) => heard.push(event.seq));
    hub.emit(closed('first'));
    assert.deepEqual(heard, [1, 2]);
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as Event).seq),
      [1, 2],
    );
  });

  test('a subscriber that has left gets no more events, not even the current one', () => {
    const { hub } = hubWith();
    const heard: string[] = [];
    const leaves: (() => void)[] = [];
    leaves.push(hub.subscribe(() => leaves.forEach((leave) => leave())));
    leaves.push(hub.subscribe(() => heard.push('second')));
    hub.emit(closed('a'));
    hub.emit(closed('b'));
    assert.deepEqual(heard, []);
  });
});

test('output of applications is redacted and bounded before any subscriber gets it', () => {
  const lines: string[] = [];
  const { hub } = hubWith({ sink: (line) => lines.push(line) });
  const output = ['Authorization: Bearer CANARY', 'Cookie: sid=CANARY', 'é'.repeat(5000), 'done\u2028"\ud800'];
  hub.emit({
    kind: 'instance_exited',
    subject: 'instance:web/1',
    reason: 'It exited with code 1; its last line: "Set-Cookie: CANARY".',
    evidence: { pid: 7, code: 1, signal: null, outOfMemory: false, afterMs: 5, output },
  });
  const told = JSON.stringify(hub.since(0).events);
  assert.ok(!told.includes('CANARY'));
  const [line] = lines;
  assert.match(line ?? '', /^[ -~]+\n$/);
  assert.ok((line ?? '').length < 5000 && !(line ?? '').includes('CANARY'));
});

test('a reason may be longer than other texts: it has what happened and what to do', () => {
  const { hub } = hubWith();
  hub.emit(closed('x'.repeat(3000)));
  const [event] = hub.since(0).events;
  assert.ok(event?.kind === 'process_stopping');
  assert.deepEqual([event.reason.length, event.evidence.reason.length], [2049, 513]);
});
