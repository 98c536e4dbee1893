import { explain } from '../../src/diagnose/diagnose.ts';
import { type Finding, isSuspicious } from '#explain/finding.ts';
import { LogExplainer } from '../../src/diagnose/diagnose.ts';
import { readLineCases, type Split } from './corpus.ts';
import { decidingWords, manglings } from './mangler.ts';

// `node test/diagnose/mangler-claim.ts [--lost]`: mangles every line of the corpus as people do before they paste it, and
// compares the verdicts with those on the whole lines. Exit code 0: as good as claimed. 1: not.

/** The share of mangled lines that keep their shape; `unknown` counts as lost. No line may get another shape. */
export const claimedShare = 0.85;

interface Mangled {
  readonly mangling: string;
  readonly gateway: string;
  readonly text: string;
  /** The shape of the whole line. */
  readonly shape: string;
  readonly said: string | null;
}

interface ManglerScore {
  /** Failures, the application's errors and clients that left: by mangling, how many kept their shape, and of how many. */
  readonly kept: ReadonlyMap<string, readonly [kept: number, of: number]>;
  readonly lost: readonly Mangled[];
  /** Lines with another shape than the whole line, and failures reported for lines without one. */
  readonly wrong: readonly Mangled[];
}

const splits: readonly Split[] = ['dev', 'test', 'holdout'];

/** Every single line of the corpus with a verdict, whatever the verdict is. */
function mangledCorpus(): readonly Mangled[] {
  return splits.flatMap((split) =>
    readLineCases(split).flatMap(({ line, logFormat }) =>
      line === undefined || logFormat !== undefined ? [] : mangledLine(line),
    ),
  );
}

function mangledLine(line: string): readonly Mangled[] {
  const whole = new LogExplainer().read(line);
  if (whole === null) return [];
  const words = decidingWords(line, whole);
  return manglings.flatMap(({ name, of }) => {
    const isCut = /cut|removed|replaced/.test(name);
    if (words === null && isCut) return [];
    return of(line, words ?? { start: 0, end: line.length }).map((text) => ({
      mangling: name,
      gateway: whole.gateway,
      text,
      shape: whole.shape,
      said: shapeOf(text),
    }));
  });
}

/** Of the verdicts on the lines of a pasted text, the one that says most. */
function shapeOf(text: string): string | null {
  const found = explain(text, { pasted: true }).lines.filter((line): line is Finding => line !== null);
  const telling =
    found.find(({ shape }) => shape !== 'none' && shape !== 'unknown') ??
    found.find(({ shape }) => shape === 'unknown') ??
    found[0];
  return telling?.shape ?? null;
}

export function manglerScore(): ManglerScore {
  const kept = new Map<string, [number, number]>();
  const lost: Mangled[] = [];
  const wrong: Mangled[] = [];
  for (const one of mangledCorpus()) {
    const { mangling, shape, said } = one;
    if (isWrong(one)) wrong.push(one);
    if (shape === 'none' || shape === 'unknown') continue;
    const count = kept.get(mangling) ?? [0, 0];
    count[1] += 1;
    if (said === shape) count[0] += 1;
    else lost.push(one);
    kept.set(mangling, count);
  }
  return { kept, lost, wrong };
}

/** A line whose shape is `unknown` does not show one, whatever is cut away. */
function isWrong({ shape, said }: Mangled): boolean {
  if (said === null || said === shape) return false;
  const isFailure = isSuspicious({ shape: said as Finding['shape'] });
  if (!isSuspicious({ shape: shape as Finding['shape'] })) return isFailure && (said !== 'unknown' || shape === 'none');
  return said !== 'unknown' && said !== 'none';
}

function claim(isLost: boolean): number {
  const { kept, lost, wrong } = manglerScore();
  for (const { mangling, gateway, shape, said, text } of wrong)
    console.log(`WRONG ${mangling}: ${gateway} ${shape}, said ${said}\n    ${text.replaceAll('\n', '\n    ')}`);
  if (isLost)
    for (const { mangling, gateway, shape, said, text } of lost)
      console.log(`lost ${mangling}: ${gateway} ${shape}, said ${said}\n    ${text.replaceAll('\n', '\n    ')}`);
  for (const [mangling, [right, of]] of kept)
    console.log(`${mangling.padEnd(30)} ${right} of ${of}, ${((right * 100) / of).toFixed(1)} %`);
  const [right, of] = totalOf(kept);
  console.log(
    `all: ${right} of ${of} keep their shape, ${((right * 100) / of).toFixed(1)} %; another shape: ${wrong.length}`,
  );
  const isGood = wrong.length === 0 && right >= claimedShare * of;
  console.log(isGood ? 'As good as claimed.' : 'Not as good as claimed.');
  return isGood ? 0 : 1;
}

export function totalOf(kept: ManglerScore['kept']): readonly [right: number, of: number] {
  const counts = [...kept.values()];
  return [counts.reduce((sum, [right]) => sum + right, 0), counts.reduce((sum, [, of]) => sum + of, 0)];
}

if (import.meta.main) process.exitCode = claim(process.argv.includes('--lost'));
