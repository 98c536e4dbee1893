import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { blocksOf, readDocument } from './markdown.ts';

const document = 'docs/moving-in.md';

/** Each example is a file, and behind it the command with what it prints. UPDATE_DOCS=1 writes that. */
describe('what docs/moving-in.md shows is what candor adapt prints', () => {
  const blocks = blocksOf(readDocument(document));
  const examples = blocks.flatMap(({ language, text }, index) =>
    language === 'console' ? [{ shown: text, source: blocks[index - 1]!.text }] : [],
  );
  for (const { shown, source } of examples) {
    const [, kind = '', file = ''] = /^\$ candor adapt (\S+) (\S+)\n/.exec(shown) ?? [];
    test(`candor adapt ${kind} ${file}`, async (t) => {
      const folder = join(mkdtempSync(join(tmpdir(), 'candor-moving-')), 'shop');
      t.after(() => rmSync(join(folder, '..'), { recursive: true, force: true }));
      mkdirSync(folder);
      writeFileSync(join(folder, file), source);
      const context = new FakeProcessContext(folder);
      assert.equal(await context.candor('adapt', kind, file), 0, context.stderr.text);
      const printed = `$ candor adapt ${kind} ${file}\n${context.stdout.text}`.trimEnd();
      if (process.env['UPDATE_DOCS'] === '1') {
        const path = join(repositoryRoot, document);
        writeFileSync(
          path,
          readFileSync(path, 'utf8').replace(shown, () => printed),
        );
      } else assert.equal(shown, printed);
    });
  }
  test('and there is one of each kind', () => assert.equal(examples.length, 4));
});
