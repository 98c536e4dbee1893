import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exitCodes } from '../../src/cli/command-failure.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';

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
    ...[...missing, ...('dependencies' in properties ? [] : ['dependencies'])].map((key) => new RegExp(`^unknown key "${key}"$`)),
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
