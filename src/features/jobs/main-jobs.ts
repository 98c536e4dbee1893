import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withTimeout } from '../../core/condition.ts';
import type { EventSink } from '../../core/event.ts';
import type { JobStatus } from '../../core/schemas/jobs.ts';
import type { Clock } from '../../core/time.ts';
import { writeWholeLater } from '../../deploy/own-file.ts';
import type { ReleaseFiles } from '../../deploy/release-files.ts';
import type { JobEnd, JobFact, JobHistories } from './main-history.ts';
import { type HandStart, Job, type JobSurroundings } from './main-job.ts';
import { isJobEnd, JobJournal } from './main-journal.ts';
import { timeText } from './main-reports.ts';
import { type CronSchedule, scheduleOf } from '../cron-schedule.ts';
import { jobStatus } from './main-status.ts';
import { machineZone } from '../machine-zone.ts';
import type { ApplicationPrograms } from '../main-feature.ts';
import { jobIdOf, type JobsSpec } from './settings.ts';

interface JobsParts {
  readonly clock: Clock;
  readonly events: EventSink;
  /** The state folder; null: there is none. */
  readonly stateFolder: string | null;
  readonly applications: ApplicationPrograms;
  readonly files?: ReleaseFiles;
}

interface ApplicationJobs {
  readonly application: string;
  readonly spec: JobsSpec;
}

const withoutState = 'the gateway has no state folder, in which runs are claimed (`state` in the configuration)';

/** The file of a run that ended when the journal was another process's. */
const endPrefix = 'ended.';

/** The jobs of all applications. */
export class Jobs {
  readonly #parts: JobsParts;
  readonly #surroundings: JobSurroundings;
  readonly #folder: string | null;
  readonly #jobs = new Map<string, Job>();
  #journal: JobJournal | string = 'its journal has not been read yet';
  #opened: Promise<void> | null = null;
  /** Removed ones whose present run goes on. */
  readonly #leaving = new Set<Job>();
  #isPaused = false;
  #wanted: readonly ApplicationJobs[] = [];
  #hasBegun = false;

  constructor(parts: JobsParts) {
    this.#parts = parts;
    this.#folder = parts.stateFolder === null ? null : join(parts.stateFolder, 'jobs');
    const journal = (): JobJournal | string => this.#journal;
    const { clock, events, applications } = parts;
    this.#surroundings = {
      ...{ clock, events },
      releaseOf: (application) => {
        const spec = applications.inForce(application);
        return spec === null ? undefined : (spec.release ?? null);
      },
      run: ({ application, id: program, spec, run, tick }, signal, onLine) => {
        const { command, timeoutMs: limitMs } = spec;
        const environment = {
          ...spec.environment,
          ...{ CANDOR_JOB: program, CANDOR_JOB_RUN: String(run) },
          ...(tick === null ? {} : { CANDOR_JOB_DUE_AT: timeText(tick) }),
        };
        return applications.run({ application, program, command, environment, limitMs }, signal, onLine);
      },
      redact: (text) => applications.redact(text),
      get journal() {
        return journal();
      },
    };
  }

  /** These are the jobs of the configuration. Resolves when they are scheduled. */
  async use(wanted: readonly ApplicationJobs[]): Promise<void> {
    this.#wanted = wanted;
    this.#opened ??= this.#open();
    await this.#opened;
    if (!this.#isPaused && this.#wanted === wanted) await this.#apply(wanted);
  }

  async #open(): Promise<void> {
    const { files, events } = this.#parts;
    if (this.#folder === null) {
      this.#journal = withoutState;
      return;
    }
    const folder = this.#folder;
    const opened = await JobJournal.open(files === undefined ? { folder } : { folder, files });
    const damage = typeof opened === 'string' ? opened : opened.damage;
    this.#journal = typeof opened === 'string' ? opened : opened.journal;
    if (damage !== null)
      events.emit({
        ...{ kind: 'state_unusable', subject: 'gateway', reason: `The journal of jobs: ${damage}.` },
        evidence: { folder, file: 'journal', errno: null },
      });
  }

  async #apply(wanted: readonly ApplicationJobs[]): Promise<void> {
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    const { predecessorEnded } = this.#parts.applications;
    const handsOver = isFirst && predecessorEnded !== null;
    const open = this.#openRuns();
    if (isFirst && !handsOver) await this.#takeEnds(open);
    const orders = wanted.flatMap(({ application, spec: { jobs } }) =>
      jobs.map((spec) => ({ application, id: jobIdOf(application, spec.name), spec })),
    );
    const ids = new Set(orders.map(({ id }) => id));
    for (const [id, job] of this.#jobs) {
      if (ids.has(id)) continue;
      this.#jobs.delete(id);
      this.#leaving.add(job);
      await job.remove();
      void job.idle.then(() => this.#leaving.delete(job));
    }
    const leaving = new Map([...this.#leaving].map((job) => [job.id, job]));
    for (const order of orders) {
      const schedule = scheduleOfSpec(order.spec.schedule, order.spec.timeZone);
      const known = this.#jobs.get(order.id);
      if (known !== undefined) {
        known.change(order.spec, schedule);
        continue;
      }
      const back = leaving.get(order.id);
      if (back !== undefined) {
        this.#leaving.delete(back);
        this.#jobs.set(order.id, back);
        back.comeBack(order.spec, schedule);
        continue;
      }
      const job = new Job(order, schedule, this.#surroundings);
      this.#jobs.set(order.id, job);
      job.begin(handsOver ? (open.get(order.id) ?? []) : []);
    }
    if (isFirst) await this.#noteRemoved(ids);
    if (handsOver) void predecessorEnded?.then(() => this.#takeEnds(open));
  }

  get #histories(): JobHistories {
    return typeof this.#journal === 'string' ? new Map() : this.#journal.histories;
  }

  /** Jobs that the configuration has lost while no gateway ran. */
  async #noteRemoved(ids: ReadonlySet<string>): Promise<void> {
    for (const [id, { isGone, runs }] of this.#histories) {
      if (isGone || ids.has(id)) continue;
      if (runs.at(-1)?.end?.failure != null)
        this.#parts.events.emit({
          ...{ kind: 'job_failing', subject: `job:${id}`, to: 'removed', reason: `${id} is no job any more` },
          evidence: { application: id.split('.')[0] ?? id, job: id, run: null, code: null, signal: null, fix: null },
        });
      await this.#note({ kind: 'removed', job: id });
    }
  }

  /** Runs that the journal knows no end of, and that do not go on here, by their jobs. */
  #openRuns(): ReadonlyMap<string, readonly number[]> {
    const found = [...this.#histories].map(([id, { runs }]) => {
      const own = new Set(this.#jobs.get(id)?.running.map(({ run }) => run));
      return [id, runs.flatMap(({ run, end }) => (end === null && !own.has(run) ? [run] : []))] as const;
    });
    return new Map(found.filter(([, runs]) => runs.length > 0));
  }

  /** Runs of a process that has ended: they have ended with it, or left their ends. */
  async #takeEnds(open: ReadonlyMap<string, readonly number[]>): Promise<void> {
    if (this.#isPaused) return;
    const ends = await this.#readEnds();
    for (const [id, runs] of open)
      for (const run of runs) {
        const end = this.#endOf(id, run, ends);
        await this.#note({ kind: 'ended', job: id, run, ...end });
        this.#jobs.get(id)?.beforeEnded(run, end);
      }
    await this.#removeEnds(ends);
  }

  #endOf(job: string, run: number, ends: ReadonlyMap<string, JobEnd | null>): JobEnd {
    const failure = 'the gateway ended while it ran, so that its end was not seen';
    const endedAt = this.#parts.clock.wallTime();
    return ends.get(`${endPrefix}${job}.${run}`) ?? { endedAt, code: null, signal: null, ms: null, failure, lines: [] };
  }

  /** By the names of their files; null: of one that cannot be read. */
  async #readEnds(): Promise<ReadonlyMap<string, JobEnd | null>> {
    if (this.#folder === null) return new Map();
    const folder = this.#folder;
    const names = await readdir(folder).catch((): string[] => []);
    const read = names
      .filter((name) => name.startsWith(endPrefix))
      .map(async (name) => [name, await readEnd(join(folder, name))] as const);
    return new Map(await Promise.all(read));
  }

  async #removeEnds(ends: ReadonlyMap<string, JobEnd | null>): Promise<void> {
    for (const name of ends.keys()) await rm(join(this.#folder ?? '', name), { force: true }).catch(() => undefined);
  }

  async #note(...facts: readonly JobFact[]): Promise<void> {
    if (typeof this.#journal !== 'string' && facts.length > 0) await this.#journal.note(...facts);
  }

  /** A release may be in force that was not before. */
  look(): void {
    if (this.#isPaused) return;
    for (const job of this.#jobs.values()) if (job.spec.schedule === 'once') void job.look();
  }

  /** Another process takes over, or this one ends: nothing is begun any more. Resolves when the journal is no longer written. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    const folder = this.#folder;
    const onEnd = async (id: string, run: number, end: JobEnd): Promise<void> => {
      if (folder === null) return;
      // The next process says otherwise that the end was not seen.
      await writeWholeLater(join(folder, `${endPrefix}${id}.${run}`), JSON.stringify(end)).catch(() => undefined);
    };
    for (const job of this.#all) job.pause((run, end) => onEnd(job.id, run, end));
    await this.#opened;
    if (typeof this.#journal !== 'string') await this.#journal.close();
  }

  /** The other process has not taken over. It may have written to the journal. */
  async resume(): Promise<void> {
    // An upgrade has failed before it came to the handoff. The journal may just be written, and must not be read again.
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#opened === null) return;
    const owed = typeof this.#journal === 'string' ? [] : this.#journal.owed;
    this.#opened = this.#open();
    await this.#opened;
    // Schedules are noted again: the other process may have decided later times.
    await this.#note(...owed.filter(({ kind }) => kind === 'ended' || kind === 'missed' || kind === 'skipped'));
    await this.#takeEnds(this.#openRuns());
    for (const job of this.#jobs.values()) job.resume();
    await this.#apply(this.#wanted);
  }

  /** Ends what runs: after `graceMs`, or at once. Resolves when it has ended. */
  async finish(graceMs: number, reason: string, atOnce: Promise<unknown>): Promise<void> {
    const all = this.#all;
    const idle = Promise.all(all.map((job) => job.idle));
    if (graceMs > 0) await withTimeout(this.#parts.clock, graceMs, idle, atOnce);
    await Promise.all(all.map((job) => job.end(reason)));
  }

  get #all(): readonly Job[] {
    return [...this.#jobs.values(), ...this.#leaving];
  }

  /** Null: there is no such job. */
  async startByHand(id: string, actor: string, onLine: (line: string) => void): Promise<HandStart | null> {
    return this.#jobs.get(id)?.startByHand(actor, onLine) ?? null;
  }

  status(): readonly JobStatus[] {
    const { clock, applications } = this.#parts;
    return [...this.#jobs.values()].map((job) =>
      jobStatus(job, clock, applications.redact(job.spec.command.join(' '))),
    );
  }
}

/** Null: it is damaged. The journal takes nothing that it could not read again. */
async function readEnd(path: string): Promise<JobEnd | null> {
  try {
    const end: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isJobEnd(end) ? end : null;
  } catch {
    return null;
  }
}

function scheduleOfSpec(
  pattern: string | null,
  timeZone: string | null,
): { readonly schedule: CronSchedule | null; readonly text: string | null } {
  if (pattern === null || pattern === 'once') return { schedule: null, text: pattern };
  const zone = timeZone ?? machineZone();
  return { schedule: scheduleOf(pattern, zone), text: `${pattern} ${zone}` };
}
