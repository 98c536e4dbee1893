import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exitCodes } from '../../src/cli/command-failure.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

const corpus = join(import.meta.dirname, '..', 'adapt', 'corpus');

/** The file of each kind among those of a folder; the others lie beside it. */
const sources: Readonly<Record<string, RegExp>> = {
  procfile: /^Procfile$/,
  compose: /compose\.ya?ml$/,
  pm2: /^(?:ecosystem\.|process\.json$)/,
  systemd: /\.service$/,
};

/** What no line of output may have: the secrets of the corpus. */
const secretsOfCorpus =
  /hunter2|a long one with|s3cr3t|geo-geo|django-insecure|rootroot|very-secret|ABC-DEF1234|sk_test_|sk_live_|correct-horse|keyboard cat|toor|AKIAIOSFODNN7|abcabcabc|0123456789abcdef|pa55-w0rd|Passw0rd|guest:guest/;

/** Keys that the schema does not have yet: an error about one of the others is one. */
const pending = ((): readonly RegExp[] => {
  const { properties } = jsonSchema() as { properties: Record<string, { additionalProperties?: unknown }> };
  const ofApplication = JSON.stringify(properties['applications'] ?? {});
  const keys = ['depends_on', 'secrets', 'workers', 'jobs', 'user', 'limits', 'isolation'];
  const missing = keys.filter((key) => !ofApplication.includes(`"${key}":`));
  return [
    ...[...missing, ...('dependencies' in properties ? [] : ['dependencies'])].map(
      (key) => new RegExp(`^unknown key "${key}"$`),
    ),
    ...(missing.includes('workers') ? [/^the key "command" is missing$/, /"per_core"$/] : []),
  ];
})();

interface Adapted {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

async function adapt(folder: string, ...words: string[]): Promise<Adapted> {
  const context = new FakeProcessContext(folder);
  const code = await context.candor('adapt', ...words);
  return { code, output: context.stdout.text, errors: context.stderr.text };
}

/** UPDATE_GOLDEN=1 writes the files; read the difference before you commit it. */
function assertExpected(path: string, text: string): void {
  if (process.env['UPDATE_GOLDEN'] === '1' || !existsSync(path)) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'));
}

for (const [kind, source] of Object.entries(sources)) {
  describe(`candor adapt ${kind}`, () => {
    const cases = readdirSync(join(corpus, kind));
    test('has at least twelve files', () => assert.ok(cases.length >= 12));
    const checked = sampled(cases, 3);
    for (const name of cases) {
      test(`converts ${name}`, async () => {
        const folder = join(corpus, kind, name);
        const files = readdirSync(folder).toSorted();
        const file = files.find((one) => source.test(one)) ?? assert.fail('no source');
        const { code, output, errors } = await adapt(folder, kind, file);
        assert.equal(code, 0, errors);
        assertExpected(join(folder, 'expected.yaml'), output);
        assertExpected(join(folder, 'expected.txt'), errors);
        assertFits(errors.replaceAll(/^ {2}candor secret set .*$/gm, ''));
        assert.doesNotMatch(output + errors, secretsOfCorpus);
      });
      if (!checked.includes(name)) continue;
      test(`passes candor check after ${name}`, async () => {
        const folder = join(corpus, kind, name);
        const context = new FakeProcessContext(folder);
        await context.candor('check', '-c', 'expected.yaml', '--json');
        const { errors } = JSON.parse(context.stdout.text) as { errors: { severity: string; message: string }[] };
        const wrong = errors.filter(({ severity }) => severity === 'error').map(({ message }) => message);
        assert.deepEqual(
          wrong.filter((message) => !pending.some((one) => one.test(message))),
          [],
        );
      });
    }
  });
}

describe('candor adapt refuses what it cannot convert', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-adapt-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [one, before_] of ['ba', 'cb', 'dc', 'ed', 'fe'].map((pair) => [...pair] as [string, string]))
    bomb.push(`${one}: &${one} [${Array(10).fill(`*${before_}`).join(', ')}]`);

  const refused: readonly (readonly [
    name: string,
    kind: string,
    file: string,
    content: string | Buffer,
    message: RegExp,
  ])[] = [
    ['an empty file', 'procfile', 'Procfile', '\n \n', /the file is empty/],
    ['a binary', 'procfile', 'Procfile', Buffer.from('\x7fELF\0\0\x01web: x'), /no text: it has control characters/],
    ['text in Latin-1', 'procfile', 'Procfile', Buffer.from('web: caf\xe9', 'latin1'), /no text in UTF-8/],
    ['100 MB', 'compose', 'compose.yaml', Buffer.alloc(100 * 1024 * 1024, 0x61), /more than 1 MiB/],
    ['a Procfile without a process', 'procfile', 'Procfile', '# nothing\n', /no process: `web: command` in a line/],
    ['a Procfile with a release alone', 'procfile', 'Procfile', 'console: sh\n', /no process that runs all the time/],
    [
      'a compose file as a Procfile',
      'procfile',
      'compose.yaml',
      'services:\n  web:\n    image: x\n',
      /candor adapt compose compose\.yaml/,
    ],
    ['a Procfile as a compose file', 'compose', 'Procfile', 'web: node a.js\n', /candor adapt procfile Procfile/],
    [
      'a unit as a compose file',
      'compose',
      'a.service',
      '[Service]\nExecStart=/bin/a\n',
      /candor adapt systemd a\.service/,
    ],
    [
      'a module as a unit',
      'systemd',
      'ecosystem.config.js',
      'module.exports = { apps: [] }',
      /candor adapt pm2 ecosystem\.config\.js/,
    ],
    ['a cyclic anchor', 'compose', 'c.yaml', 'services: &s\n  web: *s\n', /c\.yaml:2 .*the anchor &s contains itself/],
    ['an anchor that is not there', 'compose', 'c.yaml', 'services:\n  web: *s\n', /c\.yaml:2 |there is no anchor &s/],
    ['aliases that fill memory', 'compose', 'c.yaml', `${bomb.join('\n')}\nservices: *f\n`, /more than 10000 values/],
    [
      'a list nested too deeply',
      'compose',
      'c.yaml',
      `services: ${'['.repeat(100_000)}`,
      /nested too deeply|not valid YAML/,
    ],
    ['two documents', 'compose', 'c.yaml', 'services: {}\n---\nservices: {}\n', /several documents/],
    ['broken YAML', 'compose', 'c.yaml', 'services:\n  web: {image: x\n', /c\.yaml:\d+ .*not valid YAML/],
    [
      'services that need containers',
      'compose',
      'c.yaml',
      'services: { db: { image: postgres } }\n',
      /can run without a container: db/,
    ],
    [
      'broken JavaScript',
      'pm2',
      'e.config.js',
      'module.exports = {\n  apps: [\n',
      /e\.config\.js:3 .*not valid JavaScript/,
    ],
    ['a module that exports nothing', 'pm2', 'e.config.js', 'console.log("hello")', /it exports nothing/],
    [
      'a module that computes all',
      'pm2',
      'e.config.js',
      'module.exports = require("./other")',
      /no `apps` with a `script`/,
    ],
    [
      'deep JavaScript',
      'pm2',
      'e.config.js',
      `module.exports = ${'['.repeat(200)}${']'.repeat(200)}`,
      /nested too deeply/,
    ],
    [
      'JavaScript that is deeper than a stack',
      'pm2',
      'e.config.js',
      `module.exports = ${'['.repeat(50_000)}`,
      /not valid JavaScript/,
    ],
    [
      'constants in a circle',
      'pm2',
      'e.config.js',
      'const a = b; const b = a; module.exports = a',
      /nested too deeply/,
    ],
    [
      'a timer without its service',
      'systemd',
      'a.timer',
      '[Timer]\nOnCalendar=daily\n',
      /its service a\.service is not beside it/,
    ],
    ['a unit without ExecStart', 'systemd', 'a.service', '[Service]\nUser=x\n', /no ExecStart/],
    ['a socket', 'systemd', 'a.socket', '[Socket]\nListenStream=80\n', /no \[Service\]/],
  ];
  for (const [name, kind, file, content, message] of refused)
    test(name, async () => {
      writeFileSync(join(folder, file), content);
      const { code, output, errors } = await adapt(folder, kind, file);
      rmSync(join(folder, file));
      assert.match(errors.replaceAll(/\s+/g, ' '), message);
      assert.equal(output, '');
      assert.ok(code === exitCodes.validation_failed || code === exitCodes.usage, `exit code ${code}`);
      assert.doesNotMatch(errors, /\n\s+at /);
      assertFits(errors);
    });

  const usages: readonly (readonly [name: string, words: readonly string[], message: RegExp])[] = [
    ['a file that is not there', ['procfile', 'nowhere'], /nowhere is not there/],
    ['a folder', ['compose', '.'], /is a folder: name the file in it/],
    ['a kind that is none', ['docker', 'compose.yaml'], /one of procfile, compose, pm2, systemd/],
  ];
  for (const [name, words, message] of usages)
    test(name, async () => {
      const { code, errors } = await adapt(folder, ...words);
      assert.match(errors, message);
      assert.equal(code, exitCodes.usage);
    });
});

describe('candor adapt writes a file', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-adapt-'));
    mkdirSync(join(folder, 'shop'));
    writeFileSync(join(folder, 'shop', 'Procfile'), 'web: node server.js -p $PORT\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('with the folder of the application as seen from there, for its owner alone', async () => {
    const { code, output, errors } = await adapt(folder, 'procfile', 'shop/Procfile', '-o', 'candor.yaml');
    assert.equal(code, 0, errors);
    assert.equal(output, '');
    assert.match(readFileSync(join(folder, 'candor.yaml'), 'utf8'), /^ {4}directory: shop$/m);
    assert.equal(statSync(join(folder, 'candor.yaml')).mode & 0o777, 0o600);
  });

  test('but never over one that is there', async () => {
    writeFileSync(join(folder, 'mine.yaml'), 'upstreams: {}\n');
    const { code, errors } = await adapt(folder, 'procfile', 'shop/Procfile', '-o', 'mine.yaml');
    assert.equal(code, exitCodes.refused);
    assert.match(errors, /mine\.yaml is there already, and was not changed/);
    assert.equal(readFileSync(join(folder, 'mine.yaml'), 'utf8'), 'upstreams: {}\n');
  });

  test('and prints all of it as JSON', async () => {
    const { code, output, errors } = await adapt(folder, 'procfile', 'shop/Procfile', '--json');
    assert.equal(code, 0);
    assert.equal(errors, '');
    const { configuration, notes, secrets } = JSON.parse(output) as Record<string, unknown>;
    assert.match(String(configuration), /command: node server\.js -p \{port\}/);
    assert.deepEqual([notes, secrets], [[], []]);
  });
});
