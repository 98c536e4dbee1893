import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FailedHandshakes } from '../core/tls-server.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { HandshakeReport } from './handshake-report.ts';
import { ListenerTotals } from './listener-totals.ts';

const failed = (listener: string, count = 1): FailedHandshakes => ({
  ...{ listener, reason: 'garbage', code: '', count, address: '192.0.2.1', serverName: null },
});

describe('totals of listeners', () => {
  it('count what has no entry of its own under (other), and lose nothing', () => {
    const clock = new SimulatedClock();
    const totals = new ListenerTotals<FailedHandshakes>(
      clock,
      ({ reason }) => reason,
      () => new Set(['a', 'b', 'c', 'd']),
      2,
    );
    totals.add([failed('a'), failed('b', 2), failed('c', 3)]);
    totals.add([failed('d', 4), failed('a', 5)]);
    assert.deepEqual(
      totals.all.map(({ listener, count }) => `${listener} ${count}`),
      ['a 6', 'b 2', '(other) 7'],
    );
  });

  it('are kept for ten minutes after a listener has gone: reloads that rename listeners add no names without end', () => {
    const clock = new SimulatedClock();
    let current = '';
    const report = new HandshakeReport(
      clock,
      { emit: () => {} },
      () => '',
      () => new Set([current]),
    );
    const names = (): readonly string[] => report.totals.map(({ listener }) => listener);
    for (let reload = 0; reload < 30; reload++) {
      current = `web-${reload}`;
      report.note([failed(current)]);
      clock.advanceSync(60_000);
      report.note([]);
    }
    assert.ok(names().length <= 13, `${names().length} names`);
    assert.ok(names().includes('web-20'), 'a collector has ten minutes to read the last total');
    assert.ok(names().includes('web-29'));
  });
});
