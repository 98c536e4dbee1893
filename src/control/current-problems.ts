import { sentenceOf } from '#failures/first-letter.ts';
import type { AlertTargetStatus } from '../core/schemas/alerts.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { Event, EventFacts } from '../core/event.ts';
import { faultsOfOneFile, type StoreFaultFacts, storeFaultStep } from '../core/store-fault.ts';
import { nearestThere } from '../deploy/private-folder.ts';
import { countText, memoryText } from '#failures/quantity-text.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { bytesPerSecond, type LeftOutput } from './output-capture.ts';
import { alertProblems } from './alerting.ts';
import { ClientProblems, type ClientProblemSources, type DescriptorShortage } from './client-problems.ts';
import { type CrashLoop, CrashLoops } from './crash-loops.ts';
import type { ApplicationStatus, InstanceStatus, StatusProblem } from '../core/schemas/status.ts';
import { EventEpisodes } from './event-episodes.ts';
import { lateStarts } from './application-watch.ts';
import { failedReplacements } from './replacements.ts';
import { logName } from '../record/loss-report.ts';
import { RecentGrowth } from './recent-count.ts';
import { type WorkerContext, WorkerProblems } from './worker-problems.ts';

/** A problem counts as current for this long after it was last reported. */
const recentMs = 60_000;

/** For so long a status tells of a clock that has moved. */
const clockChangeShownMs = 3_600_000;

interface LogEpisode {
  readonly path: string;
  readonly since: Instant;
  readonly lastAt: Instant;
  readonly isFailing: boolean;
  readonly errno: string | null;
}

interface StoreEpisode extends StoreFaultFacts {
  readonly since: Instant;
  readonly reason: string;
}

interface RefusedConfiguration {
  /** When the first of several in a row was refused. */
  readonly since: Instant;
  readonly source: string;
  readonly errors: readonly string[];
}

/** The workers, and what else has no event. */
export interface ProblemContext extends WorkerContext {
  /** Path of the log in use; null without one. */
  readonly logPath: string | null;
  /** The receiver of syslog; absent without one. */
  readonly logReceiver?: string | null;
  /** Folder of the store in use; absent without one. */
  readonly storePath?: string | null;
  /** URL of the OTLP collector in use; absent without one. */
  readonly collector?: string | null;
  /** What applications have printed too fast; absent: nothing. */
  readonly leftOut?: readonly LeftOutput[];
  readonly applications: readonly ApplicationStatus[];
  /** Absent: there are no targets. */
  readonly alerts?: readonly AlertTargetStatus[];
}

/** Read whenever problems are listed. */
interface ProblemParts {
  readonly reports: ClientProblemSources;
  /** It reports an outage when it has lasted for a while. */
  readonly upstreamWatch: { unavailableSince(upstream: string): Instant | null };
}

/** The current problems of the gateway itself, from its events and the counts of its workers, and of applications whose new instances are not ready or whose instances end again and again. */
export class CurrentProblems {
  readonly #clock: Clock;
  #descriptors: DescriptorShortage | null = null;
  readonly #clients: ClientProblems;
  readonly #crashLoops: CrashLoops;
  #logEpisode: LogEpisode | null = null;
  #storeEpisode: StoreEpisode | null = null;
  #otlpEpisode: { readonly endpoint: string; readonly since: Instant; readonly reason: string } | null = null;
  /** By subject. */
  readonly #disks = new Map<string, { readonly path: string; readonly since: Instant; readonly reason: string }>();
  readonly #logLosses: RecentGrowth;
  readonly #parts: ProblemParts;
  readonly #unavailable = new EventEpisodes<'upstream_unavailable'>();
  readonly #workers: WorkerProblems;
  /** The file that the gateway has not applied; null if the last one was. */
  #refusedConfiguration: RefusedConfiguration | null = null;
  /** Instances that start, and since when it is reported that they are not ready. */
  readonly #notReady = new Map<string, Instant>();
  /** Since when instances have not been ready for a reason that was reported: they answered wrongly, ended, or could not be started. */
  readonly #troubled = new Map<string, Instant>();
  /** When the active configuration was applied. */
  #appliedAt: Instant;
  readonly #failingJobs = new EventEpisodes<'job_failing'>();
  readonly #refusingLimits = new EventEpisodes<'limit_refusals'>();
  readonly #dependencies = new EventEpisodes<'dependency_state'>();
  #clockChange: { readonly since: Instant; readonly reason: string } | null = null;

  /** `logDropped`: lines that the log has lost since the start. Events come at most every ten seconds, too late for a status. */
  constructor(clock: Clock, logDropped: () => number, parts: ProblemParts) {
    this.#clock = clock;
    this.#parts = parts;
    this.#clients = new ClientProblems(
      clock,
      () => parts.reports,
      (...problem) => this.#problem(...problem),
    );
    this.#crashLoops = new CrashLoops(clock);
    this.#workers = new WorkerProblems(clock, (...problem) => this.#problem(...problem));
    this.#logLosses = new RecentGrowth(clock, logDropped);
    this.#appliedAt = clock.now();
  }

  onEvent(event: Event): void {
    const now = this.#clock.now();
    this.#crashLoops.onEvent(event);
    this.#workers.onEvent(event);
    if (event.kind === 'descriptors_exhausted')
      this.#descriptors =
        event.to === 'enough' ? null : { since: this.#descriptors?.since ?? now, reason: event.reason };
    else if (event.kind === 'store_failing') {
      const { fault } = event.evidence;
      const isFailing = event.to === 'failing' && !faultsOfOneFile.has(fault);
      const known = this.#storeEpisode?.path === event.evidence.path ? this.#storeEpisode : null;
      this.#storeEpisode = isFailing ? { ...event.evidence, since: known?.since ?? now, reason: event.reason } : null;
    } else if (event.kind === 'otlp_failing') {
      const { endpoint } = event.evidence;
      this.#otlpEpisode =
        event.to === 'failing' ? { endpoint, since: this.#otlpEpisode?.since ?? now, reason: event.reason } : null;
    } else if (event.kind === 'disk_space') {
      const { path } = event.evidence;
      if (event.to === 'low')
        this.#disks.set(event.subject, {
          path,
          since: this.#disks.get(event.subject)?.since ?? now,
          reason: event.reason,
        });
      else this.#disks.delete(event.subject);
    } else if (event.kind === 'job_failing') this.#failingJobs.note(event, event.to !== 'failing', now);
    else if (event.kind === 'limit_refusals') this.#refusingLimits.note(event, event.to !== 'many', now);
    else if (event.kind === 'dependency_state')
      this.#dependencies.note(event, isWell.has(event.to ?? ''), after(now, -event.evidence.sinceMs));
    else if (event.kind === 'clock_changed') this.#clockChange = { since: now, reason: event.reason };
    else if (event.kind === 'upstream_unavailable') this.#unavailable.note(event, event.to !== 'unavailable', now);
    else if (event.kind === 'log_dropped') this.#onLogDropped(event.evidence, event.to === 'failing');
    else if (event.kind === 'configuration_applied') {
      this.#appliedAt = now;
      this.#refusedConfiguration = null;
    } else if (event.kind === 'configuration_rejected') {
      const since = this.#refusedConfiguration?.since ?? now;
      this.#refusedConfiguration = { ...event.evidence, since };
    } else if (event.kind === 'instance_not_ready' || event.kind === 'instance_wrong_listen_address') {
      const instance = instanceOf(event);
      this.#notReady.set(instance, this.#notReady.get(instance) ?? now);
      this.#noteTrouble(instance);
    } else if (event.kind === 'instance_not_started') this.#noteTrouble(instanceOf(event));
    else if (event.kind === 'instance_ready' || event.kind === 'instance_exited') {
      this.#notReady.delete(instanceOf(event));
      if (event.kind === 'instance_ready') this.#troubled.delete(instanceOf(event));
      else this.#noteTrouble(instanceOf(event));
    }
  }

  #noteTrouble(instance: string): void {
    this.#troubled.set(instance, this.#troubled.get(instance) ?? this.#clock.now());
  }

  /** The instances, whenever one of them has changed. */
  useInstances(instances: readonly Pick<InstanceStatus, 'id'>[]): void {
    this.#crashLoops.use(instances);
    const ids = new Set(instances.map(({ id }) => id));
    for (const id of this.#troubled.keys()) if (!ids.has(id)) this.#troubled.delete(id);
  }

  crashLoops(applications: readonly ApplicationStatus[]): readonly CrashLoop[] {
    return this.#crashLoops.list(applications);
  }

  #onLogDropped({ what, count, errno }: EventFacts['log_dropped'], isFailing: boolean): void {
    const now = this.#clock.now();
    const known = this.#logEpisode?.path === what ? this.#logEpisode : null;
    // Another log: what the one before has lost is no problem of this one.
    if (known === null) this.#logLosses.restart(count);
    else this.#logLosses.sampleNow();
    const isOver = known === null || (!known.isFailing && now - known.lastAt >= recentMs);
    this.#logEpisode = { path: what, since: isOver ? now : known.since, lastAt: now, isFailing, errno };
  }

  /** Counts that a worker reports several times a second. */
  onWorkerCounts(counts: Pick<WorkerCounts, 'worker' | 'shedding'>): void {
    this.#logLosses.sample();
    this.#workers.onCounts(counts);
  }

  /** Current problems, worst first. */
  list(context: ProblemContext): readonly StatusProblem[] {
    const own = [
      ...this.#workers.list(context),
      ...this.#unapplied(),
      ...this.#workers.shedding(context),
      ...this.#clients.list(this.#descriptors, this.#appliedAt),
      ...this.#refusing(),
      ...this.#log(context),
      ...this.#storing(context),
      ...this.#leftOut(context),
      ...this.#exporting(context),
      ...this.#nearlyFull(),
      ...this.#movedClock(),
      ...this.#jobs(),
      ...this.#unwellDependencies(),
    ];
    const alerts = alertProblems(context.alerts ?? [], this.#clock.wallTime());
    const instances = this.ofInstances(context.applications);
    const isReported = (one: StatusProblem): boolean =>
      one.application !== undefined && instances.some(({ application }) => application === one.application);
    return [...own, ...this.#withoutEndpoint().filter((one) => !isReported(one)), ...instances, ...alerts];
  }

  /** Those of applications whose instances end again and again, or are not ready. */
  ofInstances(applications: readonly ApplicationStatus[]): readonly StatusProblem[] {
    return [...this.#looping(applications), ...this.#late(applications), ...this.#replacements(applications)];
  }

  #looping(applications: readonly ApplicationStatus[]): readonly StatusProblem[] {
    return this.crashLoops(applications).map(({ application, since, reason, nextStep }) => ({
      ...this.#problem('crash_loop', since, reason, nextStep),
      application,
    }));
  }

  #late(applications: readonly ApplicationStatus[]): readonly StatusProblem[] {
    const nextStep =
      'See what it printed last (`candor status`), and correct the application or `readiness`; raise `readiness.start_timeout` if it only needs longer.';
    return lateStarts(applications).map(({ application, instance, reason }) => ({
      ...this.#problem('application_not_ready', this.#notReady.get(instance) ?? this.#appliedAt, reason, nextStep),
      application,
    }));
  }

  #replacements(applications: readonly ApplicationStatus[]): readonly StatusProblem[] {
    const nextStep =
      'Correct the application or the secret that was changed, or restore its earlier configuration and run `candor reload`.';
    return failedReplacements(applications, (id) => this.#notReady.has(id)).map(
      ({ application, instance, reason }) => ({
        ...this.#problem('replacement_failing', this.#troubled.get(instance) ?? this.#appliedAt, reason, nextStep),
        application,
      }),
    );
  }

  #withoutEndpoint(): readonly StatusProblem[] {
    return this.#unavailable.all.map(({ since, event: { reason, evidence } }) => ({
      ...this.#problem(
        'upstream_unavailable',
        this.#parts.upstreamWatch.unavailableSince(evidence.upstream) ?? since,
        sentenceOf(reason),
        evidence.fix ?? '',
      ),
      ...(evidence.application === null ? {} : { application: evidence.application }),
      upstream: evidence.upstream,
    }));
  }

  #unapplied(): readonly StatusProblem[] {
    if (this.#refusedConfiguration === null) return [];
    const { since, source, errors } = this.#refusedConfiguration;
    const [first = '', ...others] = errors;
    const more = others.length === 0 ? '' : `, and ${others.length} more`;
    const isFile = source !== 'none';
    const what = isFile ? `${source} was refused` : 'The configuration was refused';
    const reason = `${what}, and an earlier configuration is active: ${first.replace(/\.$/, '')}${more}.`;
    const step = isFile ? `Run \`candor check -c ${source}\`, correct the file` : 'Correct it';
    return [this.#problem('configuration_refused', since, reason, `${step}, and run \`candor reload\`.`)];
  }

  /** Why clients are refused now, one clause; null: none is, or only those of an address that has too many connections. */
  refusal(workers: WorkerContext): string | null {
    return this.#workers.refusal(workers) ?? this.#clients.refusal;
  }

  #log({ logPath, logReceiver = null }: ProblemContext): readonly StatusProblem[] {
    const log = this.#logEpisode;
    if (log === null || (log.path !== logPath && log.path !== logReceiver)) return [];
    const count = this.#logLosses.lastMinute;
    if (!log.isFailing && count === 0) return [];
    const lines = count === 1 ? '1 line was' : `${count === 0 ? 'no' : count} lines were`;
    const reason = `${logName(log.path)} ${logState(log)}; ${lines} lost in the last minute.`;
    return [this.#problem('log_failing', log.since, reason, logStep(log))];
  }

  #storing({ storePath }: ProblemContext): readonly StatusProblem[] {
    const failing = this.#storeEpisode;
    if (failing === null || failing.path !== storePath) return [];
    const nextStep = `${storeFaultStep({ ...failing, path: nearestThere(failing.path) })}; what is lost cannot be searched later.`;
    return [this.#problem('store_failing', failing.since, failing.reason, nextStep)];
  }

  #leftOut({ storePath, leftOut = [] }: ProblemContext): readonly StatusProblem[] {
    if (storePath == null) return [];
    const recent = leftOut.filter(({ recentLines }) => recentLines > 0);
    return recent.map(({ application, lines, recentLines, since }) => {
      const allowed = `${memoryText(bytesPerSecond)} a second are stored of each application`;
      const were = recentLines === 1 ? 'was' : 'were';
      const reason = `${application} prints too fast: ${countText(recentLines, 'line')} ${were} left out of the store in the last minute, ${lines} since the start of the gateway; ${allowed}.`;
      const nextStep = `Let ${application} print less (its log level), or read its own log: lines that were left out cannot be searched. The store itself has not failed.`;
      return { ...this.#problem('output_left_out', since, reason, nextStep), application };
    });
  }

  #exporting({ collector }: ProblemContext): readonly StatusProblem[] {
    const failing = this.#otlpEpisode;
    if (failing === null || failing.endpoint !== collector) return [];
    const nextStep = `Look whether the collector runs and listens at ${failing.endpoint} (\`otlp.endpoint\`); \`candor_otlp_dropped_total\` counts what is lost.`;
    return [this.#problem('otlp_failing', failing.since, failing.reason, nextStep)];
  }

  #nearlyFull(): readonly StatusProblem[] {
    return [...this.#disks.values()].map(({ path, since, reason }) => {
      const nextStep = `Free space there (\`du -xh --max-depth=1 ${path}\`), or lower \`log.keep\` and \`store.keep.size\`.`;
      return this.#problem('disk_nearly_full', since, sentenceOf(reason), nextStep);
    });
  }

  #refusing(): readonly StatusProblem[] {
    return this.#refusingLimits.all.map(({ since, event: { reason, evidence } }) =>
      this.#problem('limit_refuses', since, sentenceOf(reason), evidence.fix ?? ''),
    );
  }

  #jobs(): readonly StatusProblem[] {
    return this.#failingJobs.all.map(({ since, event: { reason, evidence } }) =>
      this.#problem('job_failing', since, sentenceOf(reason), evidence.fix ?? ''),
    );
  }

  /** They never keep requests from an application: its incidents say whether these fail for it. */
  #unwellDependencies(): readonly StatusProblem[] {
    return this.#dependencies.all.map(({ since, event: { reason, evidence } }) => {
      const { dependents, fix } = evidence;
      const whose = dependents.length === 0 ? '' : `; needed by ${dependents.join(', ')}`;
      return this.#problem('dependency_failing', since, `The dependency ${reason}${whose}.`, fix ?? '');
    });
  }

  #movedClock(): readonly StatusProblem[] {
    const change = this.#clockChange;
    if (change === null || this.#clock.now() - change.since >= clockChangeShownMs) return [];
    const nextStep =
      'Read times before it as those of the old clock. If it comes again, look at the time service (`timedatectl`, `chronyc tracking`).';
    return [this.#problem('clock_changed', change.since, sentenceOf(change.reason), nextStep)];
  }

  #problem(kind: StatusProblem['kind'], since: Instant, reason: string, nextStep: string): StatusProblem {
    return { kind, sinceS: Math.max(0, Math.round((this.#clock.now() - since) / 1000)), reason, nextStep };
  }
}

const isWell: ReadonlySet<string> = new Set(['up', 'removed']);

const instanceOf = ({ subject }: Event): string => subject.slice('instance:'.length);

function logState({ isFailing, errno }: LogEpisode): string {
  if (!isFailing) return 'is written again';
  if (errno === 'EPIPE') return 'is a pipe that no program reads (EPIPE)';
  if (errno === 'EAGAIN') return 'is a pipe that its reader does not read fast enough';
  return `cannot be written${errno === null ? ' fast enough' : ` (${errno})`}`;
}

function logStep({ path, errno }: LogEpisode): string {
  const lost = 'requests whose lines are lost cannot be explained later.';
  if (path === 'logger')
    return 'See whether a syslogd runs on this machine (`ls -l /dev/log`), and whether `logger test` ends without an error.';
  if (isReceiver.test(path)) return `See whether the receiver of syslog runs, and whether this machine reaches it.`;
  // Standard output is a pipe almost always, but may be a file on a full disk.
  if (path === '-' && (errno === null || pipeErrnos.includes(errno)))
    return `See whether the program that reads the standard output of the gateway runs and keeps up; ${lost}`;
  if (errno !== null && pipeErrnos.includes(errno))
    return `See whether the program that reads the pipe runs and keeps up (\`fuser -v ${path}\`); ${lost}`;
  return `Look at the space and the owner of its folder (\`df -h\`, \`ls -ld\`); ${lost}`;
}

const isReceiver = /^(?:(?:udp|tcp|tls):\/\/|(?:journal|logger)$)/;

const pipeErrnos: readonly string[] = ['EPIPE', 'EAGAIN'];
