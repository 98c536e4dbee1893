import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfiguration } from './parse.ts';
import { featuresOfFile } from '../features/keys.ts';
import { suggestForShortForm } from './explain-short-form.ts';

const endpoint = '"127.0.0.1:3000"';

describe('what is suggested in place of a short form is accepted', () => {
  for (const [path, word] of [
    [['otlp'], 'http://127.0.0.1:4318'],
    [['admin'], '127.0.0.1:9901'],
    [['admin'], './candor.sock'],
    [['timeouts'], '30s'],
    [['drain'], '30s'],
    [['websocket'], '60s'],
    [['dns'], '127.0.0.53'],
    [['dns'], '::1'],
    [['store', 'keep'], '7d'],
    [['store', 'keep'], '2GiB'],
    [['upstreams', 'app', 'connections'], '50'],
    [['upstreams', 'app', 'when_none_ready'], '10s'],
  ] as const)
    test(`${path.join('.')}: ${word}`, () => {
      const suggested = suggestForShortForm(path, word);
      const written = /^write (\{.*\})$/.exec(suggested ?? '')?.[1];
      assert.ok(written !== undefined, String(suggested));
      const [section, ...rest] = path;
      const inner = rest.toReversed().reduce((text: string, key) => `{ ${key}: ${text} }`, written);
      const upstreams =
        section === 'upstreams'
          ? inner.replace('{ app: {', `{ app: { endpoints: ${endpoint},`)
          : `{ app: ${endpoint} }`;
      const yaml = `upstreams: ${upstreams}\n${section === 'upstreams' ? '' : `${section}: ${inner}\n`}`;
      const parsed = parseConfiguration(yaml, {
        file: 'candor.yaml',
        directory: '/etc',
        environment: {},
        hostname: 'gw',
      });
      const errors = parsed.ok ? [] : parsed.errors.map(({ message }) => message);
      // Over TCP the admin API needs a token as well.
      assert.deepEqual(
        errors.filter((error) => !error.includes('token')),
        [],
      );
    });
});

interface Problem {
  readonly message: string;
  readonly suggestion: string | null;
}

/** Errors and warnings of a file whose only mistake may be this value. */
function problemsOf(key: string, value: string): readonly Problem[] {
  const context = { file: 'candor.yaml', directory: '/etc/shop', environment: {}, hostname: 'gateway', addresses: [] };
  const read = parseConfiguration(`upstreams: { app: "127.0.0.1:3000" }\nlog: { ${key}: ${value} }\n`, context);
  return read.ok ? read.warnings : read.errors;
}

/** What the suggestion says to write. */
function suggested(suggestion: string): string | null {
  const [, quotedText, list, word] = /^write (?:at least )?(?:("[^"]*")|(\[.*?\])|([\w./-]+))/.exec(suggestion) ?? [];
  return quotedText ?? list ?? word ?? null;
}

const wrong: Readonly<Record<string, readonly string[]>> = {
  rotate_at: ['100KB', '100', '1K', '1.5GiB', '0.5 MB', '0B', '1MB', '1048576', 'never', 'off', '1024'],
  keep: ['"5"'],
  compress: ['gz', '.zst', 'true', 'no', 'off', 'bzip2', 'lz4', 'deflate'],
  format: ['apache', 'nginx', 'common', 'text', 'ndjson', 'JSON', 'yes', 'off', 'ltsv', 'true'],
  detail: ['yes', 'true', 'high', 'none', 'verbose', 'minimal', 'Full', 'false', 'all', 'debug'],
  headers: [
    'user-agent',
    '"user-agent, referer"',
    '"User-Agent cookie"',
    '"referer;authorization"',
    'off',
    '"5"',
    'null-header',
    '"y"',
  ],
  query_allowed: ['page', '"page,sort"', '5', '"5"', 'none', '"a:b"', '"null"'],
  secret_headers: ['X-Pass', '"X-Pass, X-Key"', 'no', '"#x"'],
  path: ['no', 'off', 'false', 'stdout', 'STDERR', 'journal'],
};

describe('a suggestion for a value of the log is accepted when it is followed', () => {
  for (const [key, values] of Object.entries(wrong))
    for (const value of values)
      test(`${key}: ${value}`, () => {
        const [problem, ...others] = problemsOf(key, value);
        assert.equal(others.length, 0);
        const better = suggested(problem?.suggestion ?? '');
        assert.notEqual(better, null, `${problem?.message} / ${problem?.suggestion}`);
        assert.deepEqual(problemsOf(key, better ?? ''), [], `${value} → ${better}`);
      });
});

describe('a value of the log for which nothing certain can be suggested has a hint all the same', () => {
  const cases: readonly (readonly [key: string, value: string, hint: RegExp])[] = [
    ['rotate_at', 'abc', /such as 1MiB or 10GiB/],
    ['rotate_at', '-5MiB', /such as 1MiB/],
    ['rotate_at', '[1MiB]', /remove the brackets/],
    ['keep', 'all', /a number from 1 to 1000/],
    ['keep', 'none', /a number from 1 to 1000/],
    ['format', '[json]', /remove the brackets/],
    ['headers', 'cookie', /name headers that carry no secrets, such as \[user-agent, referer\]/],
    ['headers', '"Cookie, Authorization"', /name headers that carry no secrets/],
    ['headers', 'all', /each name, such as \[user-agent, referer\]/],
    ['headers', 'true', /each name/],
    ['headers', '{ a: b }', /the names as a list, such as \[user-agent, referer\]/],
    ['query_allowed', 'all', /each name, such as \[page, sort\]/],
    ['query_allowed', '","', /name parameters/],
    ['secret_headers', '{ a: b }', /as a list, such as \[X-Pass\]/],
    ['path', 'true', /a path, such as \.\/true/],
    ['path', '"a\\0b"', /remove it/],
  ];
  for (const [key, value, hint] of cases)
    test(`${key}: ${value}`, () => {
      const problems = problemsOf(key, value);
      assert.equal(problems.length, 1);
      assert.match(problems[0]?.suggestion ?? '', hint);
    });
});

const scopes = { route: 'routeKeys', upstream: 'upstreamKeys', file: 'fileKeys' } as const;

/** What is wrong with a file because of this value of a feature's key. Its warnings are about other things. */
function errorsOf(scope: keyof typeof scopes, key: string, value: string): readonly Problem[] {
  const isAction = featuresOfFile.some(({ name, isAction: answers }) => name === key && answers === true);
  const to = key === 'php' ? `{ endpoints: ${endpoint}, protocol: fastcgi }` : endpoint;
  const texts = {
    route: `upstreams: { app: ${to} }\nroutes: [{ path: /, ${isAction ? '' : 'to: app, '}${key}: ${value} }]`,
    // Only applications have releases.
    upstream:
      key === 'releases'
        ? `applications: { app: { command: x, ${key}: ${value} } }\nroutes: [{ to: app }]`
        : `upstreams: { app: { endpoints: ${endpoint}, ${key}: ${value} } }`,
    file: `upstreams: { app: ${endpoint} }\n${key}: ${value}`,
  };
  const read = parseConfiguration(texts[scope], {
    ...{ file: 'candor.yaml', directory: '/etc', environment: {}, hostname: 'gw' },
  });
  return read.ok ? [] : read.errors.filter(({ severity }) => severity === 'error');
}

describe('a wrong form of a key of a feature is answered with the form that is meant', () => {
  const wrongForms = ['true', 'false', 'none', 'off', '5s', '', '7', '[]', '/healthz', '40%', '"some words: here"'];
  for (const feature of featuresOfFile)
    for (const [scope, keys] of Object.entries(scopes) as [keyof typeof scopes, 'routeKeys'][])
      for (const key of Object.keys(feature[keys] ?? {}))
        test(`${key} of a ${scope}`, () => {
          const form = feature.forms?.[key];
          assert.ok(form !== undefined, `${feature.name} says no form of ${key}`);
          assert.deepEqual(errorsOf(scope, key, form.example), []);
          for (const value of wrongForms) {
            const errors = errorsOf(scope, key, value);
            for (const { message, suggestion } of errors)
              assert.ok(
                suggestion !== null && !suggestion.includes('"key: value"'),
                `${key}: ${value}: ${message} / ${suggestion}`,
              );
            const better = /^write (\{.*?\}|[\w.]+)(?:$|,)/.exec(errors[0]?.suggestion ?? '')?.[1];
            const isOther = better === 'false' && errors.length > 0 && feature.isAction === true;
            if (better !== undefined && !isOther)
              assert.deepEqual(errorsOf(scope, key, better), [], `${key}: ${value}`);
            if (value === '') assert.ok(errors[0]?.suggestion?.includes(`"${key}: ${form.example}"`), `${key}:`);
          }
        });
});
