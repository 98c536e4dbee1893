import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Alert } from '../core/alert.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { AlertQueue } from './alert-queue.ts';
import { alertSample, EmittedEvents, targetSample } from './alert-samples.test-support.ts';
import { accepted, type AlertChannel, type AlertMessage, refused, type SendResult } from './channel.ts';

const minute = 60_000;
const ok = accepted('taken', []);
const later = refused('it is down', 'Wait.', { isRetriable: true, exchange: [] });
const never = refused('it is gone', 'Correct the URL.', { isRetriable: false, exchange: [] });

/** Answers with the next of `answers`, then always with `otherwise`. */
class FakeChannel implements AlertChannel {
  readonly destination = 'alerts.test';
  readonly sent: string[] = [];
  answers: (SendResult | 'hangs')[] = [];
  otherwise: SendResult = ok;

  send({ alert }: AlertMessage, signal: AbortSignal): Promise<SendResult> {
    this.sent.push(`${alert.key} ${alert.change}`);
    const answer = this.answers.shift() ?? this.otherwise;
    if (answer !== 'hangs') return Promise.resolve(answer);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(later)));
  }
}

let clock: SimulatedClock;
let channel: FakeChannel;
let events: EmittedEvents;
let queue: AlertQueue;

beforeEach(() => {
  clock = new SimulatedClock();
  channel = new FakeChannel();
  events = new EmittedEvents();
  queue = queueWith();
});

function queueWith(): AlertQueue {
  const random = new SeededRandom(1);
  return new AlertQueue(targetSample, channel, { clock, random, events, linkOf: () => null, onChange: () => {} });
}

function add(alert: Partial<Alert> = {}, waitMs = 0): void {
  queue.add({ ...alertSample, ...alert }, clock.wallTime() + waitMs);
}

const pass = (ms: number): Promise<void> => clock.advance(ms);

describe('a message', () => {
  test('is sent at once, and the event says so', async () => {
    add();
    await pass(1);
    assert.deepEqual(
      [channel.sent, events.kinds, queue.waiting.length],
      [['incident:run-1-3 opened'], ['alert_sent'], 0],
    );
  });

  test('is sent again with growing pauses until it is accepted, and reported at the first failure and at the end', async () => {
    channel.answers = [later, later, later];
    add();
    await pass(10 * minute);
    assert.equal(channel.sent.length, 4);
    assert.deepEqual(events.kinds, ['alert_failed retrying', 'alert_sent']);
    assert.deepEqual(events.all.at(-1)?.evidence, {
      target: 'oncall',
      type: 'webhook',
      alert: alertSample.key,
      attempts: 4,
      tookMs: 0,
    });
  });

  test('is never sent before an earlier one about the same thing, which waits for its details', async () => {
    add({}, 3000);
    add({ change: 'grown' });
    add({ key: 'other' });
    await pass(1000);
    add({ change: 'resolved' });
    await pass(3000);
    const about = (change: string): string => `${alertSample.key} ${change}`;
    assert.deepEqual(channel.sent, ['other opened', about('opened'), about('resolved')]);
  });

  test('is given up after an hour', async () => {
    channel.otherwise = later;
    add();
    await pass(55 * minute);
    assert.equal(queue.waiting.length, 1);
    const attempts = channel.sent.length;
    assert.ok(attempts > 10 && attempts < 200, `${attempts} attempts`);
    await pass(11 * minute);
    assert.deepEqual(events.kinds, ['alert_failed retrying', 'alert_failed given_up']);
    assert.deepEqual([queue.waiting.length, queue.status.failed], [0, 1]);
  });

  test('that is refused for good is given up at once, and the next one is sent', async () => {
    channel.answers = [never];
    add();
    add({ key: 'b' });
    await pass(1000);
    assert.deepEqual(events.kinds, ['alert_failed given_up', 'alert_sent']);
  });

  test('is not sent again before the time that the target asks for', async () => {
    channel.answers = [{ ...later, retryAfterMs: 2 * minute }];
    add();
    await pass(2 * minute - 1000);
    assert.equal(channel.sent.length, 1);
    await pass(10_000);
    assert.equal(channel.sent.length, 2);
  });

  test('whose target does not answer is ended after 10 s and sent again', async () => {
    channel.answers = ['hangs'];
    add();
    await pass(9000);
    assert.equal(events.kinds.length, 0);
    await pass(10_000);
    assert.deepEqual(events.kinds, ['alert_failed retrying', 'alert_sent']);
  });
});

describe('a queue', () => {
  test('keeps the order of messages while its target fails', async () => {
    channel.answers = [later];
    add();
    add({ change: 'resolved' });
    await pass(minute);
    const opened = 'incident:run-1-3 opened';
    assert.deepEqual(channel.sent, [opened, opened, 'incident:run-1-3 resolved']);
  });

  test('sends the newest of messages that a thing has grown, and none where it is over', async () => {
    add({ change: 'grown', text: 'first' }, minute);
    add({ change: 'grown', text: 'second' }, minute);
    assert.deepEqual(
      queue.waiting.map(({ alert }) => alert.text),
      ['second'],
    );
    add({ change: 'resolved' });
    await pass(5 * minute);
    assert.deepEqual(channel.sent, ['incident:run-1-3 resolved']);
  });

  test('is bounded: beyond 100 messages it gives up the least needed, and says so', async () => {
    channel.otherwise = later;
    add({ key: 'first' });
    await pass(1);
    for (let number = 0; number < 150; number += 1) add({ key: `${number}` });
    assert.equal(queue.waiting.length, 100);
    assert.equal(events.kinds.filter((kind) => kind === 'alert_failed given_up').length, 51);
  });

  test('completes a message that waits for details, and sends it then', async () => {
    add({}, 3000);
    queue.complete(alertSample.key, (alert) => ({
      ...alert,
      evidence: [...alert.evidence, 'the probe is refused too'],
    }));
    assert.equal(queue.waiting[0]?.alert.evidence.length, 2);
    await pass(1);
    assert.equal(channel.sent.length, 1);
  });

  test('that is closed sends nothing and keeps what waits', async () => {
    channel.answers = ['hangs'];
    add();
    add({ key: 'b' });
    await pass(1000);
    queue.close();
    await pass(10 * minute);
    assert.deepEqual([queue.waiting.length, channel.sent.length, clock.timersLive], [2, 1, 0]);
  });

  test('shows what waits and why it fails', async () => {
    channel.otherwise = later;
    add();
    await pass(10_000);
    const { queued, failure, destination } = queue.status;
    assert.deepEqual(
      [queued, failure?.reason, failure?.nextStep, destination],
      [1, 'it is down', 'Wait.', 'alerts.test'],
    );
    channel.otherwise = ok;
    await pass(10 * minute);
    assert.deepEqual([queue.status.queued, queue.status.failure, queue.status.sent], [0, null, 1]);
  });
});

test('a wall clock that is set neither delays what waits nor gives it up', async () => {
  const hourMs = 60 * minute;
  const set = (ms: number): void => {
    clock.setWallTime(clock.wallTime() + ms);
    queue.clockChanged(ms);
  };
  add({ key: 'a' }, 3 * minute);
  set(-3 * hourMs);
  await clock.advance(3 * minute + 100);
  assert.deepEqual(channel.sent, ['a opened']);
  channel.otherwise = later;
  add({ key: 'b' });
  await clock.advance(1000);
  set(3 * hourMs);
  await clock.advance(10 * minute);
  assert.equal(queue.status.failed, 0);
  assert.ok(channel.sent.length > 2);
});
