import * as diagnose from '../../src/diagnose/diagnose.ts';
import {
  isBlind,
  isInnocent,
  isNegative,
  isWhole,
  type LineCase,
  listOf,
  readLineCases,
  readResponseCases,
  type ResponseCase,
  type Split,
  splits,
  textOf,
} from './corpus.ts';

// `node test/diagnose/corpus-claim.ts [dev|test|holdout|blind|blind2]`: compares the verdicts of `candor/diagnose` on the corpus
// with its truth. Exit code 0: as good as claimed. 1: not. 2: usage.

/** The functions of `candor/diagnose` that are needed here. */
export interface Diagnose {
  readonly explain: (
    log: string,
    options?: { readonly logFormat?: string; readonly pasted?: boolean },
  ) => { readonly lines: readonly (Said | null)[] };
  readonly whose: (response: ResponseCase) => { readonly author: string; readonly passed: readonly string[] };
}

export interface Said {
  readonly kind: string;
  readonly confidence?: string;
  readonly shape: string;
  readonly type: string | null;
  readonly stage: string | null;
  readonly born: string | null;
  readonly isConsequence?: boolean;
}

/** Shares of the lines, of the responses and of the whole lines, and the most false alarms and wrong certain verdicts. */
const claimed = { shape: 0.97, type: 0.95, author: 0.95, falseAlarms: 0 } as const;

/** The blind splits have parts of lines, of which less can be told. */
const claimedOfBlind = { shape: 0.9, type: 0, author: 0.85, falseAlarms: 0, certain: 0.6, certainButWrong: 0 } as const;

export interface Score {
  readonly lines: number;
  /** How many of `lines` are right. */
  readonly right: { readonly kind: number; readonly shape: number; readonly type: number };
  /** Of the cases that name one: how many are right, of how many. */
  readonly stage: readonly [right: number, of: number];
  readonly born: readonly [right: number, of: number];
  /** How many lines are whole, how many of them have a verdict that is called certain, and how many of those are wrong. */
  readonly whole: { readonly lines: number; readonly certain: number; readonly certainButWrong: number };
  /** A failure of the gateway, or an unknown one, reported for a request that no gateway failed. */
  readonly falseAlarms: readonly string[];
  /** A shape reported for a line that does not show one. */
  readonly guesses: readonly string[];
  readonly wrong: readonly string[];
  readonly responses: number;
  readonly authors: number;
  readonly passed: readonly [right: number, of: number];
}

export function score(split: Split, { explain, whose }: Diagnose): Score {
  const explained = readLineCases(split).map((one) => ({
    one,
    said: tellingOf(explain(textOf(one), optionsOf(split, one)).lines),
  }));
  const answered = readResponseCases(split).map((one) => ({ one, said: whose(one) }));
  const routes = answered.filter(({ one }) => one.expect.passed !== undefined);
  const falseAlarms = explained.filter(({ one, said }) => isNegative(one) && said !== null && !isInnocent(said.shape));
  const guesses = explained.filter(
    ({ one, said }) => one.expect.shape === 'unknown' && said !== null && said.shape !== 'unknown',
  );
  const wrong = explained.filter(isWrong);
  const whole = explained.filter(({ one }) => isWhole(split, one));
  const certain = whole.filter(({ said }) => said?.confidence === 'certain');
  return {
    lines: explained.length,
    right: { kind: count(explained, 'kind'), shape: count(explained, 'shape'), type: count(explained, 'type') },
    stage: named(explained, 'stage'),
    born: named(explained, 'born'),
    whole: { lines: whole.length, certain: certain.length, certainButWrong: certain.filter(isWrong).length },
    falseAlarms: falseAlarms.map(lineOf),
    guesses: guesses.map(lineOf),
    wrong: [...wrong.map(lineOf), ...answered.filter((pair) => !isAuthorRight(pair)).map(responseLineOf)],
    responses: answered.length,
    authors: answered.filter(isAuthorRight).length,
    passed: [routes.filter(({ one, said }) => one.expect.passed?.join() === said.passed.join()).length, routes.length],
  };
}

interface ExplainedCase {
  readonly one: LineCase;
  readonly said: Said | null;
}

interface Answered {
  readonly one: ResponseCase;
  readonly said: { readonly author: string; readonly passed: readonly string[] };
}

/** For a case of several lines: a verdict with a shape comes before `unknown`, and that before `none`. */
function tellingOf(lines: readonly (Said | null)[]): Said | null {
  const said = lines.filter((verdict) => verdict !== null);
  return (
    said.findLast(({ shape }) => shape !== 'none' && shape !== 'unknown') ??
    said.findLast(({ shape }) => shape === 'unknown') ??
    said.at(-1) ??
    null
  );
}

/** Parts are read as the command reads what people paste. */
function optionsOf(split: Split, one: LineCase): { readonly logFormat?: string; readonly pasted?: boolean } {
  const { logFormat } = one;
  return { ...(logFormat === undefined ? {} : { logFormat }), ...(isWhole(split, one) ? {} : { pasted: true }) };
}

function isRight({ one, said }: ExplainedCase, what: 'kind' | 'shape' | 'type'): boolean {
  if (said === null) return one.mayBeUnrecognised === true;
  return listOf<string | null>(one.expect[what]).includes(said[what]);
}

function isWrong(pair: ExplainedCase): boolean {
  return !isRight(pair, 'shape') || !isRight(pair, 'type');
}

function count(explained: readonly ExplainedCase[], what: 'kind' | 'shape' | 'type'): number {
  return explained.filter((pair) => isRight(pair, what)).length;
}

function named(explained: readonly ExplainedCase[], what: 'stage' | 'born'): readonly [number, number] {
  const asked = explained.filter(({ one }) => one.expect[what] !== undefined);
  return [asked.filter(({ one, said }) => said !== null && one.expect[what] === said[what]).length, asked.length];
}

function isAuthorRight({ one, said }: Answered): boolean {
  return listOf(one.expect.author).includes(said.author);
}

function lineOf({ one, said }: ExplainedCase): string {
  const { shape, type } = one.expect;
  const right = `${listOf(shape).join(' or ')}, ${listOf(type).join(' or ') || 'null'}`;
  const explained = said === null ? 'unrecognised' : `${said.shape}, ${said.type}`;
  return `${one.gateway}: said ${explained}; it is ${right} (${one.note})\n    ${textOf(one).replaceAll('\n', '\n    ')}`;
}

function responseLineOf({ one, said }: Answered): string {
  return `response: said ${said.author}; it is ${listOf(one.expect.author).join(' or ')} (${one.note})`;
}

/** Null if it is as good as claimed; otherwise the reason. */
export function shortOfClaim(
  { lines, right, falseAlarms, responses, authors, whole }: Score,
  split: Split = 'test',
): string | null {
  const least = isBlind(split) ? claimedOfBlind : claimed;
  if (falseAlarms.length > least.falseAlarms) return `false alarms: ${falseAlarms.length}`;
  if (right.shape < least.shape * lines) return `the shape of ${right.shape} of ${lines} lines is right`;
  if (right.type < least.type * lines) return `the type of ${right.type} of ${lines} lines is right`;
  if (authors < least.author * responses) return `the author of ${authors} of ${responses} responses is right`;
  if (!isBlind(split)) return null;
  if (whole.certain < claimedOfBlind.certain * whole.lines)
    return `${whole.certain} of ${whole.lines} whole lines have a certain verdict`;
  return whole.certainButWrong > claimedOfBlind.certainButWrong
    ? `certain verdicts that are wrong: ${whole.certainButWrong}`
    : null;
}

function claim(name: string): number {
  const split = splits.find((known) => known === name);
  if (split === undefined) return tell(`usage: node test/diagnose/corpus-claim.ts [${splits.join('|')}]`, 2);
  const found = score(split, diagnose);
  for (const line of found.wrong) console.log(line);
  const { lines, right, stage, born, whole, responses, authors, passed } = found;
  console.log(`${split}: ${lines} lines`);
  for (const [what, good] of Object.entries(right)) console.log(`  ${what}: ${good} right, ${percent(good, lines)}`);
  console.log(`  stage: ${stage[0]} of the ${stage[1]} that name one; born: ${born[0]} of ${born[1]}`);
  console.log(
    `  whole lines: ${whole.lines}; certain: ${whole.certain}, ${percent(whole.certain, whole.lines)}; of these wrong: ${whole.certainButWrong}`,
  );
  console.log(`  false alarms: ${found.falseAlarms.length}; guesses: ${found.guesses.length}`);
  console.log(
    `${responses} responses: author ${authors} right, ${percent(authors, responses)}; way ${passed.join(' of ')}`,
  );
  const short = shortOfClaim(found, split);
  return short === null ? tell('As good as claimed.', 0) : tell(`Not as good as claimed: ${short}.`, 1);
}

function percent(good: number, all: number): string {
  return `${((good * 100) / all).toFixed(1)} %`;
}

function tell(line: string, code: number): number {
  console.log(line);
  return code;
}

if (import.meta.main) process.exitCode = claim(process.argv[2] ?? 'test');
