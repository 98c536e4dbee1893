import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { restoredText } from './restored-text.ts';

const version = (key: string, count: number) => ({ key, version: count });
const password = 'applications.web.environment.PASSWORD';

describe('an earlier configuration', () => {
  const file = `applications:
  web:
    environment:
      PASSWORD: "geheim" # secret
      URL: postgres://shop:geheim@db/shop
alerts: { targets: [ { webhook: "https://x/y" }, { webhook: "https://x/geheim" } ] }
`;
  for (const [what, earlier, then, now, expected] of [
    [
      'gets the values that it had, which the file still has',
      'applications: { web: { environment: { PASSWORD: "***" } } }\n',
      [version(password, 2)],
      [version(password, 2)],
      { text: 'applications: { web: { environment: { PASSWORD: "geheim" } } }\n', lost: [] },
    ],
    [
      'names a value that the file has changed since',
      'applications: { web: { environment: { PASSWORD: "***" } } }\n',
      [version(password, 1)],
      [version(password, 2)],
      { text: 'applications: { web: { environment: { PASSWORD: "***" } } }\n', lost: [password] },
    ],
    [
      'names a value whose key the file has not any more',
      'applications: { api: { environment: { PASSWORD: "***" } } }\n',
      [version('applications.api.environment.PASSWORD', 1)],
      [],
      {
        text: 'applications: { api: { environment: { PASSWORD: "***" } } }\n',
        lost: ['applications.api.environment.PASSWORD'],
      },
    ],
    [
      'gets a value of which a part is hidden, and one in a list',
      'applications:\n  web: { environment: { URL: "postgres://shop:***@db/shop" } }\nalerts: { targets: [ { webhook: a }, { webhook: "***" } ] }\n',
      [version('applications.web.environment.URL', 1), version('alerts.targets[1].webhook', 3)],
      [version('applications.web.environment.URL', 1), version('alerts.targets[1].webhook', 3)],
      {
        text: 'applications:\n  web: { environment: { URL: postgres://shop:geheim@db/shop } }\nalerts: { targets: [ { webhook: a }, { webhook: "https://x/geheim" } ] }\n',
        lost: [],
      },
    ],
    [
      'keeps its variables, and its comments as they were kept',
      'routes: "${TO}" # ***\n',
      [version('routes', 1)],
      [version('routes', 2)],
      { text: 'routes: "${TO}" # ***\n', lost: [] },
    ],
  ] as const)
    it(what, () => assert.deepEqual(restoredText({ text: earlier, unshown: then }, { unshown: now }, file), expected));

  it('gets a value of several lines in one', () => {
    const unshown = [version('a.PASSWORD', 1)];
    const { text } = restoredText(
      { text: 'a: { PASSWORD: "***" }\n', unshown },
      { unshown },
      'a:\n  PASSWORD: |\n    one\n    two\n',
    );
    assert.equal(text, 'a: { PASSWORD: "one\\ntwo\\n" }\n');
  });

  it('of which it is not known which values it had gets none', () => {
    const earlier = { text: 'a: { PASSWORD: "***" }\n', unshown: null };
    assert.deepEqual(restoredText(earlier, { unshown: null }, 'a: { PASSWORD: x }\n').lost, ['a.PASSWORD']);
  });
});
