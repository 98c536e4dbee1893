import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { targetCell } from '../core/content-flaw.ts';
import {
  answerKey,
  contentKindOfText,
  lostForm,
  optionsAnswerKey,
  sizeCells,
  unclosedForm,
  unreadableForm,
} from '../core/content-kind.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { IncidentTracker } from './incident-tracker.ts';

const [json, html] = [contentKindOfText('application/json; charset=utf-8'), contentKindOfText('text/html')];

const jsonOf = (bytes: number): number => answerKey(200, 'GET', json, bytes, false);
const page = answerKey(200, 'GET', html, 3000, false);
const redirect = answerKey(302, 'GET', contentKindOfText(null), 0, false);
const statusOf = (status: number): number => answerKey(status, 'GET', html, 300, false);
const lost = lostForm * sizeCells;
const flawed = (form: number): number => answerKey(200, 'GET', json, 900, false, form);
const [unreadable, unclosed] = [flawed(unreadableForm), flawed(unclosedForm)];
const redirectTo = (location: string): number =>
  answerKey(302, 'GET', contentKindOfText(null), 0, false, 0, targetCell(location));
const nothing = answerKey(200, 'GET', json, 0, false);

const others: ReadonlySet<number> = new Set([page, lost, statusOf(404), statusOf(401)]);

/** What a request of the route cart is answered with. */
type Answer = (second: number, drawn: number) => number;

const asEver: Answer = (_, drawn) => jsonOf(1000 + 400 * drawn);
const from100 =
  (other: Answer): Answer =>
  (second, drawn) =>
    (second <= 100 ? asEver : other)(second, drawn);

interface Play {
  readonly answer: Answer;
  /** Requests of the route in a second; 6 by default. */
  readonly count?: (second: number) => number;
  readonly seconds?: number;
  readonly upstream?: (second: number) => string;
  /** One client gets all pages. */
  readonly isCrawled?: boolean;
}

function play({ answer, count = () => 6, seconds = 260, isCrawled = false, upstream = () => 'shop' }: Play): {
  told: string[];
  tracker: IncidentTracker;
} {
  const tracker = new IncidentTracker(0);
  const random = new SeededRandom(7);
  const told: string[] = [];
  for (let second = 1; second <= seconds; second++) {
    const answers: number[] = [];
    const requests = Math.floor(count(second) + random.next());
    for (let one = 0; one < requests; one++) {
      const key = answer(second, random.next());
      const client = isCrawled && others.has(key) ? 0 : Math.floor(32 * random.next());
      if (key >= 0) answers.push(key, 1, 1 << client);
    }
    const pair = {
      route: 'cart',
      upstream: upstream(second),
      endpoint: `${upstream(second)}/1`,
      answered: requests,
      serverErrors: 0,
    };
    const routes = [{ ...pair, latencies: [], failed: [], slow: [], awaited: [], answers }];
    const exchanges = [sampleCount({ upstream: upstream(second), route: 'cart', count: requests })];
    tracker.note(
      { exchanges: requests === 0 ? [] : exchanges, outcomes: [], routes, staleReusesFailed: 0 },
      second * 1000,
    );
    for (const { kind, incident } of tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] })))
      if (kind !== 'grown') told.push(`${kind} ${second} ${incident.suspects[0]?.sentence}`);
  }
  return { told, tracker };
}

describe('a route that answers well and otherwise than before is an incident', () => {
  const cases: readonly (readonly [what: string, answer: Answer, told: RegExp])[] = [
    [
      'a login page in place of JSON',
      from100(() => page),
      /^opened 10[1-8] The application answers with HTML on the route cart, where JSON was usual\.$/,
    ],
    [
      'a redirect in place of JSON',
      from100(() => redirect),
      /^opened 10[1-8] The application answers with a redirect on/,
    ],
    ['nothing', from100(() => nothing), /^opened 10[1-8] The application answers with nothing \(no content\) on/],
    [
      '404',
      from100(() => statusOf(404)),
      /^opened 11[4-8] The application answers with 404 on the route cart, where JSON was usual/,
    ],
    [
      'to a twentieth of the clients with 401',
      from100((second, drawn) => (drawn < 0.05 ? statusOf(401) : asEver(second, drawn))),
      /^opened 1[4-8]\d /,
    ],
    [
      'to what is sent, which is a quarter of its requests',
      (second, drawn) =>
        drawn < 0.75 ? asEver(second, drawn) : answerKey(second > 100 ? 422 : 201, 'POST', json, 200, false),
      /^opened 1[01]\d The application answers with 4xx on the route cart, where JSON was usual/,
    ],
    [
      'half of the content',
      from100((_, drawn) => jsonOf(500 + 200 * drawn)),
      /^opened 1(0[1-9]|1\d) The application answers with JSON of some \d+ bytes on the route cart, where a size of some 1\d00 bytes was usual/,
    ],
    [
      'more than four times as much',
      from100((_, drawn) => jsonOf(9000 + 400 * drawn)),
      /^opened 1(0[1-9]|1\d) The application answers with JSON of some \d+ bytes on the route cart, where a size of some 1\d00 bytes was usual/,
    ],
    [
      'to a twentieth of the clients with what they cannot read',
      from100((second, drawn) => (drawn < 0.05 ? unreadable : asEver(second, drawn))),
      /^opened 1[4-8]\d The application answers with content that its clients cannot read/,
    ],
    [
      'to half of the clients with JSON without its end',
      from100((second, drawn) => (drawn < 0.5 ? unclosed : asEver(second, drawn))),
      /^opened 1[0-3]\d The application answers with JSON without its end on the route cart/,
    ],
    [
      'with redirects to other addresses than before',
      (second, drawn) => (drawn < 0.5 ? asEver(second, drawn) : redirectTo(second > 100 ? '/maintenance' : '/home')),
      /^opened 1[0-3]\d The application answers with redirects to other addresses on the route cart, where a redirect was usual/,
    ],
    [
      'to half of the clients',
      from100((second, drawn) => (drawn < 0.5 ? page : asEver(second, drawn))),
      /^opened 1[0-3]\d /,
    ],
    [
      'to a fiftieth of the clients with 404 for what it answered before',
      from100((second, drawn) => (drawn < 0.04 ? lost : asEver(second, drawn))),
      /^opened 1[4-9]\d The application answers with 404 for what it answered well before on the route cart/,
    ],
    [
      'to a twentieth of the clients',
      from100((second, drawn) => (drawn < 0.05 ? nothing : asEver(second, drawn))),
      /^opened 1[4-8]\d /,
    ],
  ];
  for (const [what, answer, expected] of cases)
    test(what, () => {
      const { told } = play({ answer });
      assert.match(told.join('\n'), expected);
      assert.equal(told.length, 1);
    });
});

/** A tenth of the requests may change something; from second 100 on so many of all are declined besides. */
const sentAlso =
  (declined: number): Answer =>
  (second, drawn) =>
    second > 100 && drawn > 1 - declined
      ? answerKey(422, 'POST', json, 200, false)
      : drawn < 0.2
        ? answerKey(201, 'POST', json, 200, false)
        : asEver(second, drawn);

test('several clients that send what is declined, beside others, are an incident; a few programs that guess are none', () => {
  const count = (): number => 40;
  assert.match(
    play({ answer: sentAlso(0.1), count }).told[0] ?? '',
    /^opened 1[4-6]\d The application answers with 4xx/,
  );
  assert.deepEqual(play({ answer: sentAlso(0.02), count }).told, []);
});

/** From second 100 on, so many of what is sent are answered with 409, beside what is read. */
const conflicting =
  (share: number): Answer =>
  (second, drawn) => {
    if (drawn < 0.75) return asEver(second, drawn);
    return answerKey(second > 100 && (drawn - 0.75) * 4 < share ? 409 : 201, 'POST', json, 200, false);
  };

describe('409 is an incident only where hardly anything else is answered', () => {
  const count = (): number => 12;
  test('a product that is sold out, which some or most clients want', () => {
    for (const share of [0.1, 0.3, 0.6, 0.8]) assert.deepEqual(play({ answer: conflicting(share), count }).told, []);
  });

  test('clients that ask for it again and again, beside as many others as before', () => {
    const { told } = play({
      count: (second) => (second > 100 ? 18 : 12),
      answer: (second, drawn) => {
        const isRepeated = second > 100 && drawn > 2 / 3;
        return isRepeated
          ? answerKey(409, 'POST', json, 200, false)
          : conflicting(0)(0, second > 100 ? drawn * 1.5 : drawn);
      },
    });
    assert.deepEqual(told, []);
  });

  test('an application that refuses all that is sent', () => {
    const { told } = play({ answer: conflicting(1), count });
    assert.match(
      told[0] ?? '',
      /^opened 1[0-3]\d The application answers with 409 on the route cart, where JSON was usual/,
    );
    assert.equal(told.length, 1);
  });
});

test('it is over when the route answers as before', () => {
  const { told } = play({ answer: (second, drawn) => (second > 100 && second <= 140 ? page : asEver(second, drawn)) });
  assert.match(told[1] ?? '', /^resolved (19|20)\d /);
});

test('a hundredth of several routes that goes on is not over', () => {
  const few = from100((second, drawn) => (drawn < 0.02 ? statusOf(401) : asEver(second, drawn)));
  const { told } = play({ answer: few, count: () => 40, seconds: 900 });
  assert.equal(told.length, 1, told.join());
});

test('one twentieth that goes on is not over', () => {
  const few = from100((second, drawn) => (drawn < 0.05 ? nothing : asEver(second, drawn)));
  assert.equal(play({ answer: few, seconds: 900 }).told.length, 1);
});

describe('no incident', () => {
  const cases: readonly (readonly [what: string, play: Play])[] = [
    ['sizes that vary by a third', { answer: (_, drawn) => jsonOf(700 + 700 * drawn) }],
    [
      'one in thirty that was always empty',
      { answer: (second, drawn) => (drawn < 0.03 ? nothing : asEver(second, drawn)) },
    ],
    ['404 for as many requests as ever', { answer: (_, drawn) => (drawn < 0.6 ? statusOf(404) : jsonOf(1200)) }],
    [
      'crawlers that collect 404, beside the others',
      {
        answer: (second, drawn) => (second > 100 && drawn < 0.8 ? statusOf(404) : asEver(second, drawn)),
        count: (second) => (second > 100 ? 30 : 6),
      },
    ],
    [
      'one client whose credentials are wrong',
      {
        answer: (second, drawn) => (second > 100 && drawn < 0.5 ? statusOf(401) : asEver(second, drawn)),
        count: (second) => (second > 100 ? 12 : 6),
        isCrawled: true,
      },
    ],
    [
      'one client that asks for what is gone',
      {
        answer: (second, drawn) => (second > 100 && drawn < 0.2 ? lost : asEver(second, drawn)),
        count: (second) => (second > 100 ? 8 : 6),
        isCrawled: true,
      },
    ],
    [
      'some pages that were removed for good',
      { answer: from100((second, drawn) => (drawn < 0.01 ? lost : asEver(second, drawn))), count: () => 30 },
    ],
    [
      'hardly any requests at night, of which most are 404',
      {
        answer: (second, drawn) => (second > 150 ? statusOf(404) : asEver(second, drawn)),
        count: (second) => (second > 150 ? 0.1 : 6),
      },
    ],
    [
      'a crawler whose 404 become usual with time, beside the others',
      {
        answer: (second, drawn) =>
          second > 100 && second % 400 < 200 && drawn < 0.6 ? statusOf(404) : asEver(second, drawn),
        count: (second) => (second > 100 && second % 400 < 200 ? 15 : 6),
        seconds: 3000,
      },
    ],
    [
      'redirects to many addresses',
      {
        answer: (second, drawn) =>
          drawn < 0.5 ? asEver(second, drawn) : redirectTo(`/p${Math.floor(second * drawn)}`),
      },
    ],
    [
      'a tenth that is much longer',
      { answer: from100((second, drawn) => (drawn < 0.1 ? jsonOf(9000) : asEver(second, drawn))) },
    ],
    ['longer answers than before', { answer: from100((_, drawn) => jsonOf(3000 + 400 * drawn)) }],
    ['answers that are encoded from now on', { answer: from100(() => answerKey(200, 'GET', json, 300, true)) }],
    [
      'a crawler that is answered with pages, beside the others',
      {
        answer: (second, drawn) => (second > 100 && drawn < 0.6 ? page : asEver(second, drawn)),
        count: (second) => (second > 100 ? 15 : 6),
        isCrawled: true,
      },
    ],
    [
      'HEAD and validations',
      {
        answer: from100((_, drawn) =>
          drawn < 0.5 ? answerKey(304, 'GET', json, 0, false) : answerKey(200, 'HEAD', json, 0, false),
        ),
      },
    ],
  ];
  for (const [what, one] of cases) test(what, () => assert.deepEqual(play(one).told, []));
});

test('a route that a reload has sent to another upstream is compared with what it answered before', () => {
  const { told } = play({ answer: from100(() => page), upstream: (second) => (second > 100 ? 'search' : 'shop') });
  assert.match(told.join('\n'), /^opened 10\d The application answers with HTML/);
});

test('a scanner that begins when a busy client leaves is no incident: what the others get is as ever', () => {
  const { told } = play({
    isCrawled: true,
    seconds: 400,
    count: (second) => (second <= 300 ? 46 : 6 + 14),
    answer: (second, drawn) => (second > 300 && drawn < 0.7 ? statusOf(404) : asEver(second, drawn)),
  });
  assert.deepEqual(told, []);
});

test('what a scanner got for minutes is not usual when it has left', () => {
  const isScanned = (second: number): boolean => second > 100 && second <= 400;
  const { told } = play({
    isCrawled: true,
    seconds: 700,
    count: (second) => (isScanned(second) ? 30.5 : 0.5),
    answer: (second, drawn) => (isScanned(second) && drawn < 0.983 ? statusOf(404) : asEver(second, drawn)),
  });
  assert.deepEqual(told, []);
});

describe('requests with OPTIONS', () => {
  const permitted: Answer = () => optionsAnswerKey(204);

  test('that an application declines which it answered well before are an incident', () => {
    const { told } = play({
      answer: (second) => optionsAnswerKey(second <= 100 ? 204 : 405),
      count: () => 3.5,
    });
    assert.match(
      told[0] ?? '',
      /^opened 10\d The application answers with 4xx on the route cart, where success of OPTIONS, which browsers send first/,
    );
  });

  const quiet: readonly (readonly [what: string, answer: Answer])[] = [
    ['answered with 200 in place of 204', (second) => optionsAnswerKey(second <= 100 ? 204 : 200)],
    ['always declined', () => optionsAnswerKey(405)],
    [
      'of which some are of pages that are not let',
      (_, drawn) => (drawn < 0.2 ? optionsAnswerKey(403) : permitted(_, drawn)),
    ],
  ];
  for (const [what, answer] of quiet)
    test(`that are ${what} are none`, () => assert.deepEqual(play({ answer }).told, []));
});
