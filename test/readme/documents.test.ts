import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as testing from '../../src/testing/testing.ts';
import { cacheFolder, repositoryRoot, toolPath } from '../../scripts/repository.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { runLine } from './demo-under-test.ts';
import { type Block, blocksOf, readDocument } from './markdown.ts';

describe('docs/cli.md', () => {
  const document = readDocument('docs/cli.md');
  const blocks = blocksOf(document);
  let context: FakeProcessContext;
  before(() => {
    context = new FakeProcessContext(mkdtempSync(join(tmpdir(), 'candor-documents-')));
  });
  after(() => rmSync(context.directory, { recursive: true, force: true }));

  const helpOf = async (...command: readonly string[]): Promise<string> => {
    const asked = new FakeProcessContext(context.directory);
    assert.equal(await asked.candor(...command, '--help'), 0);
    return asked.stdout.text;
  };

  test('the complaints it shows are those that candor check makes', async () => {
    const shown = blocks.find(({ heading }) => heading === 'candor check')?.text ?? '';
    const source = [...shown.matchAll(/^ *(\d+) \| (.*)$/gm)];
    // What is not shown must be there too: the sixth line is that of a route.
    const lines = ['', '', '', 'routes:', '  - path: /', ''];
    for (const [, number, text] of source) lines[Number(number) - 1] = text as string;
    writeFileSync(join(context.directory, 'candor.yaml'), `${lines.join('\n')}\n`);
    assert.equal(await context.candor('check', '-c', 'candor.yaml'), 4);
    assert.equal(context.stdout.text, `${shown.split('\n').slice(1).join('\n')}\n`);
  });

  for (const heading of new Set(blocks.map((block) => block.heading))) {
    const command = heading.replace('candor ', '');
    test(`every flag that it names of candor ${command} exists`, async () => {
      const help = await helpOf(command);
      const commands = /\nCOMMANDS\n([^]*)$/.exec(help)?.[1] ?? '';
      const inner = [...commands.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => helpOf(command, name ?? ''));
      const helps = [help, ...(await Promise.all(inner))];
      const inHelp = flagsIn(helps.map((text) => text.replace(/EXAMPLE\n[^]*?\n\n/, '')).join('\n'));
      const section = document.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
      // An example after `--` is the flag of another program.
      const named = flagsIn(section.replace(/ -- .*$/gm, ''));
      for (const flag of named) assert.ok(inHelp.has(flag), `${flag} does not exist`);
    });
  }

  test('its exit codes are those of the program', async () => {
    const { exitCodes } = await import('../../src/cli/command-failure.ts');
    const table = document.slice(document.indexOf('## Exit codes'));
    const documented = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap((match) =>
      (match[1] ?? '').split(', ').map(Number),
    );
    assert.deepEqual(documented, Object.values(exitCodes));
  });
});

describe('docs/testing.md', { timeout: 60_000 }, () => {
  const examples = blocksOf(readDocument('docs/testing.md')).filter(({ language }) => language === 'ts');
  const folder = join(cacheFolder, 'documents');
  before(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const example of examples) writeFileSync(join(folder, nameOf(example)), programOf(example));
  });

  test('has examples that compile', () => {
    const configuration = join(folder, 'tsconfig.json');
    writeFileSync(
      configuration,
      JSON.stringify({
        extends: join(repositoryRoot, 'tsconfig.json'),
        compilerOptions: { noUnusedLocals: false },
        include: ['*.ts'],
      }),
    );
    const ran = runLine(process.execPath, [toolPath('typescript', 'tsc'), '-p', configuration], process.env);
    assert.equal(ran.status, 0, ran.stdout);
  });

  for (const example of examples) {
    test(`the example at line ${example.line} runs`, () => {
      const ran = runLine(process.execPath, [join(folder, nameOf(example))], process.env);
      assert.equal(ran.status, 0, ran.stderr);
    });
  }
});

function flagsIn(text: string): Set<string> {
  return new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag));
}

function nameOf({ line }: Block): string {
  return `line-${line}.ts`;
}

/** What an example leaves to its reader's own program. */
const surroundings: Readonly<Record<string, string>> = {
  assert: "import assert from 'node:assert/strict';",
  origin: 'const origin = await startFaultOrigin();',
  post: "const post = (url: string, headers: Record<string, string>) => fetch(url, { method: 'POST', headers });",
  log: 'const log: string[] = [];',
};

/** An example as a program: with what it leaves out, on the source itself, and with an end. */
function programOf({ text }: Block): string {
  const declared = (name: string): boolean =>
    new RegExp(`(?:const|import.*) \\{?[^=]*\\b${name}\\b.*(?:=|from)`).test(text);
  const given = Object.entries(surroundings).filter(
    ([name]) => new RegExp(`\\b${name}\\b`).test(text) && !declared(name),
  );
  const prelude = given.map(([, line]) => line).join('\n');
  const whole = `${prelude}\n${text}`;
  const tools = Object.keys(testing).filter(
    (name) =>
      new RegExp(`\\b${name}\\(|\\b${name}\\b(?=[\\],])`).test(whole) &&
      !new RegExp(`import.*\\b${name}\\b`).test(text),
  );
  const door = JSON.stringify(join(repositoryRoot, 'src/testing/testing.ts'));
  const imports = tools.length === 0 ? '' : `import { ${tools.join(', ')} } from ${door};\n`;
  return `${imports}${whole.replaceAll("'candor/testing'", door)}\nprocess.exit(0);\nexport {};\n`;
}
