import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { FakeProcessContext } from '../../test/fakes/fake-process-context.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-format-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly level: string;
  readonly at: string;
  readonly kind: string;
  readonly reason: string;
}

/** Standard error of a gateway that fails to start: warnings, and why it ends. */
async function upInVain(yaml: string, terminal: boolean): Promise<{ code: number; text: string }> {
  writeFileSync(join(folder, 'candor.yaml'), yaml);
  const context = new FakeProcessContext(folder, { terminal });
  const code = await context.candor('up');
  return { code, text: context.stderr.text };
}

const mistakes = 'routs: []\nlisteners: { http: x }\n';

describe('standard error of a gateway', () => {
  test('is JSON in every line if it is a pipe, including the reason of the end', async () => {
    const { code, text } = await upInVain(mistakes, false);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    assert.deepEqual([code, lines.at(-1)?.kind, lines.at(-1)?.reason], [4, 'command_failed', 'Nothing was started.']);
    assert.ok(lines.filter(({ kind }) => kind === 'configuration_error').length >= 2);
    for (const { level, at } of lines) assert.ok(level !== '' && !Number.isNaN(Date.parse(at)));
  });

  test('is JSON also if the port is taken', async (t) => {
    const server = createServer();
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
    const { port } = server.address() as { port: number };
    const yaml = `listeners: { http: "127.0.0.1:${port}" }\nroutes:\n  - respond: { body: here }\nstate: none\n`;
    const { code, text } = await upInVain(yaml, false);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    assert.match(lines.at(-1)?.reason ?? '', new RegExp(`127\\.0\\.0\\.1:${port} is taken`));
    assert.equal(code, 1);
  });

  test('reports a command that ended before it was ready as a failure with its exit code, in unbroken sentences', async () => {
    const around = new FakeProcessContext(folder);
    const script = 'process.exit(3) // a command long enough that its sentence needs two lines';
    const code = await around.candor('run', '--port', '0', '--', process.execPath, '-e', script);
    const last = JSON.parse(around.stderr.text.trimEnd().split('\n').at(-1) ?? '') as Line & { evidence: object };
    assert.deepEqual([code, last.kind, last.level], [3, 'command_failed', 'error']);
    assert.deepEqual(last.evidence, { exit_code: 3, output: [] });
    for (const line of around.stderr.text.trimEnd().split('\n'))
      assert.doesNotMatch((JSON.parse(line) as Line).reason, /\n\S/);
  });

  test('names a missing folder of the log, which is not created', async () => {
    const yaml = `routes:\n  - respond: { body: here }\nlisteners: { http: "127.0.0.1:0" }\nstate: none\nlog: { path: ${folder}/no/such/x.log }\n`;
    const { code, text } = await upInVain(yaml, false);
    assert.equal(code, 1);
    assert.match(text, /no\/such/);
    assert.equal(existsSync(join(folder, 'no')), false);
  });

  test('is text in every line on a terminal', async () => {
    const { code, text } = await upInVain(mistakes, true);
    assert.equal(code, 4);
    assert.match(text, /unknown key "routs"/);
    assert.match(text, /Nothing was started\./);
    assert.doesNotMatch(text, /^\{/m);
  });
});
