import { parsePattern } from '../schema/format/pattern.ts';
import { quoted } from '../schema/error-detail.ts';
import { nameError } from '../schema/leaves.ts';
import type { Path } from '../schema/findings.ts';
import { answersRequests, patternIn, workerId } from './build-application.ts';
import { type Draft, isMap } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import type { WorkerReadyRead } from './worker-schema.ts';

/** Applications without a server, and workers. */
export function reviewWorkers(draft: Draft, collector: ErrorCollector): void {
  /** Where an id was taken first. */
  const taken = new Map<string, Path>([...draft.applications.keys()].map((name) => [name, ['applications', name]]));
  for (const [name, read] of draft.applications) {
    const raw = rawApplication(draft, name);
    if (!answersRequests(read)) reviewServerless(name, raw, collector);
    for (const [worker, { ready }] of Object.entries(read.workers ?? {})) {
      const path: Path = ['applications', name, 'workers', worker];
      collector.addDetail(path, nameError(worker), 'key');
      const id = workerId(name, worker);
      const other = taken.get(id);
      if (other !== undefined)
        collector.errorAtKey(
          path,
          `this worker is called ${quoted(id)}, as what stands in ${collector.positionText(other)}`,
          'give one of them another name',
        );
      taken.set(id, path);
      if (isMap(raw['jobs']) && Object.hasOwn(raw['jobs'], worker))
        collector.errorAtKey(
          path,
          `a job of ${quoted(name)} is called ${quoted(worker)} too`,
          'give one of them another name',
        );
      if (ready !== undefined) reviewReady(ready, [...path, 'ready'], collector);
    }
  }
}

/** Keys that say what happens with requests. */
const serverKeys = [
  ...['instances', 'port', 'readiness', 'http2', 'protocol', 'connections', 'attempts', 'balance', 'when_none_ready'],
  ...['response_head_max', 'logs', 'stop_timeout', 'restart'],
];

/** An application without a server has workers or jobs, or nothing of it would run. */
function reviewServerless(name: string, raw: Readonly<Record<string, unknown>>, collector: ErrorCollector): void {
  const path: Path = ['applications', name];
  if (isAnsweredOtherwise(raw)) return;
  if (!hasOtherPrograms(raw)) {
    collector.errorAtKey(path, 'the key "command" is missing', 'add "command: …"');
    return;
  }
  for (const key of serverKeys.filter((one) => Object.hasOwn(raw, one)))
    collector.warnAtKey(
      [...path, key],
      `without "command" ${quoted(key)} has no effect: nothing of ${quoted(name)} answers requests`,
      'remove it, or add "command"',
    );
}

function reviewReady(ready: WorkerReadyRead, path: Path, collector: ErrorCollector): void {
  const ways = (['line', 'file', 'command', 'after'] as const).filter((way) => ready[way] !== undefined);
  const [first, second] = ways;
  if (second !== undefined)
    collector.errorAtKey(
      [...path, second],
      `a worker shows in one way that it is ready, and "${first}" is one already`,
      'remove one of them',
    );
  const pattern = ready.line === undefined ? null : patternIn(ready.line);
  const parsed = pattern === null ? null : parsePattern(pattern);
  if (parsed?.ok === false) collector.addDetail([...path, 'line'], parsed.failure, 'value');
  const isLooked = first === 'file' || first === 'command';
  for (const [key, isUsed] of [
    ['interval', isLooked],
    ['timeout', first === 'command'],
  ] as const)
    if (ready[key] !== undefined && !isUsed)
      collector.warnAtKey(
        [...path, key],
        `${quoted(key)} has no effect without ${key === 'interval' ? '"file" or "command"' : '"command"'}`,
        'remove it',
      );
}

function rawApplication(draft: Draft, name: string): Readonly<Record<string, unknown>> {
  const applications = draft.raw['applications'];
  const raw = isMap(applications) ? applications[name] : null;
  return isMap(raw) ? raw : {};
}

const isAnsweredOtherwise = (raw: Readonly<Record<string, unknown>>): boolean => Object.hasOwn(raw, 'static');

const hasOtherPrograms = (raw: Readonly<Record<string, unknown>>): boolean =>
  Object.hasOwn(raw, 'workers') || Object.hasOwn(raw, 'jobs');

/** Whether what is written of an application has programs, and none that answers requests. */
export function isServerless(raw: unknown): boolean {
  return isMap(raw) && !Object.hasOwn(raw, 'command') && !isAnsweredOtherwise(raw) && hasOtherPrograms(raw);
}
