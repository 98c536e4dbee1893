import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import { AcmeClient, type AcmeAccount, type AcmeSettings } from '../../src/certificates/acme-client.ts';
import { readCertificate } from '../../src/certificates/certificate-facts.ts';
import { CertificateStore } from '../../src/certificates/certificate-store.ts';
import { OwnChallengeCheck } from '../../src/certificates/challenge-check.ts';
import { type ChallengeResponder, prepareChallenge } from '../../src/certificates/challenges.ts';
import type { HttpChallenge, TlsAlpnChallenge } from '../../src/core/managed-tls.ts';
import { DnsPropagation } from '../../src/certificates/dns-propagation.ts';
import { DnsQueries } from '../../src/certificates/name-queries.ts';
import { DnsHook } from '../../src/certificates/dns-hook.ts';
import { HttpsTransport } from '../../src/certificates/https-transport.ts';
import { Issuer } from '../../src/certificates/issuer.ts';
import { generateAccountKey } from '../../src/certificates/jws.ts';
import type { ManagedCertificate } from '../../src/certificates/managed-certificate.ts';
import type { NewEvent } from '../../src/core/event.ts';
import { succeed } from '#failures/result.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { needsPebble, type Pebble, SharedPebble, startPebble } from './pebble-server.test-support.ts';

const shared = new SharedPebble();
after(() => shared.end());

function clientOf(pebble: Pebble, settings: Partial<AcmeSettings> = {}, account?: AcmeAccount): AcmeClient {
  const ports = { transport: new HttpsTransport([pebble.root]), clock: systemClock, random: systemRandom };
  const all = { directoryUrl: pebble.directoryUrl, contacts: ['ops@example.org'], externalAccount: null, ...settings };
  return new AcmeClient(ports, all, account ?? { key: generateAccountKey(), url: null });
}

/** Our port 80. */
async function httpResponder(context: TestContext, { httpPort }: Pebble): Promise<ChallengeResponder> {
  const shown = new Map<string, HttpChallenge>();
  const server = createServer(({ url, headers }, response) => {
    const challenge = shown.get(url?.split('/').at(-1) ?? '');
    const isOurs = challenge?.domain === headers.host?.split(':')[0];
    response.writeHead(isOurs ? 200 : 404).end(isOurs ? challenge?.keyAuthorization : 'no');
  });
  await once(server.listen(httpPort, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  return {
    kinds: ['http-01'],
    async present(challenge) {
      if (challenge.kind === 'http-01') shown.set(challenge.token, challenge);
      return succeed(null);
    },
    async cleanUp(challenge) {
      if (challenge.kind === 'http-01') assert.ok(shown.delete(challenge.token));
    },
  };
}

/** Our port 443, only as far as `acme-tls/1` goes. */
async function tlsResponder(context: TestContext, { tlsPort }: Pebble): Promise<ChallengeResponder> {
  const shown = new Map<string, TlsAlpnChallenge>();
  const server = createTlsServer({
    ALPNProtocols: ['acme-tls/1'],
    SNICallback(name, done) {
      const challenge = shown.get(name);
      if (challenge === undefined) return done(new Error('no challenge'));
      done(null, createSecureContext({ cert: challenge.certificate, key: challenge.key }));
    },
  });
  await once(server.listen(tlsPort, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  return {
    kinds: ['tls-alpn-01'],
    async present(challenge) {
      if (challenge.kind === 'tls-alpn-01') shown.set(challenge.domain, challenge);
      return succeed(null);
    },
    cleanUp: async () => shown.clear(),
  };
}

const names = ['example.org', 'www.example.org'];

test('pebble issues by HTTP-01, with 5 % of the nonces rejected', needsPebble, async (t) => {
  const pebble = await startPebble(t, { nonceReject: 5 });
  const client = clientOf(pebble);
  const responder = await httpResponder(t, pebble);
  const issued = await client.issue({ names, responder, check: null, replaces: null, onStep() {} });
  assert.ok(issued.ok, JSON.stringify(issued));
  const { chain, key } = issued.value;
  assert.deepEqual(readCertificate(chain, key)?.names.toSorted(), names);
  assert.equal(chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
});

test('pebble issues by TLS-ALPN-01', needsPebble, async (t) => {
  const pebble = await shared.get();
  const responder = await tlsResponder(t, pebble);
  const issued = await clientOf(pebble).issue({ names, responder, check: null, replaces: null, onStep() {} });
  assert.ok(issued.ok, JSON.stringify(issued));
});

test('pebble issues a wildcard by DNS-01 with a hook command', needsPebble, async (t) => {
  const pebble = await shared.get();
  const folder = mkdtempSync(join(tmpdir(), 'candor-hook-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, 'hook.mjs');
  writeFileSync(
    script,
    `const { CANDOR_ACME_NAME: name, CANDOR_ACME_VALUE: value } = process.env;
     const path = process.argv[3] === 'present' ? '/set-txt' : '/clear-txt';
     const sent = await fetch(process.argv[2] + path, { method: 'POST', body: JSON.stringify({ host: name + '.', value }) });
     if (!sent.ok) throw new Error(String(sent.status));`,
  );
  const command = [process.execPath, script, pebble.namesUrl];
  const queries = new DnsQueries([pebble.nameServer]);
  const responder = new DnsHook(
    { command, timeoutMs: 20_000, propagationMs: 20_000 },
    systemClock,
    new DnsPropagation(queries, systemClock),
  );
  const wanted = ['*.example.org', 'example.org'];
  const issued = await clientOf(pebble).issue({ names: wanted, responder, check: null, replaces: null, onStep() {} });
  assert.ok(issued.ok, JSON.stringify(issued));
  assert.deepEqual(readCertificate(issued.value.chain, issued.value.key)?.names.toSorted(), wanted);
  // The server of this CA has no NS records: then the resolver is asked, which it is here.
  const elsewhere = prepareChallenge('dns-01', 'a.example.org', 'token', 'token.thumbprint', 0);
  assert.ok(elsewhere.kind === 'dns-01');
  const shown = await responder.present(elsewhere);
  assert.ok(shown.ok);
  assert.equal(
    shown.value,
    "seen from this machine after 0 s, this machine's resolver had the TXT record _acme-challenge.a.example.org",
  );
});

test('an external account is bound, and its absence is a failure that names it', needsPebble, async (t) => {
  const externalAccount = {
    keyId: 'kid-1',
    hmacKey: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W',
  };
  const pebble = await startPebble(t, { externalAccount });
  const bound = await clientOf(pebble, { externalAccount }).account();
  assert.ok(bound.ok, JSON.stringify(bound));
  const unbound = await clientOf(pebble).account();
  assert.ok(!unbound.ok);
  assert.equal(unbound.failure.kind, 'account');
  const unknown = await clientOf(pebble, { externalAccount: { ...externalAccount, keyId: 'other' } }).account();
  assert.ok(!unknown.ok);
  assert.equal(unknown.failure.kind, 'account');
});

test('who answers on port 80 in our name is named', needsPebble, async (t) => {
  const pebble = await shared.get();
  const server = createServer((_request, response) => response.writeHead(404, { server: 'nginx/1.22' }).end('no'));
  await once(server.listen(pebble.httpPort, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const check = new OwnChallengeCheck(new HttpsTransport(), systemClock, {
    http: { asked: pebble.httpPort, own: 8080 },
    tls: { asked: pebble.tlsPort, own: null },
  });
  const responder: ChallengeResponder = {
    kinds: ['http-01'],
    present: async () => succeed(null),
    cleanUp: async () => {},
  };
  const name = 'localhost';
  const issued = await clientOf(pebble).issue({ names: [name], responder, check, replaces: null, onStep() {} });
  assert.ok(!issued.ok);
  const { kind, problemType, detail, seen, sentence, fix } = issued.failure;
  assert.deepEqual([kind, problemType], ['challenge_failed', 'unauthorized'], sentence);
  const port = pebble.httpPort;
  const own = `port ${port} of localhost \\([^)]*127\\.0\\.0\\.1[^)]*\\) is answered by nginx/1\\.22, not by us \\(status 404\\)`;
  assert.match(seen ?? '', new RegExp(`^seen from this machine, ${own}, and the gateway listens on port 8080$`));
  assert.ok(detail !== null && detail !== '');
  assert.equal(sentence, `the CA did not accept the http-01 challenge of localhost: ${detail}; ${seen}`);
  assert.match(fix, new RegExp(`forward port ${port} of that address to port 8080 of the gateway or receive`));
});

test('an account that the CA has forgotten is registered again', needsPebble, async (t) => {
  const [before, pebble] = [await startPebble(t), await shared.get()];
  const key = generateAccountKey();
  const url = await clientOf(before, {}, { key, url: null }).account();
  assert.ok(url.ok);
  const forgotten = url.value.replace(new URL(before.directoryUrl).host, new URL(pebble.directoryUrl).host);
  const responder = await httpResponder(t, pebble);
  const client = clientOf(pebble, {}, { key, url: forgotten });
  const issued = await client.issue({ names, responder, check: null, replaces: null, onStep() {} });
  assert.ok(issued.ok, JSON.stringify(issued));
});

test(
  'the issuer supplies names from pebble, keeps what it got in files of ours alone, and the next process starts with it',
  needsPebble,
  async (t) => {
    const pebble = await shared.get();
    const folder = mkdtempSync(join(tmpdir(), 'candor-issuer-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const responder = await httpResponder(t, pebble);
    const events: NewEvent[] = [];
    const authority = { directoryUrl: pebble.directoryUrl, contacts: [], externalAccount: null };
    const issuerWith = (publish: (all: readonly ManagedCertificate[]) => void) =>
      new Issuer(
        {
          ...{ clock: systemClock, random: systemRandom, check: null, events: { emit: (event) => events.push(event) } },
          ...{
            transport: new HttpsTransport([pebble.root]),
            store: new CertificateStore(join(folder, 'certificates')),
          },
        },
        { authorities: [authority], failuresMax: 3 },
        async (all) => publish(all),
      );
    const got = Promise.withResolvers<ManagedCertificate>();
    const first = issuerWith((all) => all.forEach((one) => got.resolve(one)));
    first.setWanted([{ names, responder }]);
    const certificate = await got.promise;
    await first.close();
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['certificate_issued'],
    );
    const files = readdirSync(join(folder, 'certificates')).filter((name) => name.endsWith('.json'));
    assert.equal(files.length, 2);
    for (const file of files) assert.equal(statSync(join(folder, 'certificates', file)).mode & 0o777, 0o600);

    let published: readonly ManagedCertificate[] = [];
    const second = issuerWith((all) => (published = all));
    second.setWanted([{ names, responder }]);
    assert.deepEqual(
      published.map((one) => one.certificate),
      [certificate.certificate],
    );
    await second.close();
  },
);
