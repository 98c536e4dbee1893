import { chanceExponent } from './chance.ts';

/** Of the usual answers, no more are left. */
const wellMax = 0.75;
/** More may be left where about as many of the usual ones are missing as there are others. */
const wellInstead = 0.87;
const missingTimes = { min: 0.4, max: 1.8 } as const;
/**
 * And no chance: of those before and now together, so few would come now with a probability below e^-10 (Chernoff). A third of the clients must get others besides.
 * That is so for a fiftieth of the time at most, so that one a month needs no e^-14.
 */
export const answersChanceMax = 10;

/** Where several routes begin to answer otherwise in the same seconds, less of each is enough. */
const togetherS = [8, 12, 16] as const;
const shareMin = 0.2;
const routesMin = 2;
const unusualMin = 16;

/** Answers that have come in place of others. */
export interface ReplacedAnswers {
  readonly unusual: number;
  readonly usual: number;
  /** So many usual ones would have come. */
  readonly expected: number;
  /** What is expected is known of a time so many times as long. */
  readonly widths: number;
  /** The second of the first unusual one. */
  readonly since: number;
  /** Clients that were answered well before get most of the unusual ones. */
  readonly ofUsualClients: boolean;
  /** How seldom chance must explain what is missing, by what the unusual ones are. */
  readonly chance: number;
}

/**
 * Whether so many of the usual answers are missing that chance does not explain it. What came before is chance as well: of two Poisson variables, one given their
 * sum is binomial.
 */
export function areFewerThanChance(
  { usual, expected, widths }: Pick<ReplacedAnswers, 'usual' | 'expected' | 'widths'>,
  chanceMax: number,
  leftMax = wellMax,
): boolean {
  if (!(usual <= leftMax * expected)) return false;
  const before = expected * widths;
  return chanceExponent(before, before + usual, widths / (1 + widths)) >= chanceMax;
}

/** Whether others have come in place of usual ones: about as many are missing. Both happen by themselves every day, and hardly to the same extent in the same seconds. */
export function haveReplaced(found: ReplacedAnswers, moreChance: number): boolean {
  const times = (found.expected - found.usual) / found.unusual;
  if (times < missingTimes.min || times > missingTimes.max) return false;
  return areFewerThanChance(found, found.chance + moreChance, wellInstead);
}

/** Requests of one route with GET, or those that may change something. */
interface AnswerLane {
  readonly route: string;
  readonly replaced: (second: number, widthS: number, leastShare: number) => ReplacedAnswers | null;
}

/** The second since which several routes together answer otherwise; null: they do not. `moreChance`: as of `RouteLatency`. */
export function changedTogether(lanes: readonly AnswerLane[], second: number, moreChance = 0): number | null {
  for (const widthS of togetherS) {
    const all = lanes.flatMap(({ route, replaced }) => {
      const found = replaced(second, widthS, shareMin);
      return found === null ? [] : [{ ...found, route }];
    });
    if (new Set(all.map(({ route }) => route)).size < routesMin) continue;
    const least = (of: 'since' | 'widths'): number => Math.min(...all.map((one) => one[of]));
    const sum = { unusual: 0, usual: 0, expected: 0, widths: least('widths'), since: least('since') };
    for (const { unusual, usual, expected } of all) {
      sum.unusual += unusual;
      sum.usual += usual;
      sum.expected += expected;
    }
    if (sum.unusual >= unusualMin && areFewerThanChance(sum, answersChanceMax + moreChance)) return sum.since;
  }
  return null;
}
