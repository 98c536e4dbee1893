import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  type ConfigurationError,
  countConfigurationErrors,
  renderConfigurationErrors,
  displayWidth,
} from './configuration-errors.ts';
import { mmdbOf } from '../features/access/mmdb.test-support.ts';
import type { ConfigurationHost } from './host.ts';
import { loadConfiguration } from './load.ts';

const folder = join(import.meta.dirname, 'errors');
const update = process.env['UPDATE_ERRORS'] === '1';
const environment = { HOME: '/home/ann', PATH: '/usr/bin:/bin', PORT: '3000', NOTHING: '' };

/** Of P-256. */
const issuerKey =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEt3m0U99WeufTQcCZMJvge4VEzm+zG/UZKkLruozsg3Rq+34ero0TsoraiuwzsUeSlDtSkhHqa5QjiaUwiv0big==';

function pem(label: string, base64: string): string {
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}

const countries = mmdbOf({ '192.0.2.0/24': 'DE', '2001:db8::/32': 'AT' });

/** What `errors/README.md` says is there. */
function hostWith(text: string): ConfigurationHost {
  const files = new Map<string, Uint8Array | string>([
    ['/etc/shop/candor.yaml', Buffer.from(text)],
    ['/etc/shop/ca.pem', Buffer.from('')],
    ['/etc/shop/hmac.key', Buffer.from(`${'k'.repeat(64)}\n`)],
    ['/etc/shop/short.key', Buffer.from('c2hvcnQ\n')],
    ['/etc/shop/half.key', Buffer.from(`${'k'.repeat(32)}\n`)],
    ['/etc/shop/base64.key', Buffer.from(`${'+k/'.repeat(20)}==\n`)],
    ['/etc/shop/set-record', Buffer.from('#!/bin/sh\n')],
    ['/bin/set-record', Buffer.from('#!/bin/sh\n')],
    ['/etc/shop/redirects.txt', Buffer.from('/a /b\n/a /c\nold /new\n/x /y 200\n')],
    ['/etc/shop/loop.txt', Buffer.from('/a /b\n/b /a\n')],
    ['/etc/shop/users', Buffer.from('ada:hunter2\nbob:$apr1$x$y\n:\ncarol\nada:$2y$15$x\n# team\ndan:{SHA}x\neve:\n')],
    ['/etc/shop/api-keys', Buffer.from(`ci:${'0'.repeat(64)}\ncd:candor_key_hunter2\n`)],
    ['/etc/shop/nobody', Buffer.from('# nobody yet\n')],
    ['/etc/shop/good-users', Buffer.from(`ada:$2y$10$${'a'.repeat(53)}\n`)],
    ['/etc/shop/good-keys', Buffer.from(`ci:${'0'.repeat(64)}\n`)],
    [
      '/etc/shop/drop.txt',
      Buffer.from('10.0.0.1/8 ; host bits\n192.0.2.0/24\n192.0.2.7 # within\nexample.org\n10.0.0.0/33\n'),
    ],
    ['/etc/shop/within.txt', Buffer.from('# office\n192.0.2.0/24\n192.0.2.7\n')],
    ['/etc/shop/countries.mmdb', countries],
    ['/etc/shop/cut.mmdb', countries.subarray(0, 600)],
    ['/etc/shop/mixed.mmdb', countries.subarray(600)],
    ['/etc/shop/GeoLite2-ASN.mmdb', mmdbOf({ '192.0.2.0/24': 'Example' }, { form: 'provider', type: 'GeoLite2-ASN' })],
    ['/etc/shop/ipv4.mmdb', mmdbOf({ '192.0.2.0/24': 'DE' })],
    ['/etc/shop/countries.tar.gz', Buffer.from('\x1f\x8b\x08', 'latin1')],
    ['/etc/shop/link-keys', Buffer.from(`short\n${'k'.repeat(32)}\n${'k'.repeat(32)}\n`)],
    ['/etc/shop/keys/users', Buffer.from(`ada:$2y$10$${'a'.repeat(53)}\n`)],
    ['/etc/shop/keys/links/current', Buffer.from(`${'k'.repeat(32)}\n`)],
    ['/etc/shop/good-link-keys', Buffer.from(`${'k'.repeat(32)}\n`)],
    ['/etc/shop/issuer.pem', Buffer.from(pem('PUBLIC KEY', issuerKey))],
    ['/etc/shop/private.pem', Buffer.from(pem('PRIVATE KEY', issuerKey))],
    ['/etc/shop/keys.json', Buffer.from('{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}')],
    ['/etc/shop/no-keys.json', Buffer.from('{"keys":[]}')],
    ['/etc/shop/secret', Buffer.from('hunter2\n')],
    ['/etc/shop/good-secret', Buffer.from('k'.repeat(48))],
    ['/etc/shop/pages', 'EISDIR'],
    ['/etc/shop/pages/502.html', Buffer.from('<h1>502</h1>')],
    ['/etc/shop/pages/typo.html', Buffer.from('<h1>{{staus}}</h1> {{title}} {{ visitr }} {{staus}} {{user_name}}')],
    ['/etc/shop/pages/latin1.html', Buffer.from('caf\xe9', 'latin1')],
    ['/etc/shop/pages/secret.html', 'EACCES'],
  ]);
  return {
    hostname: 'gateway',
    addresses: ['127.0.0.1', '192.168.1.5'],
    readFile: async (path) => {
      const found = files.get(path) ?? 'ENOENT';
      return typeof found === 'string' ? { ok: false, why: found } : { ok: true, content: found };
    },
    listDirectory: async (path) => {
      const names = [...files.keys()]
        .filter((name) => name.startsWith(`${path}/`))
        .map((name) => name.slice(path.length + 1));
      return names.length === 0 ? null : names.filter((name) => !name.includes('/'));
    },
    // Every name is a program of the machine, unless it says otherwise.
    whyNotExecutable: async (path) =>
      path === '/bin/set-record' || /^\/usr\/bin\/(?!missing|set-dns-record)/.test(path)
        ? null
        : files.has(path)
          ? 'EACCES'
          : 'ENOENT',
  };
}

async function readAs(text: string): Promise<{ errors: readonly ConfigurationError[]; masked: string }> {
  const loading = await loadConfiguration('/etc/shop/candor.yaml', environment, hostWith(text));
  const errors = loading.ok ? loading.warnings : loading.errors;
  return { errors: errors.map((error) => ({ ...error, file: 'candor.yaml' })), masked: loading.maskedText() };
}

function render(errors: readonly ConfigurationError[], text: string): string {
  return renderConfigurationErrors(errors, text, { colour: false, width: 80 });
}

const caseBlock = /^## (.+)\n\n```yaml\n([^]*?)```\n\n```errors\n([^]*?)```\n/gm;

for (const name of readdirSync(folder).filter((one) => one.endsWith('.md') && one !== 'README.md')) {
  describe(name, () => {
    const path = join(folder, name);
    const document = readFileSync(path, 'utf8');
    let updated = document;
    for (const [block, title, text, expected] of document.matchAll(caseBlock)) {
      const line = document.slice(0, document.indexOf(block)).split('\n').length;
      test(`${name}:${line} ${title}`, async () => {
        const { errors, masked } = await readAs(text!);
        const said = render(errors, masked);
        if (update) updated = updated.replace(block, () => `${block.slice(0, -(expected!.length + 4))}${said}\`\`\`\n`);
        else assert.equal(said, expected);
        assert.ok(errors.length > 0);
        assert.ok(
          said.split('\n').every((one) => displayWidth(one) <= 80 || !one.includes(' ')),
          'every line fits into 80 columns',
        );
      });
    }
    if (update) test('written anew', () => writeFileSync(path, updated));
  });
}

function at(error: Partial<ConfigurationError>): ConfigurationError {
  return {
    file: 'a.yaml',
    line: 1,
    column: 1,
    span: 1,
    path: '',
    message: 'wrong',
    suggestion: null,
    severity: 'error',
    ...error,
  };
}

describe('a rendered configuration error', () => {
  const caretLines: [what: string, text: string, error: Partial<ConfigurationError>, source: string, caret: string][] =
    [
      [
        'a tab before the place takes columns up to the next multiple of four',
        'a:\tb',
        { column: 4 },
        'a:  b',
        '    ^',
      ],
      ['wide characters take two columns each', '店店: x', { column: 5 }, '店店: x', '      ^'],
      [
        'the caret under wide characters is as wide as they are',
        'a: 店店',
        { column: 4, span: 2 },
        'a: 店店',
        '   ^^^^',
      ],
      ['combining marks take none', 'e\u0301: x', { column: 5 }, 'e\u0301: x', '   ^'],
      ['control characters become one visible sign', 'a: \u001b[31m', { column: 5, span: 4 }, 'a: ␛[31m', '    ^^^^'],
      ['what turns the reading order becomes visible', 'a: \u202ex', { column: 5 }, 'a: �x', '    ^'],
      ['a place behind the end of the line is still shown', 'a:', { column: 3 }, 'a:', '  ^'],
    ];
  for (const [what, text, error, source, caret] of caretLines) {
    test(what, () => {
      const [, shown, marked] = render([at(error)], text).split('\n');
      assert.equal(shown, `   1 | ${source}`);
      assert.equal(marked, `     | ${caret}`);
    });
  }

  test('nothing from the file reaches the terminal as a control character', () => {
    const nasty = '\u001b]0;owned\u0007\r\u009b2J';
    const said = render([at({ message: nasty, suggestion: nasty, file: nasty, span: 40 })], nasty);
    assert.doesNotMatch(said.replaceAll('\n', ''), /\p{Cc}/u);
  });

  test('colours change nothing but colours', () => {
    const errors = [at({ suggestion: 'write b' }), at({ severity: 'warning', message: 'a long message '.repeat(20) })];
    const coloured = renderConfigurationErrors(errors, 'a: b\n', { colour: true, width: 80 });
    assert.match(coloured, /\u001b\[1;31m/);
    // oxlint-disable-next-line no-control-regex
    assert.equal(coloured.replace(/\u001b\[[\d;]*m/g, ''), render(errors, 'a: b\n'));
  });

  test('without a place only the file is named', () => {
    assert.equal(
      render([at({ line: 0, column: 0, suggestion: 'try again' })], ''),
      'a.yaml: error: wrong\n  try again\n',
    );
  });

  test('counts in words', () => {
    assert.equal(countConfigurationErrors([]), 'no errors');
    assert.equal(countConfigurationErrors([at({})]), '1 error');
    assert.equal(countConfigurationErrors([at({}), at({}), at({ severity: 'warning' })]), '2 errors and 1 warning');
  });
});
