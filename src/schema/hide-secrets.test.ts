import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sampled } from '../testing/sweep.test-support.ts';
import { renderConfigurationErrors } from '../config/configuration-errors.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { hideUnread } from '../config/hide-unread.ts';
import { parseConfiguration } from '../config/parse.ts';

/** As `candor token` makes one; no part of it that is long enough to be of use may be seen. */
const secret = 'E3m0c4DvJ5p0aOqk1c8YyRrQm2n0fQ2u7b7mX9xw0nA';
const token = `candor_${secret}`;
const pieces = Array.from({ length: secret.length - 7 }, (_, at) => secret.slice(at, at + 8));

/** Everything that anybody is shown of a configuration: `candor check`, its JSON, the admin API, the events. */
function allThatIsSaid(text: string): string {
  const parsing = parseConfiguration(text, {
    file: 'candor.yaml',
    directory: '/etc/shop',
    environment: { TOKEN: token, PORT: '3000' },
    hostname: 'gateway',
    readings: new Map(),
  });
  const errors = parsing.ok ? parsing.warnings : parsing.errors;
  const rendered = renderConfigurationErrors(errors, parsing.maskedText(), { colour: false, width: 80 });
  return `${rendered}\n${JSON.stringify(errors)}`;
}

function assertUntold(text: string): void {
  const said = allThatIsSaid(text);
  // Cut or broken between lines it would be a part of it still.
  const found = pieces.find((piece) => said.includes(piece) || said.includes(piece.toLowerCase()));
  assert.equal(found, undefined, `${text}\n---\n${said}`);
}

const listening = 'upstreams: { app: "127.0.0.1:3000" }\n';

describe('a token that was written in place of its hash is not repeated', () => {
  const texts: readonly string[] = [
    `${listening}admin:\n  listen: 127.0.0.1:9901\n  tokens:\n    deploy: ${token}\n`,
    `${listening}admin: { listen: "127.0.0.1:9901", tokens: { deploy: "${token}" } }\n`,
    `${listening}admin: { listen: "127.0.0.1:9901", tokens: deploy ${token} }\n`,
    `${listening}admin:\n  tokens: "deploy ${token}"\n`,
    `${listening}admin: { tokens: { ${token}: deploy } }\n`,
    `${listening}admin: { tokens: { "to deploy with ${token}": x } }\n`,
    `${listening}admin: { tokens: [${token}] }\n`,
    `${listening}admin: { listen: ${token} }\n`,
    `${listening}admin: { listen: *${token} }\n`,
    `${listening}admin: { listen: "\${${token}}" }\n`,
    `${listening}admin: { listen: "\${TOKEN}" }\n`,
    `${listening}admin: { tokens: "\${TOKEN}" }\n`,
    `${listening}admin:\n  tokens:\n    deploy:${token}\n`,
    `${listening}a-word-before-it-of-some-length:${token}\n`,
    `${listening}${'a longer text with a token at its end, '.repeat(2)}: ${token}\n`,
    `${listening}deployment: "forty-eight characters and a blank before it, ok ${token}"\n`,
    `${listening}admin: {\n  tokens: { deploy: ${token}\n`,
    `${listening}${token}: 1\n${token}: 2\n`,
    `${token}\n`,
    `${listening}error_pages: { 502: pages/${token} }\n`,
  ];
  for (const text of texts)
    test(JSON.stringify(text.replaceAll(token, 'TOKEN').slice(listening.length)), () => assertUntold(text));

  test('wherever in a configuration that is complained of it stands', () => {
    const folder = join(import.meta.dirname, '../config/errors');
    const texts = readdirSync(folder).flatMap((name) =>
      [...readFileSync(join(folder, name), 'utf8').matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text as string),
    );
    assert.ok(texts.length > 100);
    for (const [number, text] of texts.filter((one) => one.length < 2000).entries()) {
      const words = [...text.matchAll(/[\w.$/-]+/g)];
      // Some of the words of each: many stand in several.
      for (const { index, 0: word } of sampled(words, 160, number)) {
        const [before, after] = [text.slice(0, index), text.slice(index + word.length)];
        assertUntold(before + token + after);
        assertUntold(`${before}"\${TOKEN}"${after}`);
      }
    }
  });
});

describe('of a text that could not be read, what stands below a key with secrets', () => {
  const hash = `sha256:${'0a'.repeat(32)}`;
  const cases: readonly (readonly [what: string, text: string, shown: string])[] = [
    ['a plain value', 'tokens:\n  a: hunter2\nlog: x', 'tokens:\n  a: *******\nlog: x'],
    ['a quoted one', 'tokens: { a: "hunter2 x", b: \'y\' }, b: c', 'tokens: { a: "*********", b: \'*\' }, b: *'],
    ['hashes stay', `tokens:\n  a: ${hash}\n  b: "${hash}" # old\n`, `tokens:\n  a: ${hash}\n  b: "${hash}" # old\n`],
    ['a single value', 'admin:\n  tokens: hunter2 x\nlog: y', 'admin:\n  tokens: ******* *\nlog: y'],
    ['a single value in brackets', '{ tokens: hunter2, log: y }', '{ tokens: *******, log: y }'],
    ['a list', 'tokens:\n- hunter2\n- x\nlog: y', 'tokens:\n- *******\n- *\nlog: y'],
    ['a wrong key', 'token: hunter2\nlog: y', 'token: *******\nlog: y'],
    ['brackets that stay open', 'tokens: { a: hunter2', 'tokens: { a: *******'],
    ['variables stay', 'tokens:\n  a: ${DEPLOY}\n', 'tokens:\n  a: ${DEPLOY}\n'],
    ['roles stay', 'tokens:\n  a: { hash: hunter2, role: read }\n', 'tokens:\n  a: { hash: *******, role: read }\n'],
    [
      'headers of a collector',
      'otlp:\n  headers:\n    x-key: hunter2\nlog: x',
      'otlp:\n  headers:\n    x-key: *******\nlog: x',
    ],
    [
      'and in brackets',
      'otlp: { headers: { a: b1, c: ${K} }, logs: all }',
      'otlp: { headers: { a: **, c: ${K} }, logs: all }',
    ],
    [
      'a key that is not known',
      'tokn: hunter2\ntokens_max: 5\nlame_duck: x',
      'tokn: *******\ntokens_max: 5\nlame_duck: x',
    ],
    ['a key without a space', 'tokn:hunter2\nlame_duck:x', 'tokn:*******\nlame_duck:x'],
    ['wide characters keep their columns', 'token: "店店"', 'token: "**"'],
  ];
  for (const [what, text, shown] of cases) test(what, () => assert.equal(hideUnread(text, new TextRedactor()), shown));

  test('stands in no sentence and in no excerpt', () => {
    const written: readonly string[] = [
      'tokens: hunter2',
      'tokens: 31337',
      'tokens: [hunter2, 31337]',
      'tokens: { a: hunter2 }',
      'tokens: { a: 31337 }',
      'tokens: { a: { b: hunter2 } }',
      'token: hunter2',
    ];
    for (const one of written) {
      const said = allThatIsSaid(`${listening}admin: { listen: "127.0.0.1:1x", ${one} }\n`);
      assert.doesNotMatch(said, /hunter2|31337/, one);
      assert.match(said, /\^\^/);
    }
  });

  test('does not take long, whatever it is', () => {
    for (const text of ['tokens: {'.repeat(20_000), 'tokens: "'.repeat(20_000), `tokens: ${'a '.repeat(100_000)}`]) {
      const begun = performance.now();
      hideUnread(text, new TextRedactor());
      assert.ok(performance.now() - begun < 5000);
    }
  });
});
