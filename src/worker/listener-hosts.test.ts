import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AutomaticTls, ListenerCertificate, ListenerTls } from '../core/listener-spec.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { AskedNames } from './asked-names.ts';
import { ListenerHosts } from './listener-hosts.ts';

function certificate(certificate: string, ...names: string[]): ListenerCertificate {
  return { names, certificate, key: `key of ${certificate}`, notAfter: 0 };
}

function tlsWith(hosts: readonly string[], ...certificates: ListenerCertificate[]): ListenerTls {
  return {
    certificates,
    automatic: { kind: 'internal', hosts },
    servesUnknownNames: false,
    versionMin: 'TLSv1.2',
    ciphers: '',
    redirectPort: null,
    hstsSeconds: null,
    clientCertificates: null,
  };
}

function onDemandTls(hosts: readonly string[], ...certificates: ListenerCertificate[]): ListenerTls {
  const onDemand = { routes: ['*.shop.test'], allow: ['a.shop.test', 'b.shop.test'], ask: null };
  return {
    ...tlsWith(hosts, ...certificates),
    automatic: { kind: 'acme', hosts, onDemand } as unknown as AutomaticTls,
  };
}

function hostsWith(...managed: ListenerCertificate[]): ListenerHosts {
  const ports = { changeTicketKeys: () => {} };
  return new ListenerHosts(ports, new Uint8Array(48), new AskedNames(new SimulatedClock()), {
    certificates: managed,
    challenges: [],
  });
}

test('a listener shows the certificates that were obtained for its hosts, and those of files first', () => {
  const hosts = hostsWith(
    certificate('a', 'a.example'),
    certificate('b', '*.b.example'),
    certificate('c', 'c.example'),
  );
  const tls = hosts.of(tlsWith(['a.example', '*.b.example', 'd.example'], certificate('file', 'a.example')));
  assert.equal(tls.hostFor('a.example')?.certificates[0]?.certificate, 'file');
  assert.equal(tls.hostFor('x.b.example')?.certificates[0]?.certificate, 'b');
  assert.equal(tls.hostFor('c.example'), null, 'it is for another listener');
  assert.equal(tls.hostFor('d.example'), null);
  assert.deepEqual(
    ['a.example', 'x.b.example', 'c.example', 'd.example'].map((host) => tls.isAwaited(host)),
    [false, false, false, true],
  );
});

test('without any certificate nobody is served, also who names no host', () => {
  const tls = hostsWith().of({ ...tlsWith(['*.a.example']), servesUnknownNames: true });
  assert.deepEqual([tls.hostFor(null), tls.hostFor('x.a.example'), tls.hostFor('b.example')], [null, null, null]);
  assert.deepEqual([tls.isAwaited('x.a.example'), tls.isAwaited('b.example')], [true, false]);
});

test('an awaited host is not shown the first certificate', () => {
  const tls = hostsWith().of({ ...tlsWith(['a.example'], certificate('file', 'b.example')), servesUnknownNames: true });
  assert.equal(tls.hostFor('a.example'), null);
  assert.equal(tls.hostFor('c.example')?.certificates[0]?.certificate, 'file');
});

test('a renewal replaces one certificate, and leaves the sessions of the others', () => {
  const hosts = hostsWith(certificate('a', 'a.example'), certificate('b', 'b.example'));
  const spec = tlsWith(['a.example', 'b.example']);
  const before = hosts.of(spec);
  hosts.forgetOthers();
  hosts.changeManaged([certificate('a2', 'a.example'), certificate('b', 'b.example')], { challenges: [] });
  const next = hosts.of(spec);
  assert.equal(next.hostFor('a.example')?.certificates[0]?.certificate, 'a2');
  assert.equal(next.hostFor('b.example'), before.hostFor('b.example'));
  assert.equal(
    before.hostFor('a.example')?.certificates[0]?.certificate,
    'a',
    'open connections go on with what they have seen',
  );
});

test('a name has the first certificate of each kind of key, and shares settings only with names that have the same', () => {
  const ofKind = (keyType: string, text: string, ...names: string[]): ListenerCertificate => ({
    ...certificate(text, ...names),
    facts: { keyType, notBefore: 0, issuer: null },
  });
  const all = [
    ...[ofKind('rsa', 'r', 'a.example', 'b.example'), ofKind('ec', 'e', 'a.example')],
    ...[ofKind('ec', 'late', 'a.example', '*.c.example'), ofKind('rsa', 'old', 'a.example')],
  ];
  const tls = hostsWith().of(tlsWith([], ...all));
  const shown = (host: string | null): readonly string[] | undefined =>
    tls.hostFor(host)?.certificates.map((one) => one.certificate);
  assert.deepEqual(shown('a.example'), ['r', 'e']);
  assert.deepEqual(shown('b.example'), ['r']);
  assert.deepEqual(shown('x.c.example'), ['late']);
  assert.equal(tls.hostFor(null), tls.hostFor('a.example'));
});

test('a challenge is shown at once, beside the certificate of the host', () => {
  const hosts = hostsWith(certificate('a', 'a.example'));
  const tls = hosts.of(tlsWith(['a.example']));
  assert.equal(tls.challengeFor('a.example'), null);
  hosts.changeManaged(null, {
    challenges: [{ kind: 'tls-alpn-01', domain: 'a.example', certificate: 'challenge', key: 'k' }],
  });
  assert.equal(tls.challengeFor('a.example')?.certificates[0]?.certificate, 'challenge');
  assert.equal(tls.hostFor('a.example')?.certificates[0]?.certificate, 'a');
  hosts.changeManaged(null, { challenges: [] });
  assert.equal(tls.challengeFor('a.example'), null);
});

test('names on demand are awaited, reported, and shown their certificates once they are there', () => {
  const asked = new AskedNames(new SimulatedClock());
  const managed = [certificate('a', 'a.shop.test'), certificate('old', 'old.shop.test'), certificate('h', 'h.test')];
  const hosts = new ListenerHosts({ changeTicketKeys: () => {} }, new Uint8Array(48), asked, {
    certificates: managed,
    challenges: [],
  });
  const tls = hosts.of({ ...onDemandTls(['h.test'], certificate('f', 'file.test')), servesUnknownNames: true });
  assert.equal(tls.hostFor('a.shop.test')?.certificates[0]?.certificate, 'a');
  assert.equal(tls.hostFor('b.shop.test'), null);
  assert.equal(tls.hostFor('old.shop.test')?.certificates[0]?.certificate, 'f', 'the list does not have it any more');
  const names = ['a.shop.test', 'b.shop.test', 'c.shop.test', 'h.test', 'file.test'];
  assert.deepEqual(
    names.map((name) => tls.isAwaited(name)),
    [false, true, false, false, false],
  );
  for (const name of names) tls.noteAsked(name, { clientAddress: '192.0.2.1' });
  assert.deepEqual(
    asked.take().map(({ name }) => name),
    ['b.shop.test', 'a.shop.test'],
  );
});
