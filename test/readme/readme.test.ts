// Starts processes: the demo and the commands are run as the README shows them.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findPeer } from '../../scripts/peers.ts';
import { candorProgram } from '../program.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { type DemoUnderTest, runLine, startDemo } from './demo-under-test.ts';
import { blocksOf, readDocument } from './markdown.ts';

const readme = readDocument('README.md');
const blocks = blocksOf(readme);
const manifest = JSON.parse(readDocument('package.json')) as { scripts: Record<string, string> };

/** What the README prints under a curl line. */
interface Example {
  readonly url: string;
  readonly flags: readonly string[];
  readonly shown: readonly string[];
}

const examples = blocks.filter(({ language }) => language === 'console').flatMap(({ text }) => examplesOf(text));

/** Each answer comes within its limit: the slowest route has one of 2 s; the rest is for a busy machine. */
const answerMsMax = 6000;

const curl = findPeer('curl');
const skip = 'missing' in curl ? curl.missing : false;

describe('the demo of the README', { timeout: 120_000 }, () => {
  let demo: DemoUnderTest;
  let lastId = '';
  before(async () => {
    demo = await startDemo(manifest.scripts['start'] as string);
  });
  after(async () => {
    const { code, said, left } = await demo.interrupt();
    assert.equal(code, 0, said);
    assert.deepEqual(left, []);
  });

  test('prints six curl lines, those of the README among them', () => {
    const printed = [...demo.printed.matchAll(/^ +curl .*?(http:\S+)/gm)].map((match) => match[1]);
    assert.equal(printed.length, 6);
    assert.ok(examples.length > 1);
    for (const { url } of examples) assert.ok(printed.includes(here(url, demo)), url);
  });

  test('prints them last, and speaks to people wherever standard error leads', () => {
    assert.match(demo.told, /ready/);
    assert.doesNotMatch(demo.told, /^\{/m);
    assert.match(demo.printed, /Try these[^]*Ctrl-C ends the demo[^]{0,60}$/);
  });

  test('runs beside another one of the same folder', async () => {
    // The bundle, where there is one, takes a third of the processor time of the source.
    const other = await startDemo((manifest.scripts['start'] as string).replace('bin/candor', candorProgram));
    const { code, said, left } = await other.interrupt();
    assert.equal(code, 0, said);
    assert.deepEqual(left, []);
  });

  for (const { url, flags, shown } of examples) {
    test(`curl ${flags.join(' ')} ${url} prints what the README shows, in time`, { skip }, () => {
      assert.ok('path' in curl);
      const ran = runLine(curl.path, ['--silent', ...flags, here(url, demo)], { ...demo.env, ...curl.env });
      assert.equal(ran.status, 0, ran.stderr);
      assert.ok(ran.ms < answerMsMax, `it took ${ran.ms} ms`);
      lastId = /^x-request-id: (\S+)/im.exec(ran.stdout)?.[1] ?? '';
      assert.notEqual(lastId, '', 'the answer carries a request id');
      assertShown(shown, ran.stdout);
    });
  }

  test('npx candor explain prints the verdict of the last one', { skip }, () => {
    const line = blocks
      .map(({ text }) => /^npx candor explain \S+$/m.exec(text)?.[0])
      .find((text) => text !== undefined);
    assert.ok(line !== undefined, 'the README has such a line');
    const [command = '', ...args] = line.replace(/\S+$/, lastId).split(' ');
    const ran = runLine(command, args, demo.env);
    assert.equal(ran.status, 0, ran.stderr);
    assert.match(ran.stdout, /^VERDICT {2}reset$/m);
    assert.ok(ran.stdout.includes(lastId));
  });
});

describe('the commands of the README', () => {
  let context: FakeProcessContext;
  before(() => {
    context = new FakeProcessContext(mkdtempSync(join(tmpdir(), 'candor-readme-')));
  });
  after(() => rmSync(context.directory, { recursive: true, force: true }));

  test('the configuration it shows has no mistakes', async () => {
    const yaml = blocks.filter(({ language }) => language === 'yaml');
    assert.equal(yaml.length, 1);
    writeFileSync(join(context.directory, 'candor.yaml'), `${yaml[0]?.text}\n`);
    assert.equal(await context.candor('check'), 0, context.stdout.text + context.stderr.text);
    assert.equal(context.stdout.text, '✔ candor.yaml is valid.\n');
  });

  const documented = readDocument('docs/cli.md').matchAll(/^\| \[`(\w+)`\]/gm);
  for (const [, command = ''] of documented) {
    test(`candor ${command} --help has an example`, async () => {
      const asked = new FakeProcessContext(context.directory);
      assert.equal(await asked.candor(command, '--help'), 0);
      assert.match(asked.stdout.text, new RegExp(`EXAMPLE\n +candor ${command}`));
    });
  }

  test('docs/cli.md lists each command', async () => {
    assert.equal(await context.candor('--help'), 0);
    const commands = [...(context.stdout.text.split('COMMANDS\n')[1] ?? '').matchAll(/^ {2}(\w+)/gm)];
    const listed = [...readDocument('docs/cli.md').matchAll(/^\| \[`(\w+)`\]\(#candor-\w+\)/gm)];
    assert.deepEqual(
      listed.map(([, name]) => name),
      commands.map(([, name]) => name),
    );
  });

  test('its npm scripts exist', () => {
    const named = [...readme.matchAll(/npm (?:run )?([a-z:]+)/g)].map((match) => match[1] as string);
    const own = named.filter((script) => !['ci', 'install', 'pack'].includes(script));
    for (const script of own) assert.ok(manifest.scripts[script] !== undefined, script);
  });
});

function examplesOf(text: string): readonly Example[] {
  return text
    .split(/^\$ /m)
    .filter((part) => part.startsWith('curl '))
    .map((part) => {
      const [line = '', ...shown] = part.trimEnd().split('\n');
      const words = line.split(' ').slice(1);
      return { url: words.at(-1) ?? '', flags: words.slice(0, -1), shown };
    });
}

/** The same address at the port that the demo has. */
function here(url: string, { port }: DemoUnderTest): string {
  return url.replace(':8080', `:${port}`);
}

/** Every line that is shown occurs, and in the order shown. */
function assertShown(shown: readonly string[], output: string): void {
  const lines = output.split(/\r?\n/).map(steady);
  let from = 0;
  for (const line of shown.map(steady)) {
    const found = lines.indexOf(line, from);
    assert.notEqual(found, -1, `not there, or not in this order: ${line}\n\nin:\n${output}`);
    from = found + 1;
  }
}

/** Without what differs from one run to the next: request ids, dates, lengths, and the ports that were free. */
function steady(line: string): string {
  return line
    .trimEnd()
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replace(/^(Date|Content-Length): .*/i, '$1: …')
    .replace(/\b127\.0\.0\.1:\d{4,5}\b/g, '127.0.0.1:<port>');
}
