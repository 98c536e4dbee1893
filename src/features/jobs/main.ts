import type { JobStatus } from '../../core/schemas/jobs.ts';
import { type MainFeaturePorts, mainFeature, type MainPart, type ScopedSpec } from '../main-feature.ts';
import type { HandStart } from './main-job.ts';
import type { Jobs } from './main-jobs.ts';
import { jobsName, type JobsSpec } from './settings.ts';

/** The jobs of all applications; what is asked of them is loaded with the first one. */
export interface JobsPart extends MainPart<JobsSpec> {
  list(): readonly JobStatus[];
  /** Null: there is no such job. */
  startByHand(job: string, actor: string, onLine: (line: string) => void): Promise<HandStart | null>;
}

class LazyJobs implements JobsPart {
  readonly #ports: MainFeaturePorts;
  #jobs: Jobs | null = null;
  /** What was asked for is done in its order. */
  #turn: Promise<void> = Promise.resolve();
  #isPaused = false;

  constructor(ports: MainFeaturePorts) {
    this.#ports = ports;
  }

  use(scopes: readonly ScopedSpec<JobsSpec>[]): void {
    if (this.#jobs === null && scopes.length === 0) return;
    const wanted = scopes.map(({ scope, spec }) => ({ application: scope.id, spec }));
    void this.#inTurn(async () => {
      const jobs = await this.#loaded();
      await jobs.use(wanted);
    });
  }

  async #loaded(): Promise<Jobs> {
    if (this.#jobs !== null) return this.#jobs;
    const { clock, events, stateFolder, applications } = this.#ports;
    const { Jobs } = await import('./main-jobs.ts');
    this.#jobs = new Jobs({ clock, events, stateFolder, applications });
    return this.#jobs;
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step);
    return this.#turn;
  }

  onReleases(): void {
    if (!this.#isPaused) this.#jobs?.look();
  }

  pause(): Promise<void> {
    this.#isPaused = true;
    return this.#inTurn(async () => this.#jobs?.pause());
  }

  resume(): Promise<void> {
    this.#isPaused = false;
    return this.#inTurn(async () => this.#jobs?.resume());
  }

  async finish({ graceMs, reason, atOnce }: Parameters<NonNullable<MainPart['finish']>>[0]): Promise<void> {
    await this.#turn;
    await this.#jobs?.finish(graceMs, reason, atOnce);
  }

  list(): readonly JobStatus[] {
    return this.#jobs?.status() ?? [];
  }

  async startByHand(job: string, actor: string, onLine: (line: string) => void): Promise<HandStart | null> {
    await this.#turn;
    return this.#jobs?.startByHand(job, actor, onLine) ?? null;
  }
}

export const jobs = mainFeature<JobsSpec, JobsPart>({
  name: jobsName,
  start: (ports) => new LazyJobs(ports),
});
