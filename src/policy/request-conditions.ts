/** What a route asks of a request beside host, path and method: one table of the kinds of conditions, compiled where a route has some. */
import { endToEndValue } from '../core/end-to-end-value.ts';
import type { ClientFacts } from '../core/exchange.ts';
import { hostTest } from '../core/host-match.ts';
import type { RequestHead } from '../core/message.ts';
import { pathTest, pathText, type PathMatch } from '../core/path-match.ts';
import { checkedPattern } from '../core/pattern.ts';
import type { RequestCondition, ValueTest } from '../core/request-condition.ts';
import { cookieValue } from './cookie-value.ts';
import { isWithin, parseBlocks, parseIp } from './ip-address.ts';
import { queryValues } from './query-values.ts';

type ConditionedRequest = Pick<RequestHead, 'method' | 'authority' | 'target'> & {
  readonly headers: Pick<RequestHead['headers'], 'get' | 'has' | 'each'>;
};

export type ConditionedClient = Pick<ClientFacts, 'address' | 'listener' | 'scheme'>;

export type ConditionTest = (request: ConditionedRequest, client: ConditionedClient) => boolean;

/** How hosts and paths are compared. */
interface PlainSpelling {
  readonly hostOf: (authority: string) => string;
  readonly plainPath: (target: string) => string;
  readonly plainMatch: (path: PathMatch) => PathMatch;
}

type Of<K extends RequestCondition['kind']> = Extract<RequestCondition, { readonly kind: K }>;

/** Null: the condition holds; else why it does not, one clause. */
type Mismatch = (request: ConditionedRequest, client: ConditionedClient) => string | null;

interface ConditionKind<K extends RequestCondition['kind']> {
  test(condition: Of<K>, spelling: PlainSpelling): ConditionTest;
  /** What it asks for, one clause. */
  text(condition: Of<K>): string;
  /** Asked where the test has failed. */
  mismatch(condition: Of<K>, spelling: PlainSpelling): (...asked: Parameters<ConditionTest>) => string;
}

/** All of them hold. */
export function conditionsTest(conditions: readonly RequestCondition[], spelling: PlainSpelling): ConditionTest {
  const tests = conditions.map((condition) => testOf(condition, spelling));
  const [only, ...others] = tests;
  if (only !== undefined && others.length === 0) return only;
  return (request, client) => tests.every((test) => test(request, client));
}

export function conditionTexts(conditions: readonly RequestCondition[]): readonly string[] {
  return conditions.map((condition) => kindOf(condition).text(condition));
}

/** Why the first that does not hold does not; null: all hold. */
export function conditionsMismatch(conditions: readonly RequestCondition[], spelling: PlainSpelling): Mismatch {
  return (request, client) => {
    const failed = conditions.find((condition) => !testOf(condition, spelling)(request, client));
    return failed === undefined ? null : kindOf(failed).mismatch(failed, spelling)(request, client);
  };
}

function kindOf<K extends RequestCondition['kind']>({ kind }: { readonly kind: K }): ConditionKind<K> {
  return kinds[kind] as unknown as ConditionKind<K>;
}

function testOf(condition: RequestCondition, spelling: PlainSpelling): ConditionTest {
  return kindOf(condition).test(condition, spelling);
}

/** Values of requests are not said: they may be credentials. */
type Named = Of<'header'> | Of<'cookie'> | Of<'query'>;
type ValueKind = ConditionKind<'header'> & ConditionKind<'cookie'> & ConditionKind<'query'>;

function valueKind(
  noun: string,
  valuesOf: (request: ConditionedRequest, name: string) => readonly string[],
): ValueKind {
  const named = ({ name }: Named): string => `${noun} ${name}`;
  return {
    test({ name, tests }: Named) {
      if (tests.some(({ kind }) => kind === 'absent')) return (request) => valuesOf(request, name).length === 0;
      const test = valueTest(tests);
      return (request) => valuesOf(request, name).some(test);
    },
    text(condition: Named) {
      const [first] = condition.tests;
      if (first?.kind === 'absent') return `there is no ${named(condition)}`;
      if (first?.kind === 'present') return `there is a ${named(condition)}`;
      return `the ${named(condition)} has ${first?.kind === 'is' ? 'the' : 'a'} value of the route`;
    },
    mismatch: (condition: Named) => (request) => {
      if (condition.tests[0]?.kind === 'absent') return `there is a ${named(condition)}`;
      const isThere = valuesOf(request, condition.name).length > 0;
      return `the ${named(condition)} ${isThere ? 'has another value than that of the route' : 'is missing'}`;
    },
  };
}

function valueTest(tests: readonly ValueTest[]): (sent: string) => boolean {
  const all = tests.map(oneValueTest);
  const [only, ...others] = all;
  if (only !== undefined && others.length === 0) return only;
  return (sent) => all.every((test) => test(sent));
}

function oneValueTest(test: ValueTest): (sent: string) => boolean {
  switch (test.kind) {
    case 'is':
      return (sent) => sent === test.value;
    case 'prefix':
      return (sent) => sent.startsWith(test.value);
    case 'suffix':
      return (sent) => sent.endsWith(test.value);
    case 'pattern': {
      const pattern = checkedPattern(test.value);
      return (sent) => pattern.test(sent);
    }
    case 'present':
      return () => true;
    case 'absent':
      return () => false;
  }
}

const oneOrNone = (value: string | null): readonly string[] => (value === null ? [] : [value]);

const kinds: { readonly [K in RequestCondition['kind']]: ConditionKind<K> } = {
  header: valueKind('header', ({ headers }, name) => oneOrNone(endToEndValue(headers, name))),
  cookie: valueKind('cookie', ({ headers }, name) => {
    const eachHeader = (header: string, visit: (value: string) => void): void =>
      headers.each((one, line) => {
        if (one === header) visit(line);
      });
    return oneOrNone(cookieValue({ eachHeader }, name));
  }),
  query: valueKind('query parameter', ({ target }, name) => queryValues(target, name)),
  client_address: {
    test({ networks }) {
      const blocks = parseBlocks(...networks);
      return (_request, { address }) => {
        const bytes = parseIp(address.replace(/^::ffff:(?=\d+\.)/i, ''));
        return bytes !== null && blocks.some((block) => isWithin(bytes, block));
      };
    },
    text: ({ networks }) => `the client address is in ${orText(networks)}`,
    mismatch:
      ({ networks }) =>
      (_request, { address }) =>
        address === ''
          ? 'the client address is not known'
          : `the client address ${address} is not in ${orText(networks)}`,
  },
  listener: {
    test:
      ({ names }) =>
      (_request, { listener }) =>
        names.includes(listener),
    text: ({ names }) => `the listener is ${orText(names)}`,
    mismatch:
      ({ names }) =>
      (_request, { listener }) =>
        listener === '' ? 'the listener is not known' : `the listener ${listener} is not ${orText(names)}`,
  },
  scheme: {
    test: (condition) => (_request, client) => client.scheme === condition.scheme,
    text: ({ scheme }) => `the scheme is ${scheme}`,
    mismatch: (condition) => (_request, client) => `the scheme ${client.scheme} is not ${condition.scheme}`,
  },
  host: {
    test({ hosts }, { hostOf }) {
      const tests = hosts.map(hostTest);
      return ({ authority }) => tests.some((test) => test(hostOf(authority)));
    },
    text: ({ hosts }) => `the host is ${orText(hosts)}`,
    mismatch:
      ({ hosts }, { hostOf }) =>
      ({ authority }) =>
        `the host ${hostOf(authority)} is not ${orText(hosts)}`,
  },
  path: {
    test({ paths }, { plainMatch, plainPath }) {
      const tests = paths.map((path) => pathTest(plainMatch(path)));
      return ({ target }) => tests.some((test) => test(plainPath(target)));
    },
    text: ({ paths }) => `the path ${orText(paths.map((path) => pathText(path)))}`,
    mismatch:
      ({ paths }, { plainPath }) =>
      ({ target }) =>
        `the path ${plainPath(target)} ${orText(paths.map((path) => pathText(path, true)))}`,
  },
  method: {
    test:
      ({ methods }) =>
      ({ method }) =>
        methods.includes(method),
    text: ({ methods }) => `the method is ${orText(methods)}`,
    mismatch:
      ({ methods }) =>
      ({ method }) =>
        `the method ${method} is not ${orText(methods)}`,
  },
  any: {
    test({ of }, spelling) {
      const tests = of.map((conditions) => conditionsTest(conditions, spelling));
      return (request, client) => tests.some((test) => test(request, client));
    },
    text: ({ of }) => `one of these holds: ${of.map((one) => conditionTexts(one).join(' and ')).join('; ')}`,
    mismatch:
      ({ of }, spelling) =>
      (request, client) =>
        `none of "any" holds: ${of.map((one) => conditionsMismatch(one, spelling)(request, client)).join('; ')}`,
  },
  not: {
    test({ of }, spelling) {
      const isExcluded = conditionsTest(of, spelling);
      return (request, client) => !isExcluded(request, client);
    },
    text: ({ of }) => `not: ${conditionTexts(of).join(' and ')}`,
    mismatch:
      ({ of }) =>
      () =>
        `"not" excludes it: ${conditionTexts(of).join(' and ')}`,
  },
};

const orText = (words: readonly string[]): string =>
  words.length <= 1 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
