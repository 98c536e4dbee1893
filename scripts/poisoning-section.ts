/** The results of one gateway with one kind of wrong response. */
export interface PoisonCounts {
  /** Requests that the origin answered correctly. */
  readonly asked: number;
  /** Those of them that got the second response to another request, or another client's response. */
  readonly wrong: number;
  /** Those of them that got an error, or no response. */
  readonly failed: number;
}

/** The results of one gateway with one setting. */
export interface Poisoned {
  readonly title: string;
  readonly version: string;
  readonly how: string;
  readonly counts: Readonly<Record<string, PoisonCounts>>;
}

/** One kind of wrong response of the origin. */
export interface PoisonRow {
  readonly id: string;
  /** To be read after "The second response follows …". */
  readonly what: string;
}

/** The section of docs/comparison.md that `npm run compare:poisoning` writes. */
export function poisoningSection(found: readonly Poisoned[], rows: readonly PoisonRow[], date: string): string[] {
  const columns = found.map(({ title, version, how }) => `${title} ${version}, ${how}`);
  const cell = ({ counts }: Poisoned, id: string): string => {
    const { asked, wrong, failed } = counts[id] ?? { asked: 0, wrong: 0, failed: 0 };
    const share = `${Math.round((100 * wrong) / Math.max(1, asked))} % (${wrong} of ${asked})`;
    return failed === 0 ? share : `${share}; ${failed} failed`;
  };
  return [
    '## A second response that no request asked for',
    '',
    `Measured on ${date} by \`npm run compare:poisoning\`, apart from the suite, with the configurations of [the suite](torture.md)`,
    'and the setting that is named. 20 clients send 100 requests each, one after another over a connection of their own. The origin',
    'answers 15 of them with the ids that their requests bear. The other 5 it answers as said below, and 3 ms later it sends a',
    'second response on the same connection. The figures say how many requests of *the 15* got an answer that was not theirs: that',
    'second response, or, once answers and requests are out of step, the answer to another client.',
    '',
    `| the second response follows | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---:|').join('')}`,
    ...rows.map(({ id, what }) => `| ${what} | ${found.map((one) => cell(one, id)).join(' | ')} |`),
    '',
    'A 204 has no content, and must not announce any (RFC 9110 §8.6): a gateway that sees one do so can close the connection',
    'instead of using it again. A 304 may announce the length of what it stands for, and some origins send that, too. Behind a good',
    '200 nothing can be seen: what protects a client there is only that its requests do not share connections with those of others.',
    'HAProxy by default sends the first request of each client connection over a connection of its own, and shares from the second',
    'request on; Candor shares by default, and with [`reuse: never`](configuration.md#connections) it uses no connection again.',
  ];
}
