import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListenerSpec } from '../core/listener-spec.ts';
import type { NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { CertificateWatch, ownCertificates, type WatchedCertificate } from './certificate-watch.ts';

const dayMs = 86_400_000;

function listener(notAfter: number): WatchedCertificate[] {
  const certificates = [{ names: ['shop.test', 'www.shop.test'], certificate: '', key: '', notAfter }];
  const listeners = [{ id: 'https', tls: { certificates } } as unknown as ListenerSpec];
  return [...ownCertificates({ listeners, admin: { socket: null, listen: null, tokens: [], hosts: [] } })];
}

test('a certificate that expires is reported 21, 7 and 1 days before, and when it has expired, once each', () => {
  const clock = new SimulatedClock();
  const events: NewEvent[] = [];
  const listeners = listener(clock.wallTime() + 22 * dayMs + 1000);
  const watch = new CertificateWatch(clock, { emit: (event) => void events.push(event) }, () => listeners);
  watch.look();
  const reasons: [day: number, reason: string][] = [];
  for (let hour = 0; hour < 24 * 24; hour++) {
    clock.advanceSync(3_600_000);
    if (hour % 50 === 0) watch.look(); // As after reloads.
    for (const { reason } of events.splice(0)) reasons.push([Math.floor(hour / 24), reason]);
  }
  const day = new Date(clock.wallTime() - 2 * dayMs).toISOString().slice(0, 10);
  assert.deepEqual(
    reasons.map(([at, reason]) => [at, reason.replaceAll(day, 'DAY')]),
    [
      [1, 'the certificate for shop.test expires in 21 days, on DAY: replace its files and reload'],
      [15, 'the certificate for shop.test expires in 7 days, on DAY: replace its files and reload'],
      [21, 'the certificate for shop.test expires in 1 day, on DAY: replace its files and reload'],
      [22, 'the certificate for shop.test has expired on DAY: clients refuse it; replace its files and reload'],
    ],
  );
  watch.close();
});

test('a certificate that was replaced is not reported any more, and another one begins anew', () => {
  const clock = new SimulatedClock();
  const events: NewEvent[] = [];
  let listeners = listener(clock.wallTime() + 5 * dayMs);
  const watch = new CertificateWatch(clock, { emit: (event) => void events.push(event) }, () => listeners);
  watch.look();
  watch.look();
  assert.equal(events.length, 1);
  listeners = listener(clock.wallTime() + 90 * dayMs);
  watch.look();
  assert.deepEqual([events.length, events[1]?.to], [2, 'valid']);
  listeners = listener(clock.wallTime() + 3 * dayMs);
  watch.look();
  assert.deepEqual([events.length, events[2]?.to], [3, 'expiring']);
  watch.close();
});

test('the certificate of the admin API is reported too, and that of an endpoint with what its operator can do', () => {
  const clock = new SimulatedClock();
  const events: NewEvent[] = [];
  const notAfter = clock.wallTime() + 5 * dayMs;
  const certificate = { names: ['gw.test'], certificate: '', key: '', notAfter };
  const tls = { certificate, versionMin: 'TLSv1.3', ciphers: '' } as const;
  const own = ownCertificates({ listeners: [], admin: { socket: null, listen: null, tokens: [], hosts: [], tls } });
  const seen = { subject: 'endpoint:app/a', names: [], notAfter };
  const watch = new CertificateWatch(clock, { emit: (event) => void events.push(event) }, () => [...own, seen]);
  watch.look();
  clock.advanceSync(6 * dayMs);
  watch.close();
  const day = new Date(notAfter).toISOString().slice(0, 10);
  const bySubject = (subject: string): string[] =>
    events.filter((event) => event.subject === subject).map(({ reason }) => reason.replace(day, 'DAY'));
  assert.equal(
    bySubject('admin')[0],
    'the certificate for gw.test expires in 5 days, on DAY: replace its files and reload',
  );
  assert.equal(
    bySubject('endpoint:app/a').at(-1),
    'the certificate of the endpoint for no name has expired on DAY: connections to it fail unless `verify` is false; renew it there',
  );
});

test('an end is reported when it comes, with the state before, and not an hour later', () => {
  const clock = new SimulatedClock();
  const events: NewEvent[] = [];
  const certificates = listener(clock.wallTime() + 22 * dayMs + 90_000);
  const watch = new CertificateWatch(clock, { emit: (event) => void events.push(event) }, () => certificates);
  watch.look();
  const after = (ms: number): unknown[] => {
    clock.advanceSync(ms);
    return events.splice(0).map(({ from, to }) => [from, to]);
  };
  assert.deepEqual(after(dayMs + 89_000), []);
  assert.deepEqual(after(2000), [['valid', 'expiring']]);
  assert.equal(after(20 * dayMs + 10_000).length, 2);
  assert.deepEqual(after(dayMs - 12_000), []);
  assert.deepEqual(after(2000), [['expiring', 'expired']]);
  watch.close();
});

test('a certificate that is not valid yet is reported with both times, once', () => {
  const clock = new SimulatedClock();
  const events: NewEvent[] = [];
  const [first] = listener(clock.wallTime() + 22 * dayMs);
  assert.ok(first !== undefined);
  const certificates = [{ ...first, notBefore: clock.wallTime() + dayMs }];
  const watch = new CertificateWatch(clock, { emit: (event) => void events.push(event) }, () => certificates);
  watch.look();
  watch.look();
  const [from, now] = [certificates[0]?.notBefore ?? 0, clock.wallTime()].map((time) => new Date(time).toISOString());
  assert.deepEqual(
    events.splice(0).map(({ kind, reason }) => [kind, reason]),
    [
      [
        'certificate_not_yet_valid',
        `the certificate for shop.test is valid from ${from} on, and the clock of this machine says ${now}: clients refuse it until then; wait, or correct the clock`,
      ],
    ],
  );
  clock.advanceSync(dayMs + 1000);
  assert.deepEqual(
    events.map(({ kind, from }) => [kind, from]),
    [['certificate_expiring', 'not_yet_valid']],
  );
  watch.close();
});
