import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { harmOf, judgeControl, judgeOutage } from './judge.ts';
import { judgeTable } from './judge-table.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { decodeSeconds, encodeSeconds, type PlayResult, type SeenIncident } from './play-result.ts';
import { shop } from './shop.ts';

const nothing = async (): Promise<void> => {};
const example: Outage = outage('example', 'release', {
  what: 'A release breaks the checkout.',
  suspects: ['release'],
  side: 'application',
  names: ['checkout|orders'],
  setup: shop(),
  begin: nothing,
  end: nothing,
});

/** A play whose outage lasts from the tenth second to the thirtieth; one request of four fails from the twelfth to the thirty-first. */
function play(incidents: readonly SeenIncident[], more: Partial<PlayResult> = {}): PlayResult {
  const seconds = Array.from({ length: 60 }, (_, second) => (second >= 12 && second <= 31 ? '4/1/0/0' : '4'));
  return {
    name: 'example',
    isControl: false,
    beginSecond: 10,
    endSecond: 30,
    lastSecond: 59,
    names: ['checkout|orders'],
    flows: { 'POST /api/checkout': seconds.join(), 'GET /': Array.from({ length: 60 }, () => '12').join() },
    errors: {},
    incidents,
    events: [],
    cpuSeconds: 1,
    wallSeconds: 60,
    ...more,
  };
}

function shown(second: number, suspect: string, more: Partial<SeenIncident> = {}): SeenIncident {
  return {
    second,
    key: 'a-1',
    title: 'requests fail',
    reason: '5xx',
    whose: 'application',
    upstream: 'shop',
    isResolved: false,
    isJoined: false,
    routes: ['checkout'],
    endpoints: [],
    causes: ['app_error'],
    suspects: [{ name: suspect, sentence: 'Something changed.', evidence: [], nextStep: 'Look.' }],
    additions: [],
    ...more,
  };
}

describe('harm', () => {
  test('begins and ends with what clients suffer, and is a share of all requests and of the worst kind', () => {
    assert.deepEqual(harmOf(play([]), []), { began: 12, ended: 31, share: 20 / 320, worstShare: 0.25 });
  });

  test('is nothing where clients suffer before the outage alone', () => {
    assert.equal(harmOf(play([], { beginSecond: 40, endSecond: 50 }), []), null);
  });

  test('counts slow and different answers where the outage is about them, and a request once', () => {
    const flows = { 'GET /': Array.from({ length: 60 }, (_, second) => (second >= 20 ? '4/2/0/3' : '4')).join() };
    assert.equal(harmOf(play([], { flows }), [])?.share, 0.5);
    assert.equal(harmOf(play([], { flows }), ['slow'])?.share, 1);
    assert.equal(harmOf(play([], { flows }), ['different'])?.share, 0.5);
  });

  test('does not begin with a single slow request', () => {
    const seconds = Array.from({ length: 60 }, (_, second) =>
      second === 11 ? '4/0/0/1' : second >= 20 ? '4/0/0/2' : '4',
    );
    assert.equal(harmOf(play([], { flows: { 'GET /': seconds.join() } }), ['slow'])?.began, 20);
  });
});

describe('an outage', () => {
  test('is found where an incident opens with the right cause first, which it names', () => {
    const judged = judgeOutage(example, play([shown(15, 'release')]));
    assert.equal(judged.openedAfter, 3);
    assert.deepEqual([judged.atOpening, judged.tenSecondsLater, judged.atEnd], ['right', 'right', 'right']);
    assert.deepEqual([judged.isSideRight, judged.isResolvedEarly, judged.incidents], [true, false, 1]);
  });

  test('is judged at its opening, ten seconds later and at its end', () => {
    const judged = judgeOutage(example, play([shown(15, 'crash'), shown(20, 'release'), shown(29, 'dns')]));
    assert.deepEqual([judged.atOpening, judged.tenSecondsLater, judged.atEnd], ['wrong', 'right', 'wrong']);
  });

  test('has its cause unnamed where neither incident nor suspect has the name', () => {
    assert.equal(judgeOutage(example, play([shown(15, 'release', { routes: ['cart'] })])).atEnd, 'unnamed');
    assert.equal(judgeOutage(example, play([shown(15, 'release', { routes: ['Orders'] })])).atEnd, 'right');
  });

  test('is missed where no incident opens, or one that had opened before it', () => {
    for (const incidents of [[], [shown(5, 'release'), shown(20, 'release')]]) {
      const judged = judgeOutage(example, play(incidents));
      assert.deepEqual([judged.openedAfter, judged.atEnd, judged.incidents], [null, 'none', 0]);
    }
  });

  test('is missed where an incident opens long after it', () => {
    assert.equal(judgeOutage(example, play([shown(50, 'release')])).openedAfter, null);
  });

  test('is resolved early where no incident is open while clients suffer on', () => {
    const early = [shown(15, 'release'), shown(20, 'release', { isResolved: true })];
    assert.equal(judgeOutage(example, play(early)).isResolvedEarly, true);
    const another = [shown(15, 'release'), shown(16, 'release', { key: 'a-2' }), ...early.slice(1)];
    assert.equal(judgeOutage(example, play(another)).isResolvedEarly, false);
    const late = [shown(15, 'release'), shown(45, 'release', { isResolved: true })];
    assert.equal(judgeOutage(example, play(late)).isResolvedEarly, false);
  });

  test('shows the earliest of several incidents that are open, and counts them', () => {
    const judged = judgeOutage(example, play([shown(15, 'release'), shown(18, 'crash', { key: 'a-2' })]));
    assert.deepEqual([judged.tenSecondsLater, judged.incidents], ['right', 2]);
  });
});

test('a control has a false alarm where any incident opens', () => {
  assert.equal(judgeControl('quiet', play([])).isFalseAlarm, false);
  assert.equal(judgeControl('quiet', play([shown(20, 'release')])).isFalseAlarm, true);
});

test('seconds are the same after they were written and read', () => {
  const seconds = [
    { requests: 4, failed: 0, different: 0, slow: 0 },
    { requests: 5, failed: 1, different: 2, slow: 3 },
  ];
  assert.deepEqual(decodeSeconds(encodeSeconds(seconds)), seconds);
  assert.deepEqual(decodeSeconds(encodeSeconds([undefined])), [{ requests: 0, failed: 0, different: 0, slow: 0 }]);
});

test('the table has shares of all, of low rates and of those without 5xx, and the false alarms', () => {
  const judged = [judgeOutage(example, play([shown(15, 'release')])), judgeOutage(example, play([]))];
  const text = judgeTable(judged, [judgeControl('quiet', play([shown(20, 'release')]))]);
  assert.match(text, /^all +2 +50 % +50 % +50 % +50 % +50 % +50 % +opened within 10 s: 1 of 2/m);
  assert.match(text, /^low rate +0 +- /m);
  assert.match(text, /^false alarms in controls: 1 of 1$/m);
});
