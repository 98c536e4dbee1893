import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseConfiguration } from '../config/parse.ts';
import { reviewFolders } from './review-folders.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-review-folders-'));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'site'));
writeFileSync(join(folder, 'site/index.html'), '');

function said(shop: string, site: string): readonly string[] {
  const text = `state: state
applications: { shop: { ${shop} }, site: { ${site} } }
routes: [{ path: /shop, to: shop }, { path: /a, to: site }, { to: site }]`;
  const context = { file: 'candor.yaml', directory: folder, environment: {}, hostname: 'gateway' };
  const parsing = parseConfiguration(text, context);
  assert.ok(parsing.ok, JSON.stringify(parsing));
  return reviewFolders(parsing.configuration).map(({ message }) => message.replaceAll(folder, ''));
}

const cases: readonly [what: string, shop: string, site: string, messages: readonly string[]][] = [
  ['all is there', 'command: node x', 'static: { root: site, fallback: /index.html }', []],
  [
    'a folder of programs is not, which is that of workers too',
    'command: node x, directory: gone, workers: { mail: { command: node y } }',
    'static: site',
    ['the folder /gone of shop is not there, and its programs cannot start'],
  ],
  [
    'a site is a file',
    'command: node x',
    'static: site/index.html',
    ['the folder /site/index.html of site is not there, and requests for its files get a 404'],
  ],
  [
    'a fallback is not',
    'command: node x',
    'static: { root: site, fallback: /home.html }',
    ['the page /site/home.html, the fallback of site, is not there'],
  ],
];

for (const [what, shop, site, messages] of cases)
  test(`where ${what}, the check says ${messages.length === 0 ? 'nothing' : 'so once'}`, () => {
    assert.deepEqual(said(shop, site), messages);
  });
