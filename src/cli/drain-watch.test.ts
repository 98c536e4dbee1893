import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GatewayStatus } from '../core/schemas/status.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { drainText, watchDrain } from './drain-watch.ts';
import type { ProcessContext } from './process-context.ts';

type Drain = NonNullable<GatewayStatus['drain']>;
const draining: Drain = { phase: 'draining', leftMs: 7900, exchanges: 3, tunnels: 2, connections: 9 };

const table: readonly [what: string, drain: Partial<Drain>, says: string | null][] = [
  ['both', {}, 'waiting for 3 requests and 2 tunnels, 8 seconds at most'],
  ['one request', { exchanges: 1, tunnels: 0, leftMs: 1 }, 'waiting for 1 request, 1 second at most'],
  ['tunnels alone', { exchanges: 0 }, 'waiting for 2 tunnels, 8 seconds at most'],
  ['connections alone', { exchanges: 0, tunnels: 0 }, 'waiting for 9 connections to close'],
  ['nothing', { exchanges: 0, tunnels: 0, connections: 0 }, null],
  [
    'the lame-duck time',
    { phase: 'lame_duck', exchanges: 0, tunnels: 0 },
    'lame duck, still serving for 8 seconds; 0 requests in flight',
  ],
  ['force closing', { phase: 'force_closing' }, 'ending 3 requests and 2 tunnels'],
  ['the end', { phase: 'drained' }, null],
];

for (const [what, drain, says] of table) {
  test(`a draining gateway reports: ${what}`, () => assert.equal(drainText({ ...draining, ...drain }), says));
}

describe('a gateway that drains', () => {
  function watch(isTTY: boolean): {
    clock: SimulatedClock;
    lines: string[];
    leave: () => void;
    say: (d: Drain) => void;
  } {
    const clock = new SimulatedClock();
    const lines: string[] = [];
    let drain: Drain | null = null;
    const stderr = { isTTY, write: (text: string) => void lines.push(text.trim()) };
    const context = { clock, stderr, env: { NO_COLOR: '1' } } as unknown as ProcessContext;
    const gateway = { status: () => ({ drain }) as GatewayStatus };
    const say = (next: Drain): void => {
      drain = next;
    };
    return { clock, lines, leave: watchDrain(gateway, context), say };
  }

  test('prints for a person what it waits for once a second, and leaves no timer', () => {
    const { clock, lines, leave, say } = watch(true);
    clock.advanceSync(1000);
    assert.deepEqual(lines, [], 'nothing to tell yet');
    say(draining);
    clock.advanceSync(1000);
    say({ ...draining, exchanges: 1, leftMs: 6000 });
    clock.advanceSync(999);
    assert.equal(lines.length, 1);
    clock.advanceSync(1);
    assert.deepEqual(lines, [
      'waiting for 3 requests and 2 tunnels, 8 seconds at most',
      'waiting for 1 request and 2 tunnels, 6 seconds at most',
    ]);
    leave();
    assert.equal(clock.timersLive, 0);
  });

  test('prints lines that fit a terminal, however many requests are in flight', () => {
    const { clock, lines, say } = watch(true);
    for (const phase of ['lame_duck', 'draining', 'force_closing'] as const) {
      say({ phase, leftMs: 3_600_000, exchanges: 123_456, tunnels: 123_456, connections: 999_999 });
      clock.advanceSync(1000);
    }
    assert.equal(lines.length, 3);
    for (const line of lines.flatMap((text) => text.split('\n'))) assert.ok(line.length <= 78, line);
    assert.match(lines[0] ?? '', /^lame duck, .*\n  \S/);
  });

  test('prints nothing into a log, which has the events', () => {
    const { clock, lines, say } = watch(false);
    say(draining);
    clock.advanceSync(5000);
    assert.deepEqual(lines, []);
    assert.equal(clock.timersLive, 0);
  });
});
