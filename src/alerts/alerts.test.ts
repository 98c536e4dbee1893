import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Alert, AlertsSpec } from '../core/alert.ts';
import type { Event, NewEvent, PresentIncident } from '../core/event.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { EmittedEvents, eventOf, targetSample } from './alert-samples.test-support.ts';
import { Alerts } from './alerts.ts';
import { AlertsFile } from './alerts-file.ts';
import { accepted, type AlertChannel, type AlertMessage, refused, type SendResult } from './channel.ts';

let folder: string;
let channel: FakeChannel;
let clock: SimulatedClock;
let events: EmittedEvents;
let running: Alerts[];
/** The incident that goes on. */
let present: PresentIncident | null;
const spec: AlertsSpec = { link: 'https://gw.test/', grownEveryMs: 600_000, targets: [targetSample] };

/** Keeps what it is sent: 'key change (evidence)'. */
class FakeChannel implements AlertChannel {
  readonly destination = 'alerts.test';
  received: string[] = [];
  last: Alert | null = null;
  works = true;

  async send({ alert }: AlertMessage): Promise<SendResult> {
    const { key, change, evidence } = alert;
    this.last = alert;
    this.received.push(`${key} ${change}${evidence.length > 0 ? ` (${evidence.join()})` : ''}`);
    return this.works
      ? accepted('taken', [])
      : refused('it is down', 'Wait.', { isRetriable: true, exchange: ['< no'] });
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-alerts-'));
  running = [];
  present = null;
  channel = new FakeChannel();
  clock = new SimulatedClock();
  events = new EmittedEvents();
});

afterEach(async () => {
  await Promise.all(running.map((alerts) => alerts.close()));
  rmSync(folder, { recursive: true, force: true });
});

function start(): Alerts {
  const alerts = new Alerts(spec, {
    ...{ clock, random: new SeededRandom(1), events, deployment: () => 'shop', member: 'gw-1' },
    incidentOf: () => present,
    channelOf: () => channel,
    isStart: true,
    storage: new AlertsFile(folder),
  });
  running.push(alerts);
  return alerts;
}

const storeFails: Event = eventOf({
  ...{
    kind: 'store_failing',
    subject: 'store:/s',
    to: 'failing',
    reason: 'it is full',
    evidence: { path: '/s', fault: 'full', limit: null, needed: null },
  },
});
const storeWorks: Event = eventOf({
  ...storeFails,
  kind: 'store_failing',
  to: 'storing',
  evidence: { path: '/s', fault: null, limit: null, needed: null },
});

describe('alerts', () => {
  test('send an event to a target, once', async () => {
    const alerts = start();
    alerts.onEvent(storeFails);
    alerts.onEvent(storeFails);
    await clock.advance(1000);
    alerts.onEvent(storeWorks);
    await clock.advance(1000);
    assert.deepEqual(channel.received, ['records:store opened', 'records:store resolved']);
  });

  test('about something that comes and goes are few, and its end is told once', async () => {
    const alerts = start();
    const at = (event: Event): Event => ({ ...event, at: clock.wallTime() });
    for (let time = 0; time < 6; time += 1) {
      alerts.onEvent(at(storeFails));
      await clock.advance(20_000);
      alerts.onEvent(at(storeWorks));
      await clock.advance(20_000);
    }
    const during = ['opened', 'resolved', 'opened', 'grown'].map((change) => `records:store ${change}`);
    assert.deepEqual(channel.received, during);
    await clock.advance(600_000);
    assert.deepEqual(channel.received, [...during, 'records:store resolved']);
  });

  test('that were not delivered are delivered by the next process, and those that were are not', async () => {
    const first = start();
    first.onEvent(storeFails);
    await clock.advance(1000);
    channel.works = false;
    first.onEvent(storeWorks);
    await clock.advance(1000);
    await first.close();
    assert.deepEqual(events.kinds, ['alert_sent', 'alert_failed retrying']);
    channel.works = true;
    channel.received = [];
    const second = start();
    second.onEvent(storeWorks);
    await clock.advance(1000);
    assert.deepEqual(channel.received, ['records:store resolved']);
    assert.equal(second.status[0]?.queued, 0);
  });

  test('of an earlier process are over when this one has not reported them for a minute, as after a restart that has ended them', async () => {
    const scarce = (to: string): Event =>
      eventOf({
        ...{ kind: 'descriptors_exhausted', subject: 'gateway', to, reason: 'hardly any descriptor was left' },
        evidence: { limit: 200, needed: 11_024, wanted: 11_024, open: 190, closed: 3, refused: 4 },
      } as NewEvent<'descriptors_exhausted'>);
    const first = start();
    first.onEvent(storeFails);
    first.onEvent(scarce('refusing'));
    await clock.advance(1000);
    await first.close();
    channel.received = [];
    const second = start();
    await clock.advance(30_000);
    second.onEvent(storeFails);
    await clock.advance(60_000);
    assert.deepEqual(channel.received, ['gateway:descriptors resolved']);
    assert.match(channel.last?.text ?? '', /^The gateway has started again at 2.*, and has not seen this since\.$/);
    second.onEvent(storeWorks);
    await clock.advance(60_000);
    assert.deepEqual(channel.received, ['gateway:descriptors resolved', 'records:store resolved']);
    await second.close();
    const third = start();
    await clock.advance(1_000_000);
    await third.close();
    assert.equal(channel.received.length, 2);
  });

  test('of which the file has not all are left out', () => {
    const open = {
      'disk:/var': { severity: 'warning', steps: ['low'], at: 1 },
      'incident:1': { severity: 'warning', at: 1 },
      broken: { severity: 'warning', steps: 7, at: 1 },
    };
    writeFileSync(
      join(folder, 'alerts.json'),
      JSON.stringify({ version: 1, targets: { oncall: { open, queue: [] } } }),
    );
    assert.deepEqual(new AlertsFile(folder).read().targets['oncall']?.open, { 'disk:/var': open['disk:/var'] });
  });

  test('survive a reload: what waits goes to the target as it is then', async () => {
    channel.works = false;
    const alerts = start();
    alerts.onEvent(storeFails);
    await clock.advance(1);
    channel.works = true;
    alerts.use(spec);
    await clock.advance(1);
    assert.deepEqual(events.kinds, ['alert_failed retrying', 'alert_sent']);
    alerts.use({ ...spec, targets: [] });
    assert.deepEqual(alerts.status, []);
  });

  test('begin with nothing where their file is damaged', async () => {
    for (const content of [
      '{',
      '[]',
      '{"version":1,"targets":{"oncall":{"open":{},"queue":[{"alert":7}]}}}',
      '{"version":9}',
    ]) {
      writeFileSync(join(folder, 'alerts.json'), content);
      assert.deepEqual(new AlertsFile(folder).read(), { targets: {} }, content);
    }
  });

  test('about an incident wait for what the gateway finds, and no longer than 3 s', async () => {
    const alerts = start();
    const incident = {
      ...{
        incident: 1,
        key: 'run-1-1',
        ...{ upstream: 'api', upstreams: ['api'], family: 'gone', additions: [] },
        routes: [],
        cause: null,
        requests: 9,
        failed: 9,
        attemptsFailed: 9,
      },
      ...{ startedAt: '2026-01-01T00:00:00.000Z', suspects: [], nextStep: null },
    };
    const opened = {
      kind: 'incident_opened',
      subject: 'upstream:api',
      reason: 'it fails',
      evidence: incident,
    } as const;
    alerts.onEvent(eventOf(opened));
    const examined = { incident: 1, key: 'run-1-1', findings: ['GET / is refused'] };
    alerts.onEvent(eventOf({ kind: 'incident_examined', subject: 'upstream:api', reason: '', evidence: examined }));
    await clock.advance(1000);
    assert.deepEqual(channel.received, ['incident:run-1-1 opened (GET / is refused)']);
    alerts.onEvent(eventOf({ ...opened, evidence: { ...incident, key: 'run-1-2' } }, 2, clock.wallTime()));
    await clock.advance(2999);
    assert.equal(channel.received.length, 1);
    await clock.advance(1);
    assert.equal(channel.received[1], 'incident:run-1-2 opened');
  });

  describe('about a muted incident', () => {
    const minute = 60_000;
    const facts = (key: string, muted: number | null = null) => ({
      ...{ incident: 1, key, upstream: 'api', upstreams: ['api'], family: 'gone', routes: [], cause: null },
      ...{ requests: 9, failed: 9, attemptsFailed: 9, startedAt: '', suspects: [], additions: [], nextStep: null },
      ...(muted === null ? {} : { mutedUntil: new Date(muted).toISOString() }),
    });
    const report = (
      alerts: Alerts,
      kind: `incident_${'opened' | 'grown' | 'corrected' | 'resolved'}`,
      evidence: ReturnType<typeof facts>,
    ): void => alerts.onEvent(eventOf({ kind, subject: 'upstream:api', reason: '', evidence }, 1, clock.wallTime()));
    const mute = (alerts: Alerts, key: string, until: number | null): void =>
      alerts.onEvent(
        eventOf({
          ...{ kind: 'incident_muted', subject: 'upstream:api', reason: '' },
          evidence: { incident: 1, key, until: until === null ? null : new Date(until).toISOString(), reason: null },
        }),
      );

    test('wait until its time, each change once; another incident is told of', async () => {
      const alerts = start();
      report(alerts, 'incident_opened', facts('a'));
      await clock.advance(minute);
      const until = clock.wallTime() + 120 * minute;
      mute(alerts, 'a', until);
      report(alerts, 'incident_grown', facts('a', until));
      await clock.advance(30 * minute);
      report(alerts, 'incident_grown', facts('a', until));
      report(alerts, 'incident_corrected', facts('a', until));
      report(alerts, 'incident_opened', facts('b'));
      await clock.advance(89 * minute);
      assert.deepEqual(channel.received, ['incident:a opened', 'incident:b opened']);
      await clock.advance(minute);
      assert.deepEqual(channel.received.slice(2), ['incident:a corrected']);
    });

    test('are held also where they wait already, and sent when it is unmuted', async () => {
      const alerts = start();
      report(alerts, 'incident_opened', facts('a'));
      await clock.advance(minute);
      report(alerts, 'incident_grown', facts('a'));
      mute(alerts, 'a', clock.wallTime() + 60 * minute);
      await clock.advance(20 * minute);
      assert.deepEqual(channel.received, ['incident:a opened']);
      mute(alerts, 'a', null);
      await clock.advance(1);
      assert.deepEqual(channel.received, ['incident:a opened', 'incident:a grown']);
    });

    test('tell its end at once, and then nothing of what was held', async () => {
      const alerts = start();
      report(alerts, 'incident_opened', facts('a'));
      await clock.advance(minute);
      const until = clock.wallTime() + 60 * minute;
      mute(alerts, 'a', until);
      report(alerts, 'incident_grown', facts('a', until));
      report(alerts, 'incident_resolved', facts('a', until));
      await clock.advance(61 * minute);
      assert.deepEqual(channel.received, ['incident:a opened', 'incident:a resolved']);
    });
  });

  test('test a target past its queue, and say what came back', async () => {
    const alerts = start();
    assert.equal(await alerts.test('nobody'), null);
    const [good] = (await alerts.test('oncall')) ?? [];
    channel.works = false;
    const [bad] = (await alerts.test(null)) ?? [];
    assert.deepEqual([good?.ok, good?.nextStep, bad?.ok, bad?.exchange.at(-1)], [true, null, false, '< no']);
    assert.match(channel.received[0] ?? '', /^test:/);
    const [{ sent, tests } = {}] = alerts.status;
    assert.deepEqual([sent, tests], [0, 1], 'a test that was accepted is counted');
  });

  test('that wait follow a test that the target accepts', async () => {
    channel.works = false;
    const alerts = start();
    alerts.onEvent(storeFails);
    await clock.advance(1);
    await alerts.test('oncall');
    await clock.advance(1);
    assert.equal(alerts.status[0]?.queued, 1, 'it still fails');
    channel.works = true;
    await alerts.test('oncall');
    await clock.advance(1);
    assert.equal(alerts.status[0]?.queued, 0);
  });
});

describe('an incident that comes again soon', () => {
  const subject = 'upstream:shop';
  let seq = 0;
  type Change = 'opened' | 'grown' | 'corrected' | 'resolved';

  function factsOf(incident: number, cause: string | null) {
    return {
      ...{ upstream: 'shop', upstreams: ['shop'], family: 'application', routes: ['/'], cause: null },
      ...{ requests: 60, failed: 41, attemptsFailed: 41, startedAt: '', nextStep: null, additions: [] },
      ...{ incident, key: `${incident}` },
      suspects: cause === null ? [] : [{ name: cause, sentence: `the cause is ${cause}` }],
    };
  }

  function tell(alerts: Alerts, change: Change, incident: number, cause: string | null = 'pool_leak'): void {
    const evidence = factsOf(incident, cause);
    const reason = change === 'corrected' ? 'It has another cause than was told.' : 'it fails';
    const event = { kind: `incident_${change}`, subject, reason, evidence } as unknown as NewEvent;
    alerts.onEvent(eventOf(event, (seq += 1), clock.wallTime()));
    const facts = { facts: evidence, reason, subject, findings: ['a look'] };
    if (change === 'opened') present = { ...facts, openedAt: clock.wallTime(), lastAt: clock.wallTime() };
    if (change === 'resolved') present = null;
  }

  /** It fails for so long, and is over a minute later. */
  async function fails(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1000) {
      await clock.advance(1000);
      if (present !== null) present = { ...present, lastAt: clock.wallTime() };
    }
  }
  async function flap(alerts: Alerts, incident: number): Promise<void> {
    tell(alerts, 'opened', incident);
    await fails(20_000);
    await clock.advance(60_000);
    tell(alerts, 'resolved', incident);
  }
  const told = (): string[] => channel.received.map((one) => one.replace(/ \(.*/, '').replace('incident:', ''));

  /** Two that are over, of which the end of the second one waits. */
  async function twoFlaps(): Promise<Alerts> {
    const alerts = start();
    for (const incident of [1, 2]) {
      await flap(alerts, incident);
      await clock.advance(8000);
    }
    assert.deepEqual(told(), ['1 opened', '1 resolved', '2 opened']);
    channel.received = [];
    return alerts;
  }

  test('is told when it fails for 30 s, with the end of the one before', async () => {
    const alerts = await twoFlaps();
    tell(alerts, 'opened', 3);
    await fails(29_000);
    assert.deepEqual(told(), []);
    await fails(6000);
    assert.deepEqual(told(), ['2 resolved', '3 opened']);
    assert.deepEqual(channel.last?.evidence, ['the cause is pool_leak', 'a look']);
    await fails(115_000);
    tell(alerts, 'resolved', 3);
    await clock.advance(60_000);
    assert.deepEqual(told(), ['2 resolved', '3 opened', '3 resolved']);
  });

  test('is told also when its failures pause and go on', async () => {
    const alerts = await twoFlaps();
    tell(alerts, 'opened', 3);
    await clock.advance(45_000);
    assert.deepEqual(told(), []);
    await fails(6000);
    assert.deepEqual(told(), ['2 resolved', '3 opened']);
  });

  test('is told at once when it has another cause', async () => {
    const alerts = await twoFlaps();
    tell(alerts, 'opened', 3, 'out_of_memory_elsewhere');
    await clock.advance(3000);
    assert.deepEqual(told(), ['2 resolved', '3 opened']);
  });

  test('is told as opened, not as corrected, when another cause is found', async () => {
    const alerts = await twoFlaps();
    tell(alerts, 'opened', 3, null);
    await fails(10_000);
    tell(alerts, 'corrected', 3, 'slow_query');
    await clock.advance(1);
    assert.deepEqual(told(), ['2 resolved', '3 opened']);
    assert.equal(channel.last?.title, 'incident 3 at shop: 41 of 60 requests failed');
    assert.deepEqual(channel.last?.evidence, ['the cause is slow_query', 'a look']);
    tell(alerts, 'corrected', 3, 'crash');
    await clock.advance(1);
    assert.deepEqual(told().at(-1), '3 corrected');
  });

  test('is told as opened where the target was told nothing of it before its correction', async () => {
    const alerts = start();
    tell(alerts, 'corrected', 1, 'slow_query');
    await clock.advance(1);
    assert.deepEqual(told(), ['1 opened']);
  });

  test('and goes has no message for each time, and one end a minute after the last', async () => {
    const alerts = await twoFlaps();
    for (const incident of [3, 4, 5, 6]) {
      await flap(alerts, incident);
      await clock.advance(8000);
    }
    assert.deepEqual(told(), ['2 grown']);
    await clock.advance(52_000);
    assert.deepEqual(told(), ['2 grown', '2 resolved']);
  });

  test('and lasts is told by the next process, if this one ends before', async () => {
    const alerts = await twoFlaps();
    tell(alerts, 'opened', 3);
    await fails(5000);
    await alerts.close();
    start();
    await fails(35_000);
    assert.deepEqual(told(), ['2 resolved', '3 opened']);
  });
});

describe('a process that is killed again and again', () => {
  const facts = {
    ...{ upstream: 'shop', upstreams: ['shop'], family: 'gone', routes: ['/'], cause: 'connect_refused' },
    ...{ requests: 60, failed: 41, attemptsFailed: 41, startedAt: '', nextStep: null, additions: [] },
    suspects: [{ name: 'out_of_memory', sentence: 'shop/1 ended because its heap was full.' }],
  };
  let seq = 0;
  const tell = (alerts: Alerts, event: object): void =>
    alerts.onEvent(eventOf(event as NewEvent, (seq += 1), clock.wallTime()));
  const loop = (alerts: Alerts, to: 'failing' | 'stable', serving: readonly string[] = []): void =>
    tell(alerts, {
      ...{ kind: 'application_crash_loop', subject: 'application:shop', to, reason: 'it ends again and again' },
      evidence: { application: 'shop', instance: 'shop/1', ends: 4, serving, fix: null },
    });
  /** A crash, of which an incident tells for 70 s, and the time until the next one. */
  async function crash(alerts: Alerts, incident: number, everyMs = 120_000, family = 'gone'): Promise<void> {
    const evidence = { ...facts, family, incident, key: `run-1-${incident}` };
    const subject = 'upstream:shop';
    tell(alerts, { kind: 'incident_opened', subject, reason: 'it fails', evidence });
    await clock.advance(10_000);
    tell(alerts, { kind: 'incident_grown', subject, reason: 'it fails', evidence: { ...evidence, failed: 50 } });
    await clock.advance(60_000);
    tell(alerts, { kind: 'incident_resolved', subject, reason: 'it is over', evidence });
    await clock.advance(everyMs - 70_000);
  }

  test('is told when it is killed first, as a loop, and when the loop is over, and not for each time', async () => {
    const alerts = start();
    for (const incident of [1, 2, 3]) await crash(alerts, incident);
    loop(alerts, 'failing');
    for (const incident of [4, 5, 6, 7]) await crash(alerts, incident, 120_000, incident % 2 === 0 ? 'reset' : 'gone');
    loop(alerts, 'stable');
    await clock.advance(15 * 60_000);
    const told = channel.received.map((one) => one.replace(/ \(.*/, ''));
    assert.deepEqual(told, ['incident:run-1-1 opened', 'incident:run-1-1 grown', 'incident:run-1-1 resolved']);
    assert.match(channel.last?.title ?? '', /^resolved: shop\/1 no longer ends again and again$/);
  });

  test('is told as a loop also while an incident of it goes on, and once more where no other instance serves', async () => {
    const alerts = start();
    tell(alerts, {
      kind: 'incident_opened',
      subject: '',
      reason: '',
      evidence: { ...facts, failed: 3, incident: 1, key: '1' },
    });
    await clock.advance(10_000);
    loop(alerts, 'failing', ['shop/2']);
    await clock.advance(10_000);
    await crash(alerts, 2);
    assert.deepEqual(
      channel.received.map((one) => one.replace(/ \(.*/, '')),
      ['incident:1 opened', 'incident:1 grown', 'incident:1 grown'],
    );
    assert.equal(channel.last?.severity, 'critical');
  });

  test('has one message for one crash, and one for its end, which waits for the next crash', async () => {
    const alerts = start();
    await crash(alerts, 1);
    assert.equal(channel.received.length, 1);
    await clock.advance(200_000);
    assert.equal(channel.received.length, 2);
  });
});
