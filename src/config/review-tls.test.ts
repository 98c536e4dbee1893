import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { sealCertificate } from '../certificates/x509-certificate.ts';
import { certificateAuthority, selfSignedCertificate } from '../testing/certificates.ts';
import type { ConfigurationHost } from './host.ts';
import { loadConfiguration } from './load.ts';

const dayMs = 86_400_000;
const wallTime = Date.parse('2026-06-01T12:00:00Z');
const authority = certificateAuthority(wallTime);
const gateway = authority.issue({ names: ['gateway.test'], client: true });
const other = authority.issue({ names: ['other.test'], client: true });
const below = authority.intermediate('Below');
const chained = below.issue({ names: ['gateway.test'], client: true });
const expired = authority.issue({ names: ['old.test'], notBefore: wallTime - 9 * dayMs, notAfter: wallTime - dayMs });
const wildcard = authority.issue({ names: ['*.shop.test', 'shop.test'] });
const brief = authority.issue({ names: ['brief.test'], notAfter: wallTime + 3 * dayMs });
const later = authority.issue({ names: ['later.test'], notBefore: wallTime + dayMs });
const self = selfSignedCertificate(wallTime, { names: ['self.test'] });
const address = authority.issue({ names: ['192.0.2.1'] });
const commonName = (name: string) => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = { name, publicKey: keys.publicKey };
  const validity = { notBefore: wallTime - dayMs, notAfter: wallTime + 90 * dayMs };
  const certificate = sealCertificate({ subject, issuer: subject, ...validity, extensions: [] }, keys);
  return { certificate, key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
};
const commonNameAlone = commonName('common.test');
const nameOfPeople = commonName('My CA');
const [leaf = '', between = ''] = chained.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);

const files: Readonly<Record<string, string>> = {
  'ca.pem': authority.certificate,
  'ca2.pem': below.certificate,
  'damaged.pem': authority.certificate.replace(/[A-Za-z]{20}/, 'A'.repeat(20)),
  'half.pem': authority.certificate + gateway.certificate.replace(/\n[^\n]{64}\n/, '\n'),
  'empty.pem': '',
  'gateway.pem': gateway.certificate,
  'gateway.key': gateway.key,
  'other.key': other.key,
  'damaged.key': gateway.key.replace(/\n[^\n]{64}\n/, '\nAAAA\n'),
  'locked.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
  'chained.pem': chained.certificate,
  'upside-down.pem': between + leaf,
  'chained.key': chained.key,
  'expired.pem': expired.certificate,
  'expired.key': expired.key,
  'brief.pem': brief.certificate,
  'brief.key': brief.key,
  'wildcard.pem': wildcard.certificate,
  'wildcard.key': wildcard.key,
  'hmac.key': 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n',
  'padded.key': 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n',
  'base64.key': 'AAAA+AAAA/AAAAAAAAAAAA==\n',
  'open.key': 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'self.pem': self.certificate,
  'self.key': self.key,
  'common.pem': commonNameAlone.certificate,
  'common.key': commonNameAlone.key,
  'address.pem': address.certificate,
  'address.key': address.key,
  'people.pem': nameOfPeople.certificate,
  'people.key': nameOfPeople.key,
  'later.pem': later.certificate,
  'later.key': later.key,
};

const keyOf = (type: 'pkcs1' | 'pkcs8', size: number) =>
  generateKeyPairSync('rsa', { modulusLength: size }).privateKey.export({ type, format: 'der' });

const binaries: Readonly<Record<string, Uint8Array>> = {
  'gateway.der': new X509Certificate(gateway.certificate).raw,
  'pkcs8.key': keyOf('pkcs8', 2048),
  'pkcs1.key': keyOf('pkcs1', 2048),
  'ec.key': createPrivateKey(gateway.key).export({ type: 'sec1', format: 'der' }),
  'store.p12': Buffer.from('308209c00201033082097606092a864886f70d010701a0', 'hex'),
  'other.bin': Buffer.from('ffd8ffe000104a46', 'hex'),
};

const host = (text: string): ConfigurationHost => ({
  ...({ hostname: 'gateway', addresses: [] } as Pick<ConfigurationHost, 'hostname'>),
  readFile: async (path) => {
    const name = path.replace('/etc/shop/', '');
    const content = name === 'candor.yaml' ? text : (files[name] ?? binaries[name]);
    return content === undefined
      ? { ok: false, why: 'ENOENT' }
      : { ok: true, content: Buffer.from(content as string), isOpen: path.endsWith('/open.key') };
  },
  listDirectory: async () => Object.keys(files),
});

const load = (tls: string): ReturnType<typeof loadConfiguration> => {
  const text = `upstreams:\n  app:\n    endpoints: "https://app.internal"\n    tls: ${tls}\n`;
  return loadConfiguration('/etc/shop/candor.yaml', {}, host(text), wallTime);
};

describe('TLS of an upstream', () => {
  const mistakes: readonly (readonly [tls: string, column: number, message: RegExp])[] = [
    ['{ ca_file: nowhere.pem }', 21, /^there is no file "nowhere\.pem" in "\/etc\/shop"$/],
    ['{ ca_file: [ca.pem, nowhere.pem] }', 30, /^there is no file "nowhere\.pem"/],
    ['{ ca_file: empty.pem }', 21, /^the file has no certificate in PEM$/],
    ['{ ca_file: gateway.key }', 21, /^the file has a private key and no certificate$/],
    ['{ ca_file: damaged.pem }', 21, /^the certificate in the file cannot be read: it is damaged$/],
    ['{ ca_file: half.pem }', 21, /^certificate 2 of the file cannot be read: it is damaged$/],
    ['{ ca_file: [ca.pem, empty.pem] }', 30, /^the file has no certificate in PEM$/],
    ['{ certificate_file: gateway.pem }', 12, /^"certificate_file" is of no use without "key_file"$/],
    ['{ key_file: gateway.key }', 12, /^"key_file" is of no use without "certificate_file"$/],
    [
      '{ certificate_file: gateway.pem, key_file: other.key }',
      53,
      /^the private key does not belong to the certificate for "gateway\.test"$/,
    ],
    ['{ certificate_file: upside-down.pem, key_file: chained.key }', 57, /certificate for "Below"$/],
    ['{ certificate_file: gateway.pem, key_file: gateway.pem }', 53, /^the file has no private key in PEM$/],
    ['{ certificate_file: gateway.pem, key_file: damaged.key }', 53, /^the private key in the file cannot be read/],
    ['{ certificate_file: gateway.pem, key_file: locked.key }', 53, /^the private key is locked with a passphrase/],
    ['{ server_name: 5 }', 25, /expected text/],
  ];
  for (const [tls, column, message] of mistakes) {
    it(`is complained of where it is wrong: ${tls}`, async () => {
      const loading = await load(tls);
      assert.ok(!loading.ok);
      const [error, ...more] = loading.errors;
      assert.match(error?.message ?? '', message);
      assert.deepEqual([error?.line, error?.column, more], [4, column, []]);
    });
  }

  const doubts: readonly (readonly [tls: string, message: RegExp])[] = [
    ['{ verify: false }', /^whoever answers at the address of this upstream is believed/],
    ['{ ca_file: expired.pem }', /^the certificate for "old\.test" ran out on 2026-05-31$/],
    ['{ certificate_file: expired.pem, key_file: expired.key }', /^the certificate for "old\.test" ran out/],
    [
      '{ certificate_file: brief.pem, key_file: brief.key }',
      /^the certificate for "brief\.test" runs out on 2026-06-04$/,
    ],
    [
      '{ certificate_file: later.pem, key_file: later.key }',
      /^the certificate for "later\.test" is valid only from 2026-06-02 on$/,
    ],
  ];
  for (const [tls, message] of doubts) {
    it(`is warned of where it is doubtful: ${tls}`, async () => {
      const loading = await load(tls);
      assert.ok(loading.ok);
      assert.deepEqual(
        loading.warnings.map(({ line, severity }) => [line, severity]),
        [[4, 'warning']],
      );
      assert.match(loading.warnings[0]?.message ?? '', message);
    });
  }

  it('that is not valid yet is to be waited for, or the clock is wrong: both times are said', async () => {
    const loading = await load('{ certificate_file: later.pem, key_file: later.key }');
    assert.ok(loading.ok);
    assert.equal(
      loading.warnings[0]?.suggestion,
      'wait until 2026-06-02T12:00:00Z, or correct the clock of this machine, which says 2026-06-01T12:00:00Z',
    );
  });

  it('is verified unless it is switched off by name, and has the files in it', async () => {
    const plain = await load('true');
    assert.ok(plain.ok);
    const { verify, ca, certificate, key } = plain.configuration.upstreams[0]?.tls ?? {};
    assert.deepEqual([verify, ca, certificate, key], [true, null, null, null]);
    const full = await load(
      '{ server_name: a.test, ca_file: [ca.pem, ca2.pem], certificate_file: chained.pem, key_file: chained.key }',
    );
    assert.ok(full.ok);
    assert.deepEqual(full.warnings, []);
    assert.deepEqual(full.configuration.upstreams[0]?.tls, {
      serverName: 'a.test',
      verify: true,
      ca: `${authority.certificate}\n${below.certificate}`,
      certificate: chained.certificate,
      key: chained.key,
    });
  });
});

describe('TLS of the admin API', () => {
  const loadAdmin = (tls: string): ReturnType<typeof loadConfiguration> => {
    const tokens = `{ mine: "sha256:${'0'.repeat(64)}" }`;
    const text = `upstreams: { app: "a:1" }\nadmin:\n  listen: 0.0.0.0:9901\n  tokens: ${tokens}\n  tls: ${tls}\n`;
    return loadConfiguration('/etc/shop/candor.yaml', {}, host(text), wallTime);
  };

  for (const [tls, column, message] of [
    [
      '{ certificate_file: gateway.pem, key_file: other.key }',
      51,
      /^the private key does not belong to the certificate for "gateway\.test"$/,
    ],
    [
      '{ certificate_file: gateway.pem, key_file: gateway.key, profile: modern, version_min: "1.2" }',
      94,
      /^the profile "modern" has no TLS 1\.2$/,
    ],
  ] as const)
    it(`reports ${tls}`, async () => {
      const loading = await loadAdmin(tls);
      assert.ok(!loading.ok);
      assert.match(loading.errors[0]?.message ?? '', message);
      assert.equal(loading.errors[0]?.column, column);
    });

  it('takes a certificate and its key, and the network is no longer warned of', async () => {
    const loading = await loadAdmin('{ certificate_file: gateway.pem, key_file: gateway.key }');
    assert.ok(loading.ok);
    assert.deepEqual(loading.configuration.admin.tls?.certificate.names, ['gateway.test']);
    assert.deepEqual(loading.warnings, []);
  });
});

describe('an external account', () => {
  const loadAccount = (account: string): ReturnType<typeof loadConfiguration> => {
    const text = `
listeners:
  http: ":80"
  https: { bind: ":443", tls: { auto: { directory: "https://ca.test/", external_account: ${account} } } }
routes: [{ host: shop.example.org, to: app }]
upstreams: { app: "127.0.0.1:3000" }
`;
    return loadConfiguration('/etc/shop/candor.yaml', {}, host(text), wallTime);
  };

  for (const [file, message] of [
    ['nowhere.key', /^there is no file "nowhere\.key" in "\/etc\/shop"$/],
    ['gateway.key', /^"gateway\.key" has no key in base64url/],
    ['base64.key', /^"base64\.key" has a key in base64, and ACME has it in base64url/],
    ['empty.pem', /^"empty\.pem" has no key/],
  ] as const)
    it(`is refused with the file ${file}`, async () => {
      const loading = await loadAccount(`{ key_id: kid-1, hmac_key_file: ${file} }`);
      assert.ok(!loading.ok);
      assert.equal(loading.errors.length, 1);
      assert.match(loading.errors[0]?.message ?? '', message);
      assert.equal(loading.errors[0]?.line, 4);
    });

  it('needs both keys', async () => {
    const loading = await loadAccount('{ key_id: kid-1 }');
    assert.ok(!loading.ok);
    assert.match(loading.errors[0]?.message ?? '', /the key "hmac_key_file" is missing/);
  });

  it('has the key of the file, without line break and padding', async () => {
    for (const [file, hmacKey] of [
      ['hmac.key', 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W'],
      ['padded.key', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ] as const) {
      const loading = await loadAccount(`{ key_id: kid-1, hmac_key_file: ${file} }`);
      assert.ok(loading.ok, JSON.stringify(loading));
      assert.deepEqual(loading.warnings, []);
      const automatic = loading.configuration.listeners[1]?.tls?.automatic;
      assert.ok(automatic?.kind === 'acme');
      assert.deepEqual(automatic.externalAccount, { keyId: 'kid-1', hmacKey });
    }
  });

  it('is warned of where every user may read its key', async () => {
    const loading = await loadAccount('{ key_id: kid-1, hmac_key_file: open.key }');
    assert.ok(loading.ok);
    assert.deepEqual(
      loading.warnings.map(({ message, suggestion }) => [message, suggestion]),
      [['every user of this machine may read the key in "open.key"', 'chmod 600 /etc/shop/open.key']],
    );
  });
});

describe('certificates of a listener', () => {
  const entry = (name: string): string => `{ certificate_file: ${name}.pem, key_file: ${name}.key }`;
  const loadListener = (...names: string[]): ReturnType<typeof loadConfiguration> => {
    const tls = `{ certificates: [${names.map(entry).join(', ')}] }`;
    const text = `listeners: { https: { bind: ":443", tls: ${tls} } }\nroutes: [{ path: /, respond: { body: here } }]\n`;
    return loadConfiguration('/etc/shop/candor.yaml', {}, host(text), wallTime);
  };

  it('may not have two of the same kind of key for one name', async () => {
    const loading = await loadListener('gateway', 'chained');
    assert.ok(loading.ok, JSON.stringify(loading));
    assert.deepEqual(
      loading.warnings.map(({ message }) => message),
      [
        'certificate 1 has the name "gateway.test" and a key of the same kind (ec) too, and is the one that clients get',
      ],
    );
  });

  it('have the kind of their key, their issuer and the time from which they are valid', async () => {
    const loading = await loadListener('chained', 'self', 'wildcard');
    assert.ok(loading.ok, JSON.stringify(loading));
    assert.deepEqual(loading.warnings, []);
    assert.deepEqual(
      loading.configuration.listeners[0]?.tls?.certificates.map(({ facts }) => [facts?.keyType, facts?.issuer]),
      [
        ['ec', 'Below'],
        ['ec', null],
        ['ec', 'Candor Test Authority'],
      ],
    );
  });
});

describe('certificates that are obtained automatically', () => {
  it('are for the hosts that no certificate from a file has', async () => {
    const hosts = '["shop.test", "a.shop.test", "a.b.shop.test", "other.test"]';
    const text = `
listeners:
  https:
    bind: ":443"
    tls: { internal: true, certificates: [{ certificate_file: wildcard.pem, key_file: wildcard.key }] }
routes: [{ host: ${hosts}, to: app }]
upstreams: { app: "127.0.0.1:3000" }
`;
    const loading = await loadConfiguration('/etc/shop/candor.yaml', {}, host(text), wallTime);
    assert.ok(loading.ok, JSON.stringify(loading));
    assert.deepEqual(loading.configuration.listeners[0]?.tls?.automatic?.hosts, ['a.b.shop.test', 'other.test']);
  });
});

describe('files that are no PEM', () => {
  for (const [file, message, suggestion] of [
    [
      'gateway.der',
      '"gateway.der" is a certificate in DER, and PEM is needed',
      'openssl x509 -inform DER -in gateway.der -out gateway.pem',
    ],
    [
      'pkcs8.key',
      '"pkcs8.key" is a private key in DER, and PEM is needed',
      'openssl pkey -inform DER -in pkcs8.key -out pkcs8.pem',
    ],
    [
      'pkcs1.key',
      '"pkcs1.key" is a private key in DER, and PEM is needed',
      'openssl pkey -inform DER -in pkcs1.key -out pkcs1.pem',
    ],
    [
      'ec.key',
      '"ec.key" is a private key in DER, and PEM is needed',
      'openssl pkey -inform DER -in ec.key -out ec.pem',
    ],
    [
      'store.p12',
      '"store.p12" is a store of PKCS #12, and PEM is needed',
      'openssl pkcs12 -nodes -in store.p12 -out store.pem',
    ],
    ['other.bin', '"other.bin" is not UTF-8 text', 'save it as UTF-8'],
  ])
    it(`are named with the command that converts them: ${file}`, async () => {
      const loading = await load(`{ ca_file: ${file} }`);
      assert.ok(!loading.ok);
      assert.deepEqual(
        loading.errors.map((error) => [error.message, error.suggestion]),
        [[message, suggestion]],
      );
    });
});

describe('hosts of routes and certificates of listeners', () => {
  const warningsOf = async (listeners: string, hosts: string): Promise<readonly string[]> => {
    const text = `listeners:\n  http: ":80"\n${listeners}\nroutes: [{ host: ${hosts}, to: app }]\nupstreams: { app: "a:1" }\n`;
    const loading = await loadConfiguration('/etc/shop/candor.yaml', {}, host(text), wallTime);
    assert.ok(loading.ok, JSON.stringify(loading));
    return loading.warnings.map(({ message }) => message);
  };
  const listener = (name: string, port: number, file: string, more = '') =>
    `  ${name}: { bind: ":${port}", tls: { certificates: [{ certificate_file: ${file}.pem, key_file: ${file}.key }]${more} } }`;
  const one = listener('https', 443, 'wildcard');
  const without = (name: string) => `no listener with TLS has a certificate for "${name}": its handshakes are refused`;

  it('are compared', async () => {
    assert.deepEqual(await warningsOf(one, '[shop.test, a.shop.test, "*.shop.test", 127.0.0.1]'), []);
    assert.deepEqual(await warningsOf(one, '[a.b.shop.test, other.test, "*.other.test"]'), [
      without('a.b.shop.test'),
      without('other.test'),
      without('*.other.test'),
    ]);
    assert.deepEqual(await warningsOf('', 'other.test'), [], 'nothing speaks TLS');
    assert.deepEqual(await warningsOf(listener('https', 443, 'wildcard', ', unknown_names: first'), 'other.test'), []);
    assert.deepEqual(await warningsOf(listener('https', 443, 'wildcard', ', auto: true'), 'a.example.org'), []);
    const two = `${one}\n${listener('other', 8443, 'gateway')}`;
    assert.deepEqual(await warningsOf(two, '[shop.test, gateway.test]'), [], 'each at one of them');
  });

  it('a certificate for addresses alone is good for clients that use the address', async () => {
    const warnings = await warningsOf(listener('https', 443, 'address'), 'common.test');
    assert.match(warnings[0] ?? '', /is for addresses alone: clients that use a host name do not accept it$/);
  });

  it('a common name that is no host name is not suggested as one', async () => {
    const loading = await loadConfiguration(
      '/etc/shop/candor.yaml',
      {},
      host(
        'listeners: { a: { bind: ":443", tls: { certificates: [{ certificate_file: people.pem, key_file: people.key }] } } }\nroutes: [{ respond: {} }]',
      ),
      wallTime,
    );
    assert.ok(loading.ok);
    const { suggestion = '' } = loading.warnings.find(({ message }) => message.includes('common name')) ?? {};
    assert.match(suggestion ?? '', /subjectAltName=DNS:shop\.example\.org"$/);
  });

  it('a certificate with nothing but a common name is warned of', async () => {
    const [warning, ...more] = await warningsOf(listener('https', 443, 'common'), 'common.test');
    assert.match(
      warning ?? '',
      /"common\.test" only as its common name \(CN\), which browsers and curl do not accept$/,
    );
    assert.deepEqual(more, []);
  });
});
