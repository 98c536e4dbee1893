import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Deadlines } from '../../core/deadline.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { Http2EndpointTimeouts, type TimedEndpointStream } from './timeouts.ts';

class Stream implements TimedEndpointStream {
  isWaitingToSend = false;
  sentMark = 0;
  readonly heard: string[] = [];
  onSilence(): void {
    this.heard.push('silence');
  }
  onWriteOverdue(limitMs: number): void {
    this.heard.push(`write ${limitMs}`);
  }
  onHeadOverdue(limitMs: number): void {
    this.heard.push(`head ${limitMs}`);
  }
  onBodyOverdue(idleMs: number): void {
    this.heard.push(`content ${idleMs}`);
  }
}

interface World {
  readonly stream: Stream;
  readonly timeouts: Http2EndpointTimeouts;
  readonly pass: (ms: number) => readonly string[];
}

function started(limits = { responseHeadMs: 20_000, idleMs: 8000 }): World {
  const clock = new SimulatedClock();
  const stream = new Stream();
  const timeouts = new Http2EndpointTimeouts(stream, limits, clock, new Deadlines(clock));
  const pass = (ms: number): readonly string[] => {
    clock.advanceSync(ms);
    return stream.heard;
  };
  return { stream, timeouts, pass };
}

describe('the limits of time of a request on an HTTP/2 connection', () => {
  test('a head that does not come: the endpoint is asked 5 s before the limit', () => {
    const { timeouts, pass } = started();
    timeouts.awaitHead();
    assert.deepEqual(pass(14_900), []);
    assert.deepEqual(pass(200), ['silence']);
    assert.deepEqual(pass(4800), ['silence']);
    assert.deepEqual(pass(200), ['silence', 'head 20000']);
  });

  test('a body that does not come: the endpoint is asked after half of a short limit', () => {
    const { timeouts, pass } = started();
    timeouts.awaitBody();
    assert.deepEqual(pass(3900), []);
    assert.deepEqual(pass(200), ['silence']);
    assert.deepEqual(pass(4000), ['silence', 'content 8000']);
  });

  test('a body that comes begins the limit anew', () => {
    const { timeouts, pass } = started();
    for (let part = 0; part < 5; part++) {
      timeouts.awaitBody();
      assert.deepEqual(pass(3500), []);
    }
  });

  test('bytes of the request that leave while a body is due begin the limit anew', () => {
    const { timeouts, pass } = started();
    timeouts.awaitBody();
    for (let part = 0; part < 5; part++) {
      assert.deepEqual(pass(3500), []);
      timeouts.noteSent();
    }
    assert.deepEqual(pass(8100), ['silence', 'content 8000']);
  });

  test('bytes of the request that leave do not make a body due while the gateway reads nothing, nor before the head', () => {
    const { timeouts, pass } = started({ responseHeadMs: 2000, idleMs: 8000 });
    timeouts.awaitHead();
    timeouts.noteSent();
    assert.deepEqual(pass(2100), ['silence', 'head 2000']);
    timeouts.awaitBody();
    timeouts.pause();
    timeouts.noteSent();
    assert.deepEqual(pass(60_000), ['silence', 'head 2000']);
  });

  test('a body may be late while the endpoint takes a request that waits, if slowly, and no longer', () => {
    const { stream, timeouts, pass } = started();
    timeouts.awaitBody();
    stream.isWaitingToSend = true;
    timeouts.awaitWrite();
    for (let part = 0; part < 10; part++) {
      stream.sentMark++;
      assert.deepEqual(pass(3500), []);
    }
    assert.deepEqual(pass(16_000), ['silence', 'content 8000']);
  });

  test('a body is not due while the gateway reads nothing', () => {
    const { timeouts, pass } = started();
    timeouts.awaitBody();
    timeouts.pause();
    assert.deepEqual(pass(60_000), []);
  });

  test('a request of which no byte leaves is overdue', () => {
    const { stream, timeouts, pass } = started();
    stream.isWaitingToSend = true;
    timeouts.awaitWrite();
    assert.deepEqual(pass(8100), ['write 8000']);
  });

  test('a request of which bytes leave is not', () => {
    const { stream, timeouts, pass } = started();
    stream.isWaitingToSend = true;
    timeouts.awaitWrite();
    for (let part = 0; part < 5; part++) {
      stream.sentMark += 1;
      assert.deepEqual(pass(7900), []);
    }
  });

  test('a request that waits for nothing but its client has no limit here', () => {
    const { timeouts, pass } = started();
    timeouts.awaitWrite();
    assert.deepEqual(pass(60_000), []);
  });

  test('nothing is due after the end', () => {
    const { timeouts, pass } = started();
    timeouts.awaitHead();
    timeouts.stop();
    assert.deepEqual(pass(60_000), []);
  });
});
