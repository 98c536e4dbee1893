import type { FailureFamily, LiveIncident } from '../core/live-incident.ts';
import type { OpenIncident } from './open-incident.ts';
import type { SeenReleases } from './seen-releases.ts';

const resolvedMax = 200;

/** Incidents that are over. */
export class ResolvedIncidents {
  /** `startMs`: its instant; its times are those of the clock as it was. */
  #all: { readonly incident: LiveIncident; readonly startMs: number }[] = [];

  add(incident: LiveIncident, startMs: number): void {
    this.#all = [...this.#all, { incident, startMs }].slice(-resolvedMax);
  }

  get newestFirst(): readonly LiveIncident[] {
    return this.#all.map(({ incident }) => incident).toReversed();
  }

  /** Configurations with which earlier incidents of the same upstreams and failures have begun; `open`: those that go on. */
  failedRevisions(
    { family, upstreams }: LiveIncident,
    startMs: number,
    open: readonly OpenIncident[],
    releases: SeenReleases,
  ): ReadonlySet<number> {
    const ids = new Set(upstreams.map(({ upstream }) => upstream));
    const found = new Set<number>();
    const note = (of: FailureFamily, ms: number, where: readonly string[]): void => {
      const revision = releases.revisionAt(ms);
      if (revision !== null && of === family && ms < startMs && where.some((one) => ids.has(one))) found.add(revision);
    };
    for (const { incident, startMs: ms } of this.#all)
      note(
        incident.family,
        ms,
        incident.upstreams.map(({ upstream }) => upstream),
      );
    for (const one of open) note(one.root, one.startMs, one.upstreams);
    return found;
  }
}
