import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exitCodes } from '../../src/cli/command-failure.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-empty-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Answer {
  readonly code: number;
  readonly stdout: string;
  /** Both outputs, on one line. */
  readonly text: string;
}

async function candor(...argv: string[]): Promise<Answer> {
  const context = new FakeProcessContext(folder, { terminal: true, env: { NO_COLOR: '1' } });
  const code = await context.candor(...argv);
  assert.doesNotMatch(context.stderr.text, /\n\s+at \S+ \(/, 'a stack trace is no message');
  return {
    code,
    stdout: context.stdout.text,
    text: `${context.stdout.text}${context.stderr.text}`.replaceAll(/\s+/g, ' '),
  };
}

const writeOne =
  /no file "candor\.yaml" in ".*write one, .*upstreams: .* -c; `candor run -- node server\.js` needs none/;
const startOne =
  /^No running gateway was found\. Looked for .* Start one with `candor up -c candor\.yaml` \(`candor run/;
const noFlag = /^There is no flag --?\S+?[.;] (?:did you mean --|`--help` lists all flags\.)/;

describe('in an empty folder, without a gateway, each command says what to do next:', () => {
  const cases: readonly (readonly [command: string, code: number, step: RegExp])[] = [
    ['up', exitCodes.validation_failed, writeOne],
    ['check', exitCodes.validation_failed, writeOne],
    ['trust', exitCodes.validation_failed, writeOne],
    ['check candor.yaml', exitCodes.usage, /unexpected argument\. A configuration is named with -c candor\.yaml\.$/],
    [
      'events since:3m',
      exitCodes.usage,
      /^"since:3m" is a condition of `candor logs`\. Other commands have --since 3m\.$/,
    ],
    ['serve', exitCodes.usage, /^There is no command "serve"; did you mean/],
    ['xyzzyx', exitCodes.usage, /^There is no command "xyzzyx"\. `candor --help` lists all commands\.$/],
    ['run', exitCodes.usage, /^The command to run is missing: candor run -- node server\.js$/],
    ['run --x -- node', exitCodes.usage, noFlag],
    ['demo --x', exitCodes.usage, noFlag],
    ['status --jsno', exitCodes.usage, /^There is no flag --jsno; did you mean --json\?$/],
    ['incidents --all', exitCodes.usage, /^There is no flag --all; did you mean --ca-file\?$/],
    ['explain no.log', exitCodes.usage, /^There is no file no\.log\. Name a log that exists, or give a line of one/],
    [
      'explain no.log other.log',
      exitCodes.usage,
      /^Nothing was read: there is no file no\.log; name a log that exists\.$/,
    ],
    ['whose nothing', exitCodes.usage, /^There is no file nothing, .* Name a URL, or a file with the response\.$/],
    ['route /', exitCodes.usage, /^url is http:\/\/host\/path or https:\/\/host\/path\.$/],
    ['torture', exitCodes.usage, /^The URL of the gateway is missing: candor torture http:/],
    ['maintenance', exitCodes.usage, /^Nothing was closed: .* `candor maintenance on`/],
    ['weight a x', exitCodes.usage, /a weight is a whole number from 0 to 1000$/],
    ...['pause', 'drain', 'eject', 'weight', 'explain', 'whose', 'probe', 'incident', 'route', 'token'].map(
      (name) => [name, exitCodes.usage, /^(?:The <\S+> is missing\. `--help` has an example\. ?)+$/] as const,
    ),
    ...[
      ...['status', 'reload', 'maintenance on', 'restore', 'upgrade', 'dashboard', 'incidents', 'events', 'logs'],
      ...['pause a', 'drain a', 'eject a', 'weight a 5', 'explain abc', 'incident 3', 'route GET http://x/'],
      ...['alert list', 'alert test', 'configuration list', 'configuration show'],
    ].map((command) => [command, exitCodes.gateway_unreachable, startOne] as const),
  ];
  for (const [command, code, step] of cases)
    test(`candor ${command}`, async () => {
      const said = await candor(...command.split(' '));
      assert.match(said.text.trim(), step);
      assert.equal(said.code, code);
    });

  test('every command of the help names a flag that it does not know', async () => {
    const { stdout } = await candor('--help');
    const names = [...(stdout.split('COMMANDS')[1] ?? '').matchAll(/^ {2}([a-z]+)/gm)].map(
      ([, name]) => name as string,
    );
    assert.ok(names.length > 25, String(names));
    for (const name of names.filter((one) => !['alert', 'app', 'configuration', 'key', 'secret'].includes(one)))
      for (const flag of ['--no-such-flag', '--c=']) {
        const said = await candor(name, flag);
        assert.match(said.text.trim(), noFlag, `candor ${name} ${flag}`);
        assert.equal(said.code, exitCodes.usage, `candor ${name} ${flag}`);
      }
  });
});
