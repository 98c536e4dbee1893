import { applicationDescriptorsStep } from '../core/descriptor-need.ts';
import type { SuspectKind } from '../core/live-incident.ts';
import { wordsAfterExit } from '#failures/last-words.ts';
import { explainedShare } from './evidence-lines.ts';
import { type ownExits as exitsOf, ownExits } from './suspected-exits.ts';
import {
  beforeText,
  isOf,
  listOf,
  percent,
  type Rule,
  type SuspectContext,
  type SuspectFinding,
} from './suspect-facts.ts';

/** An exit is reported so much later than the failures that follow from it. */
const exitLateMs = 2000;

interface Limit {
  /** errno(3), by name or as the C library spells it: runtimes print one of both. */
  readonly printed: RegExp;
  /** What follows 'ended because'. */
  readonly why: string;
  readonly nextStep: string;
}

/** What a program meets that has used up something of its machine. */
const limitsOfMachine: readonly Limit[] = [
  {
    printed: /\bENOSPC\b|No space left on device/i,
    why: 'no space was left on its disk',
    nextStep: 'See with `df -h` and `df -i` which file system is full, and free space there or give it more.',
  },
  {
    printed: /\bEDQUOT\b|Disk quota exceeded/i,
    why: 'its disk quota was used up',
    nextStep: 'Raise the quota, or delete what it has written.',
  },
  {
    printed: /\bEMFILE\b|Too many open files(?! in system)/i,
    why: 'it had no file descriptor left',
    nextStep: applicationDescriptorsStep(null),
  },
  {
    printed: /\bENFILE\b|Too many open files in system/i,
    why: 'the machine had no file descriptor left',
    nextStep: 'Look at `/proc/sys/fs/file-nr` and at what has so many files open; `fs.file-max` is the limit.',
  },
  {
    printed: /\bENOMEM\b|Cannot allocate memory/i,
    why: 'the kernel gave it no more memory',
    nextStep: 'Give the process more memory (its control group, `ulimit -v`), or look for what it keeps.',
  },
];

type Exit = ReturnType<typeof exitsOf>[number];

/** Processes whose last words name a limit that they met. */
function metAtExit(context: SuspectContext): SuspectFinding | null {
  if (!isOf(context.incident, 'gone', 'not_ready', 'slow')) return null;
  const met = ownExits(context).flatMap((exit) => {
    const words = wordsAfterExit(exit.event.evidence.output, exit.event.evidence);
    if (words === null || exit.event.evidence.outOfMemory) return [];
    const limit = limitsOfMachine.find(({ printed }) => printed.test(`${words.error} ${words.cause ?? ''}`));
    return limit === undefined ? [] : [{ exit, limit, words: words.error }];
  });
  const [first] = met;
  const last = met.at(-1);
  if (first === undefined || last === undefined) return null;
  const nameOf = ({ event }: Exit): string => event.subject.slice('instance:'.length);
  const own = met.filter(({ limit }) => limit === last.limit);
  return {
    fit: 0.94 * explainedShare(context, first.exit.afterMs, exitLateMs),
    sentence: `${listOf([...new Set(own.map(({ exit }) => nameOf(exit)))])} ended because ${last.limit.why}.`,
    evidence: [
      `${nameOf(last.exit)} printed: ${last.words.slice(0, 300)} (${beforeText(last.exit.afterMs)} the first failure)`,
    ],
    nextStep: last.limit.nextStep,
  };
}

/** Instances that wait for processor time most of the time. */
function throttled({ incident, watched: { processes = [] } }: SuspectContext): SuspectFinding | null {
  if (!isOf(incident, 'slow', 'slower', 'full', 'application', 'not_ready')) return null;
  const found = processes
    .flatMap(({ instance, throttledShare = 0 }) => (throttledShare > 0 ? [{ instance, throttledShare }] : []))
    .toSorted((a, b) => b.throttledShare - a.throttledShare);
  if (found.length === 0) return null;
  return {
    // It may be so every day: where the application answers with errors, these say more.
    fit: isOf(incident, 'application') ? 0.49 : 0.8,
    sentence: `${listOf(found.map(({ instance }) => instance))} ${found.length === 1 ? 'gets' : 'get'} too little processor time: the CPU limit of the control group is used up.`,
    evidence: found.map(
      ({ instance, throttledShare }) =>
        `${instance}: its control group had used up its share in ${percent(throttledShare)} of the periods`,
    ),
    nextStep:
      'Raise the CPU limit (`cpu.max` of the control group, `--cpus` of the container, `limits.cpu` of the pod), run more instances, or find what uses it.',
  };
}

/** RFC 4918 §11.5: what an application says of its own storage. */
const insufficientStorage = 507;

/** Of applications that the gateway does not run, it knows only what they answer. */
function answered({ incident, errorStatus }: SuspectContext): SuspectFinding | null {
  if (!isOf(incident, 'application') || errorStatus !== insufficientStorage) return null;
  return {
    fit: 0.8,
    sentence: 'The application says that it has no storage left: it answers 507 (Insufficient Storage).',
    evidence: [`most of its errors have the status ${insufficientStorage}`],
    nextStep: 'See with `df -h` and `df -i` on its machine, and in its quota, what is full, and free space there.',
  };
}

/** What an application has used up that it gets from its machine or its container. Memory has suspects of its own. */
export const limits = {
  resource_limit: (context) => metAtExit(context) ?? throttled(context) ?? answered(context),
} satisfies Partial<Record<SuspectKind, Rule>>;
