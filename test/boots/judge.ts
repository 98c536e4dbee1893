import { type BootCase, type BootControl, type BootFault, type Claim, claimPatterns, isControl } from './boot-case.ts';
import { askEveryMs, rightWithinMs } from './play.ts';
import type { BootResult, PrintedReason, ShownInstance } from './play-result.ts';

/**
 * `right`: soon. `late`: the reason became right later. `missed`: it never had all facts. `wrong`: it claimed what is not so.
 * `false ready`: it was called ready. `leaked`: a secret was shown. Of controls: `good`, `not ready`, `false alarm`.
 */
export type BootVerdict =
  | 'right'
  | 'late'
  | 'missed'
  | 'wrong'
  | 'false ready'
  | 'leaked'
  | 'good'
  | 'not ready'
  | 'false alarm'
  | 'not played';

export interface JudgedBoot {
  readonly name: string;
  readonly language: string;
  readonly isControl: boolean;
  readonly verdict: BootVerdict;
  /** From the failure, or the start, to the right reason, or readiness. */
  readonly afterMs: number | null;
  /** From the failure to a printed reason with all facts: the log says it also while no status can be read. */
  readonly printedMs: number | null;
  /** Of the time since then, how much the reason was right. */
  readonly staysRight: number | null;
  /** Facts that no reason had, claims that one had. */
  readonly what: readonly string[];
  /** Missing facts that the last lines of the program, which the status shows, have. */
  readonly inLines: boolean;
  readonly better: { readonly met: number; readonly all: number };
  /** What was said, for the list of misses. */
  readonly said: readonly string[];
  /** How long the runner was held up at most. */
  readonly heldUpMs: number;
}

interface Said {
  readonly fromMs: number;
  readonly toMs: number;
  readonly text: string;
}

export function judgeBoot(played: BootCase, result: BootResult): JudgedBoot {
  const base = {
    ...{ name: played.name, language: played.language, isControl: isControl(played.expected) },
    ...{
      afterMs: null,
      printedMs: null,
      staysRight: null,
      what: [],
      inLines: false,
      better: { met: 0, all: 0 },
      said: [],
    },
    heldUpMs: result.heldUpMs,
  };
  if (result.failure !== undefined) return { ...base, verdict: 'not played', what: [result.failure] };
  const { expected } = played;
  return { ...base, ...(isControl(expected) ? judgeControl(expected, result) : judgeFault(played, expected, result)) };
}

type Judgement = Pick<
  JudgedBoot,
  'verdict' | 'afterMs' | 'printedMs' | 'staysRight' | 'what' | 'inLines' | 'better' | 'said'
>;

function judgeControl(expected: BootControl, result: BootResult): Judgement {
  const startMs = result.seenAtMs ?? 0;
  const ready = result.shown.find(({ phase }) => phase === 'ready');
  const afterMs = ready === undefined ? null : Math.max(0, ready.atMs - startMs);
  const reasons = result.shown.map(({ reason }) => reason);
  const wrongs = result.shown.flatMap(({ reason }) => wrongClaims(reason, expected, result.names));
  const isLate = result.shown.some(({ late }) => late);
  const isReady = afterMs !== null && afterMs <= expected.readyWithinMs;
  return {
    verdict: !isReady ? 'not ready' : wrongs.length > 0 || isLate ? 'false alarm' : 'good',
    ...{ afterMs, printedMs: null, staysRight: null, inLines: false, better: { met: 0, all: 0 } },
    what: [...new Set([...wrongs, ...(isLate ? ['called late'] : [])])],
    said: [...new Set(reasons)],
  };
}

function judgeFault(played: BootCase, expected: BootFault, result: BootResult): Judgement {
  const { shown } = result;
  const names = withAllPorts(result);
  const seenAtMs = result.seenAtMs ?? 0;
  const judgedFromMs = seenAtMs + (expected.plusMs ?? 0);
  const isByOutput = played.byRun !== undefined || result.exit !== null;
  const said = isByOutput ? saidByOutput(result, seenAtMs) : saidByStatus(result, seenAtMs);
  const facts = expected.facts.map((fact) => filled(fact, names));
  const isRight = (text: string): boolean => facts.every((fact) => fact.test(text));
  const rights = said.filter(({ text }) => isRight(text));
  const first = rights[0];
  const afterMs = first === undefined ? null : Math.max(0, Math.round(first.fromMs - seenAtMs));
  const printed = ownWords(result).find(({ reason }) => isRight(reason));
  const judged = said.filter(({ toMs }) => toMs > judgedFromMs);
  const wrongs = [...new Set(judged.flatMap(({ text }) => wrongClaims(text, expected, names)))];
  const nearest = nearestTo(facts, said);
  const missing = facts.filter((fact) => !fact.test(nearest)).map(String);
  const lines = result.lastLines.join('\n');
  const exitCode = played.byRun?.exitCode ?? null;
  const isExitWrong = exitCode !== null && result.exit?.code !== exitCode;
  const falseReady = expected.mayBeReady !== true && shown.some(({ phase }) => phase === 'ready');
  return {
    verdict: verdictOf(),
    afterMs,
    printedMs: printed === undefined ? null : Math.max(0, Math.round(printed.atMs - seenAtMs)),
    staysRight: first === undefined ? null : shareOf(rights, first.fromMs, result.endMs),
    what: [
      ...missing.map((fact) => `lacks ${fact}`),
      ...wrongs,
      ...(falseReady ? ['was called ready'] : []),
      ...(isExitWrong ? [`candor exited with ${result.exit?.code ?? 'nothing'}, not with ${exitCode}`] : []),
    ],
    inLines: missing.length > 0 && facts.every((fact) => fact.test(nearest) || fact.test(lines)),
    better: {
      met: (expected.better ?? []).filter((fact) => rights.some(({ text }) => filled(fact, names).test(text))).length,
      all: expected.better?.length ?? 0,
    },
    said: [...new Set(said.map(({ text }) => text))],
  };

  function verdictOf(): BootVerdict {
    if (result.leaked) return 'leaked';
    if (falseReady) return 'false ready';
    if (wrongs.length > 0) return 'wrong';
    if (afterMs === null || isExitWrong) return 'missed';
    return afterMs <= (expected.plusMs ?? 0) + rightWithinMs + askEveryMs ? 'right' : 'late';
  }
}

/** What the status said, from the failure on; not what it said of an instance while it was ready. */
function saidByStatus({ shown, endMs }: BootResult, seenAtMs: number): Said[] {
  const toMs = (index: number): number => shown[index + 1]?.atMs ?? endMs;
  const isOf = ({ phase }: ShownInstance, index: number): boolean => phase !== 'ready' && toMs(index) > seenAtMs;
  return shown.flatMap((one, index) =>
    isOf(one, index) ? [{ fromMs: Math.max(one.atMs, seenAtMs), toMs: toMs(index), text: one.reason }] : [],
  );
}

/** A gateway that ends has no status: all that it has printed is what it says, without the lines of the program that it passes on. */
function saidByOutput(result: BootResult, seenAtMs: number): Said[] {
  const { endMs } = result;
  const texts: Said[] = [];
  let text = '';
  for (const { atMs, reason } of ownWords(result)) {
    text += `${reason}\n`;
    const last = texts.pop();
    if (last !== undefined) texts.push({ ...last, toMs: atMs });
    texts.push({ fromMs: Math.max(atMs, seenAtMs), toMs: endMs, text });
  }
  return texts;
}

function wrongClaims(
  text: string,
  { may = [], wrong = [] }: { readonly may?: readonly Claim[]; readonly wrong?: readonly RegExp[] },
  names: BootResult['names'],
): string[] {
  const claims = (Object.entries(claimPatterns) as [Claim, RegExp][]).filter(
    ([claim, pattern]) => !may.includes(claim) && pattern.test(text),
  );
  return [
    ...claims.map(([claim]) => `claims: ${claim}`),
    ...wrong.filter((pattern) => filled(pattern, names).test(text)).map((pattern) => `says ${pattern}`),
  ];
}

/** A pattern in which names stand for what they were in this play. */
function filled(pattern: RegExp, names: BootResult['names']): RegExp {
  let { source } = pattern;
  for (const [name, value] of Object.entries(names)) source = source.replaceAll(name, value);
  return new RegExp(source, pattern.flags);
}

/** What the gateway printed until the case was over, without the lines of the program that it passes on. */
function ownWords({ printed, endMs }: BootResult): readonly PrintedReason[] {
  const isOfProgram = ({ kind, reason }: PrintedReason): boolean =>
    kind === 'instance_output' || (kind === 'text' && /^\S+ \| /.test(reason));
  return printed.filter((one) => one.atMs <= endMs && !isOfProgram(one));
}

/** Each start may have had another port. */
function withAllPorts({ names, printed }: BootResult): BootResult['names'] {
  const ports = printed.flatMap(({ kind, reason }) =>
    kind === 'instance_started' ? (/to listen on port (\d+)/.exec(reason)?.[1] ?? []) : [],
  );
  return ports.length === 0 ? names : { ...names, INSTANCEPORT: `(?:${[...new Set(ports)].join('|')})` };
}

/** The text that has most of the facts. */
function nearestTo(facts: readonly RegExp[], said: readonly Said[]): string {
  const met = (text: string): number => facts.filter((fact) => fact.test(text)).length;
  return said.reduce((best, { text }) => (met(text) > met(best) ? text : best), '');
}

function shareOf(rights: readonly Said[], fromMs: number, endMs: number): number {
  const right = rights.reduce((sum, said) => sum + said.toMs - Math.max(said.fromMs, fromMs), 0);
  return endMs > fromMs ? Math.min(1, right / (endMs - fromMs)) : 1;
}
