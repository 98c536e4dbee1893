import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { ConnectTimes } from './connect-times.ts';
import { incidentOf, ranking } from './ranking.test-support.ts';

/** New connections in each second, which take so long from second 100 on; before they take half a millisecond. */
function slow(ms: number, everyS = 2): ReturnType<ConnectTimes['slowSince']> {
  const times = new ConnectTimes();
  for (let second = 1; second <= 120; second += everyS) {
    times.add({ connectMsMin: second < 100 ? 0.5 : ms } as EndpointOutcomes, second);
    times.add({ connectMsMin: second < 100 ? 900 : ms * 3 } as EndpointOutcomes, second);
    times.add({} as EndpointOutcomes, second);
  }
  return times.slowSince(100, 120);
}

const cases: readonly (readonly [what: string, ms: number, isSlow: boolean])[] = [
  ['300 ms where half a millisecond was usual', 300, true],
  ['20 ms: too little to be seen', 20, false],
  ['as ever', 0.5, false],
  ['a second, after which a packet that a full queue has dropped is sent again', 1000, false],
];
for (const [what, ms, isSlow] of cases)
  test(`new connections take ${what}`, () => assert.deepEqual(slow(ms), isSlow ? { usualMs: 0.5, nowMs: ms } : null));

test('an incident that lasts is compared with what was usual before it', () => {
  const times = new ConnectTimes();
  for (let second = 1; second <= 1000; second++) {
    times.add({ connectMsMin: second < 100 ? 0.5 : 300 } as EndpointOutcomes, second);
    if (second > 110) assert.equal(times.slowSince(100, second)?.usualMs, 0.5, String(second));
  }
});

test('too few new connections say nothing', () => assert.equal(slow(300, 30), null));

test('a slow network is suspected before the application', () => {
  const [first, second] = ranking(incidentOf('slower', [['late_response', 90]]), {
    slowConnects: { usualMs: 0.5, nowMs: 300 },
  });
  assert.deepEqual([first?.name, second?.name], ['network', 'slow_application']);
  assert.match(first?.sentence ?? '', /a new connection takes 300 ms/);
});

/** Ten new connections each second, of which so many take a second or more. */
function again(count: number): ReturnType<ConnectTimes['sentAgain']> {
  const times = new ConnectTimes();
  for (let second = 1; second <= 40; second++)
    times.add({ connectMsMin: 0.5, connects: 10, connectsAgain: count } as EndpointOutcomes, second);
  return times.sentAgain(40);
}

test('new connections whose first packet was sent again are counted', () => {
  assert.deepEqual(again(2), { connects: 300, again: 60 });
  assert.equal(again(0.1), null);
});

test('lost packets are late on kept connections too; an application that takes connections late is not', () => {
  const first = (slowShareOfUsed: number) =>
    ranking(incidentOf('slower', [['late_response', 90]]), {
      connectsAgain: { connects: 300, again: 60, slowShareOfUsed },
    })[0];
  assert.equal(first(0.2)?.name, 'network');
  assert.match(first(0.2)?.sentence ?? '', /^Packets between the gateway and the endpoints are lost/);
  assert.equal(first(0)?.name, 'slow_application');
  assert.match(
    first(0)?.sentence ?? '',
    /^The application takes new connections late: its queue of connections is full/,
  );
});
