import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dayMs, down, hourMs, issuerWorld, minuteMs, wanted } from './issuer-world.test-support.ts';
import { pass, problem } from './simulated-authority.test-support.ts';

test('a certificate is renewed at two thirds of its lifetime, once', async (t) => {
  const made = issuerWorld(t);
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs);
  const [before] = made.published;
  assert.deepEqual(before?.names, ['a.test']);
  await pass(made.clock, 54 * dayMs);
  assert.equal(made.published[0], before, 'nothing is ordered before');
  await pass(made.clock, 7 * dayMs);
  assert.ok((made.published[0]?.notAfter ?? 0) > before.notAfter + 50 * dayMs);
  assert.deepEqual(
    made.log.of('certificate_issued').map(({ evidence }) => evidence.isRenewal),
    [false, true],
  );
  assert.equal(made.first.count('newOrder'), 2);
  await issuer.close();
  assert.equal(made.clock.timersLive, 0);
});

test('CAs that are down take no certificate away; it is warned of three times and when it has expired, and renewed as soon as one is back', async (t) => {
  const made = issuerWorld(t);
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs);
  const [before] = made.published;
  made.first.fault = down;
  made.second.fault = down;
  await pass(made.clock, 95 * dayMs);
  assert.equal(made.published[0], before);
  assert.deepEqual(
    made.log.of('certificate_expiring').map(({ evidence, from, to }) => [evidence.daysLeft, from, to]),
    [
      [21, 'valid', 'expiring'],
      [7, 'expiring', 'expiring'],
      [1, 'expiring', 'expiring'],
      [0, 'expiring', 'expired'],
    ],
  );
  const failures = made.log.of('certificate_renewal_failed');
  assert.match(
    failures[0]?.reason ?? '',
    /^no renewed certificate for a\.test: .*; the present one is valid until \S+ and stays in use/,
  );
  assert.match(failures.at(-1)?.reason ?? '', /; the present one has expired on .*: clients refuse it; next attempt/);
  assert.ok(failures.length > 24 && failures.every(({ evidence }) => evidence.cause === 'unreachable'));
  made.first.fault = () => null;
  await pass(made.clock, 5 * hourMs);
  assert.ok((made.published[0]?.notAfter ?? 0) > made.clock.wallTime());
  await issuer.close();
});

test('a host without a certificate gets it from the second CA at once, and a renewal only after three failures of the first', async (t) => {
  const made = issuerWorld(t);
  const failing = (path: string) => (path === 'newOrder' ? problem('serverInternal', 500) : null);
  made.first.fault = failing;
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, 1000);
  assert.equal(made.first.count('newOrder'), 1);
  assert.equal(made.published[0]?.directoryUrl, made.second.directoryUrl);
  const [failed] = made.log.of('certificate_renewal_failed');
  assert.match(failed?.reason ?? '', /; the next CA is asked now$/);
  made.first.fault = () => null;
  await pass(made.clock, 61 * dayMs);
  assert.equal(made.published[0]?.directoryUrl, made.first.directoryUrl);
  made.first.fault = failing;
  await pass(made.clock, 61 * dayMs);
  assert.equal(made.published[0]?.directoryUrl, made.second.directoryUrl);
  assert.equal(made.first.count('newOrder'), 1 + 1 + 3);
  await issuer.close();
});

test('where no CA can issue, each is asked again after its own pause', async (t) => {
  const made = issuerWorld(t);
  made.first.fault = (path) => (path === 'newOrder' ? problem('rateLimited', 429) : null);
  made.second.fault = down;
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, 59 * minuteMs);
  assert.equal(made.first.count('newOrder'), 1, 'it asked for an hour');
  const asked = made.second.requests.length;
  assert.ok(asked >= 5, String(asked));
  await pass(made.clock, 30 * minuteMs);
  assert.equal(made.first.count('newOrder'), 2);
  await issuer.close();
});

test('a failed challenge is not tried at the next CA', async (t) => {
  const made = issuerWorld(t);
  made.first.authorizationStatusAtEnd = 'invalid';
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, 4 * minuteMs);
  assert.deepEqual([made.first.count('newOrder'), made.second.count('newOrder')], [1, 0]);
  await issuer.close();
});

test('the certificate of a CA that is not asked any more stays until the one of another CA is there', async (t) => {
  const made = issuerWorld(t);
  const before = made.issuer(made.first);
  before.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs);
  await before.close();
  const [old] = made.published;
  made.second.fault = down;
  const issuer = made.issuer(made.second);
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs / 2);
  assert.equal(made.published[0]?.certificate, old?.certificate);
  made.second.fault = () => null;
  await pass(made.clock, 5 * minuteMs);
  assert.deepEqual(
    made.published.map(({ directoryUrl }) => directoryUrl),
    [made.second.directoryUrl],
  );
  await issuer.close();
});

test('after a rate limit the name is not ordered for an hour, and other names are', async (t) => {
  const made = issuerWorld(t);
  const isLimited = (body: string | null) =>
    Buffer.from((JSON.parse(body ?? '{}') as { payload: string }).payload, 'base64url').includes('a.test');
  made.first.fault = (path, { body }) => (path === 'newOrder' && isLimited(body) ? problem('rateLimited', 429) : null);
  const issuer = made.issuer(made.first);
  issuer.setWanted([wanted('a.test'), wanted('b.test')]);
  await pass(made.clock, hourMs);
  assert.equal(made.first.count('newOrder'), 2);
  assert.deepEqual(
    made.published.map(({ names }) => names),
    [['b.test']],
  );
  const [failed] = made.log.of('certificate_renewal_failed');
  assert.equal(failed?.evidence.cause, 'rate_limited');
  assert.ok((failed?.evidence.retryMs ?? 0) >= hourMs);
  await pass(made.clock, hourMs);
  assert.equal(made.first.count('newOrder'), 3);
  await issuer.close();
});

test('a CA that wants a certificate replaced early gets its wish', async (t) => {
  const made = issuerWorld(t);
  const start = made.clock.wallTime();
  made.first.window = { start: start + 60 * dayMs, end: start + 61 * dayMs };
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, 3 * dayMs);
  assert.equal(made.first.count('newOrder'), 1);
  made.first.window = { start: start + dayMs, end: start + 2 * dayMs };
  await pass(made.clock, 8 * hourMs);
  assert.ok(made.first.count('newOrder') >= 2);
  assert.ok(made.first.payloads.some((payload) => 'replaces' in (payload as object)));
  await issuer.close();
});

test('a certificate that is due as soon as it is issued is not ordered more than once an hour', async (t) => {
  const made = issuerWorld(t);
  const now = made.clock.wallTime();
  made.first.window = { start: now - 2 * dayMs, end: now - dayMs };
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, 10 * hourMs);
  const orders = made.first.count('newOrder');
  assert.ok(orders >= 9 && orders <= 11, String(orders));
  await issuer.close();
});

test('a certificate of an hour is renewed before it ends', async (t) => {
  const made = issuerWorld(t);
  made.first.lifetimeMs = hourMs;
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  for (let minutes = 1; minutes < 300; minutes++) {
    await pass(made.clock, minuteMs);
    assert.ok((made.published[0]?.notAfter ?? 0) > made.clock.wallTime() + 10 * minuteMs, `after ${minutes} minutes`);
  }
  const orders = made.first.count('newOrder');
  assert.ok(orders <= 9, String(orders));
  await issuer.close();
});

test('of two issuers of a folder one orders, the other publishes what it wrote, and takes over when it goes', async (t) => {
  const made = issuerWorld(t);
  const ordering = made.issuer();
  ordering.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs);
  const [certificate] = made.published;
  made.published = [];
  const other = made.issuer();
  other.setWanted([wanted('a.test'), wanted('b.test')]);
  assert.deepEqual(
    made.published.map((one) => one.certificate),
    [certificate?.certificate],
  );
  await pass(made.clock, dayMs);
  assert.equal(made.first.count('newOrder'), 1, 'the other one does not order');
  await ordering.close();
  await pass(made.clock, 2 * minuteMs);
  assert.deepEqual(
    made.published.map(({ names }) => names),
    [['a.test'], ['b.test']],
  );
  assert.equal(made.first.count('newAccount'), 1, 'the account is shared');
  await other.close();
});

test('what the owner orders later is published by the other processes within two minutes', async (t) => {
  const made = issuerWorld(t);
  const ordering = made.issuer();
  ordering.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs);
  const other = made.issuer();
  other.setWanted([wanted('b.test')]);
  await pass(made.clock, minuteMs);
  made.published = [];
  ordering.setWanted([wanted('a.test'), wanted('b.test')]);
  await pass(made.clock, 5000);
  made.published = [];
  await pass(made.clock, 2 * minuteMs);
  assert.deepEqual(
    made.published.map(({ names }) => names),
    [['b.test']],
  );
  await ordering.close();
  await other.close();
});

test('a damaged file is ordered again, and a name that is not wanted any more is not', async (t) => {
  const made = issuerWorld(t);
  const before = made.issuer();
  before.setWanted([wanted('a.test'), wanted('b.test')]);
  await pass(made.clock, minuteMs);
  await before.close();
  const folder = join(made.folder, 'certificates');
  for (const file of readdirSync(folder))
    if (file.startsWith('certificate-')) writeFileSync(join(folder, file), '{"names":[');
  const after = made.issuer();
  after.setWanted([wanted('b.test')]);
  assert.deepEqual(made.published, []);
  await pass(made.clock, minuteMs);
  assert.deepEqual(
    made.published.map(({ names }) => names),
    [['b.test']],
  );
  assert.equal(made.first.count('newOrder'), 3);
  await after.close();
});

test('a folder that cannot be written is reported once, and nothing is ordered', async (t) => {
  const made = issuerWorld(t);
  writeFileSync(join(made.folder, 'certificates'), 'a file');
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, dayMs);
  assert.equal(made.log.of('state_unusable').length, 1);
  assert.equal(made.first.requests.length, 0);
  await issuer.close();
});

test('a hanging CA does not hold up the end', async (t) => {
  const made = issuerWorld(t);
  made.first.fault = () => 'hang';
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, 1000);
  const closing = issuer.close();
  await pass(made.clock, 31_000);
  await closing;
  assert.deepEqual(made.published, []);
});

test('a name on demand is ordered at once, renewed while it is used, and forgotten with its file when it is not', async (t) => {
  const made = issuerWorld(t);
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs);
  issuer.wantOnDemand(wanted('used.test'));
  issuer.wantOnDemand(wanted('unused.test'));
  await pass(made.clock, minuteMs);
  const names = () => made.published.map((one) => one.names.join()).toSorted();
  assert.deepEqual(names(), ['a.test', 'unused.test', 'used.test']);
  await pass(made.clock, 61 * dayMs);
  assert.deepEqual(made.log.of('certificate_issued').filter(({ evidence }) => evidence.isRenewal).length, 1, 'a.test');
  issuer.wantOnDemand(wanted('used.test'));
  await pass(made.clock, minuteMs);
  assert.equal(made.log.of('certificate_issued').at(-1)?.subject, 'certificate:used.test');
  const files = () => readdirSync(join(made.folder, 'certificates')).filter((name) => name.startsWith('certificate-'));
  assert.equal(files().length, 3);
  await pass(made.clock, 30 * dayMs);
  assert.deepEqual([names(), files().length], [['a.test', 'used.test'], 2]);
  assert.deepEqual(made.log.of('certificate_expiring'), [], 'nobody misses it');
  issuer.setWanted([wanted('b.test')]);
  await pass(made.clock, minuteMs);
  assert.deepEqual(names(), ['b.test', 'used.test'], 'a reload keeps it');
  await issuer.close();
  assert.equal(made.clock.timersLive, 0);
});

test('a name on demand that the CA refuses is not tried again until a client asks, after an hour at the earliest', async (t) => {
  const made = issuerWorld(t);
  made.first.fault = (path) => (path === 'newOrder' ? problem('rejectedIdentifier') : null);
  const issuer = made.issuer(made.first);
  issuer.setWanted([]);
  issuer.wantOnDemand(wanted('a.test'));
  await pass(made.clock, minuteMs);
  const [state] = issuer.states();
  assert.match(state?.failure?.fix ?? '', /then a client has to ask again$/);
  issuer.wantOnDemand(wanted('a.test'));
  await pass(made.clock, 58 * minuteMs);
  assert.deepEqual([made.first.count('newOrder'), issuer.states().length], [1, 1]);
  await pass(made.clock, dayMs);
  assert.deepEqual([made.first.count('newOrder'), issuer.states()], [1, []]);
  issuer.wantOnDemand(wanted('a.test'));
  await pass(made.clock, minuteMs);
  assert.equal(made.first.count('newOrder'), 2);
  await issuer.close();
});

test('a name on demand that a CA was down for is free again after a minute', async (t) => {
  const made = issuerWorld(t);
  made.first.fault = down;
  const issuer = made.issuer(made.first);
  issuer.wantOnDemand(wanted('a.test'));
  await pass(made.clock, 5 * minuteMs);
  assert.deepEqual(issuer.states(), []);
  await issuer.close();
});

test('a process that does not own the folder forgets a name that the owner was not asked for', async (t) => {
  const made = issuerWorld(t);
  const owner = made.issuer();
  owner.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs);
  const other = made.issuer();
  other.setWanted([wanted('a.test')]);
  other.wantOnDemand(wanted('b.test'));
  other.wantOnDemand(wanted('c.test'));
  owner.wantOnDemand(wanted('b.test'));
  await pass(made.clock, 12 * minuteMs);
  assert.deepEqual(
    other.states().map(({ names }) => names[0]),
    ['a.test', 'b.test'],
  );
  await other.close();
  await owner.close();
});
