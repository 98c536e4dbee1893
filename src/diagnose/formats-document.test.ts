import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { allDialects } from './all-dialects.ts';
import { explain } from './diagnose.ts';
import { LogExplainer } from './diagnose.ts';
import { unnamed } from '#explain/pasted/nginx-fragments.ts';
import { fragmentForms } from '#explain/pasted/read-part.ts';
import { prefixForms, colourTool, jsonTool, memberTool, pairTool, unwrap } from '#explain/wrappers/unwrap.ts';

const pages = new URL('../../docs/explain/', import.meta.url);
const document = readFileSync(new URL('formats.md', pages), 'utf8');

/** The rows of the table under a heading, without its head. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const section = document.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((row) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.replaceAll('\\|', '|').trim()),
  );
}

/** The text of a code span; `\t` stands for a tab. */
const codeOf = (cell: string): string => textOf(cell.replace(/^`` (.*) ``$|^`(.*)`$/, '$1$2'));

const textOf = (written: string): string =>
  written
    .replaceAll('\\t', '\t')
    .replace(/^\\x1e|\\x1b/g, (control) => String.fromCharCode(Number.parseInt(control.slice(2), 16)));

/** The rows of a file of tab-separated values. */
const rowsIn = (file: string): readonly (readonly string[])[] =>
  readFileSync(new URL(file, pages), 'utf8')
    .trimEnd()
    .split('\n')
    .map((row) => row.split('\t'));

/** The items of the lists under a heading. */
const itemsUnder = (heading: string): readonly string[] =>
  [...(document.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^- (.*)$/gm)].map(
    ([, item = '']) => item,
  );

const formats = rowsIn('formats.tsv').map(([format = '', line = '']) => ({ format, line: textOf(line) }));
const wrappers = rowsIn('wrappers.tsv').map(([tool = '', example = '', kept = '']) => ({
  tool,
  example: textOf(example),
  kept,
}));

describe('the document of formats', () => {
  for (const { format, line } of formats)
    it(`has a line of: ${format}`, () => assert.equal(new LogExplainer().read(line)?.format, format, line));

  it('names each of them', () => {
    const named = ['Formats of gateways', "Formats of the application's side"]
      .flatMap(itemsUnder)
      .flatMap((names) => names.split('; '));
    assert.deepEqual([...new Set(named)].toSorted(), [...new Set(formats.map(({ format }) => format))].toSorted());
  });

  it('has a line that each dialect recognises', () => {
    const without = allDialects.filter((dialect) => !formats.some(({ line }) => dialect.recognise(line) > 0));
    assert.deepEqual(
      without.map(({ format }) => format),
      [],
    );
  });

  it('has a row for each tool that wraps lines', () => {
    const tools = new Set([...prefixForms.map(({ tool }) => tool), jsonTool, memberTool, pairTool, colourTool]);
    assert.deepEqual([...new Set(wrappers.map(({ tool }) => tool))].toSorted(), [...tools].toSorted());
    const named = itemsUnder('What other tools put around a line').map((item) =>
      item.startsWith(jsonTool) ? jsonTool : item,
    );
    assert.deepEqual(named.toSorted(), [...tools].toSorted());
  });
});

describe('the document of custom formats', () => {
  for (const [format = '', line = '', gateway = ''] of rowsUnder('Custom formats').map((row) => row.map(codeOf)))
    it(`reads a line of ${gateway} with its format`, () => {
      const { lines, error } = explain(line, { logFormat: format });
      assert.equal(error, null);
      assert.deepEqual([lines[0]?.gateway, lines[0]?.shape], [gateway, 'unreachable']);
    });
});

const parts = rowsIn('parts.tsv').map(([of = '', example = '']) => ({ of, example: textOf(example) }));

describe('a part of a line is explained, and called likely', () => {
  for (const { of, example } of parts)
    it(`${of}: ${example.slice(0, 70)}`, () => {
      const found = new LogExplainer().read(example);
      assert.equal(found?.confidence, 'likely');
      assert.ok(found.kind === 'event' || (found.shape !== 'none' && found.shape !== 'unknown'), found.shape);
      assert.ok(!JSON.stringify(found).includes(unnamed));
      assert.equal(found.atMs, null);
    });

  it('and each form of a part has a row, and is named', () => {
    const forms = new Set([...fragmentForms.map(({ of }) => of), "members of a gateway's JSON"]);
    assert.deepEqual(parts.map(({ of }) => of).toSorted(), [...forms].toSorted());
    assert.deepEqual(itemsUnder('Parts of lines').toSorted(), [...forms].toSorted());
  });
});

/** Lines of other forms, each with a failure; some begin as the text of another tool does. */
const inner = formats
  .map(({ line }) => line)
  .filter((line) => {
    const found = new LogExplainer().read(line);
    return found !== null && found.shape !== 'none' && found.gateway !== 'candor' && !line.includes('\t');
  });

describe('a line is read with text of other tools around it', () => {
  for (const { tool, example, kept } of wrappers) {
    it(`${tool}: ${example.slice(0, 70)}`, () => {
      for (const line of inner) {
        const text = wrapped(example, line);
        const [bare, found] = [new LogExplainer().read(line), new LogExplainer().read(text)];
        assert.deepEqual([found?.shape, found?.type], [bare?.shape, bare?.type], text);
      }
    });

    it(`${tool}, and keeps ${kept}: ${example.slice(0, 50)}`, () => {
      const line =
        '2026/11/21 10:00:00 [error] 12#12: *5 no live upstreams while connecting to upstream, client: 203.0.113.5, server: _, request: "GET / HTTP/1.1"';
      const text = wrapped(example, line);
      const [unwrapped] = unwrap(text);
      assert.ok(unwrapped?.tools.includes(tool), unwrapped?.tools.join() ?? 'not unwrapped');
      const evidence = new LogExplainer().read(text)?.evidence ?? [];
      const facts = kept.replace(/^.*(?:: |`)/, '').split(', ');
      for (const fact of ['pod', 'container', 'namespace', 'host', 'process', 'file', 'tag', 'stream', 'number'])
        if (facts.includes(fact))
          assert.ok(
            evidence.some((one) => one.startsWith(`${fact}=`)),
            `${fact}: ${evidence.join()}`,
          );
      if (facts.includes('time')) assert.notEqual(unwrapped?.atMs ?? null, null);
    });
  }
});

/** In JSON the line is escaped, twice if the JSON is in JSON; in CSV and YAML their quotes are doubled. */
function wrapped(example: string, line: string): string {
  const escaped = JSON.stringify(line).slice(1, -1);
  if (example.includes('\\"LINE\\"')) return example.replace('LINE', () => JSON.stringify(escaped).slice(1, -1));
  if (/^"[^{]*"LINE"$/.test(example) && example.includes('",'))
    return example.replace('LINE', () => line.replaceAll('"', '""'));
  if (example.includes("'LINE'")) return example.replace('LINE', () => line.replaceAll("'", "''"));
  return example.replace('LINE', () => (/"LINE(?:\\n)?"/.test(example) ? escaped : line));
}
