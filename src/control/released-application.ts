import type { ApplicationSpec, Configuration } from '../core/configuration.ts';
import type { ApplicationId, EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import { upstreamsOf } from '../core/route-spec.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { type ReleaseSettings, releaseSettingsOf } from '../features/releases/settings.ts';
import type { ProcessOfRelease } from './rollout-comparison.ts';

/** What releases of applications are made from, and what rollouts look at. */
export interface RunningApplications {
  readonly configuration: () => Configuration;
  /** With as many instances as operators want. */
  readonly scaled?: (spec: ApplicationSpec) => ApplicationSpec;
  readonly instances: (application: ApplicationId) => readonly LiveInstance[];
  /** Of these upstreams, as requests show them. */
  readonly endpoints: (upstreams: ReadonlySet<string>) => readonly EndpointSnapshot[];
  /** As its checks show it: asked for each endpoint of each batch. */
  readonly endpoint: (upstream: UpstreamId, id: EndpointId) => EndpointSnapshot | null;
  readonly processes: (application: ApplicationId) => readonly ProcessOfRelease[];
}

/** One application, by the configuration and as it runs now. */
export class ReleasedApplication {
  readonly id: ApplicationId;
  readonly #all: RunningApplications;

  constructor(id: ApplicationId, all: RunningApplications) {
    this.id = id;
    this.#all = all;
  }

  /** Null: the configuration does not have it any more. */
  get spec(): ApplicationSpec | null {
    const spec = this.#all.configuration().applications.find(({ id }) => id === this.id) ?? null;
    return spec === null ? null : (this.#all.scaled?.(spec) ?? spec);
  }

  get settings(): ReleaseSettings {
    return releaseSettingsOf(this.#upstreams[0]?.features ?? this.spec?.endpointFeatures);
  }

  get instances(): readonly LiveInstance[] {
    return this.#all.instances(this.id);
  }

  get processes(): readonly ProcessOfRelease[] {
    return this.#all.processes(this.id);
  }

  get endpoints(): readonly EndpointSnapshot[] {
    return this.#all.endpoints(this.upstreams);
  }

  /** One of them, as its checks show it. */
  endpoint(id: string): EndpointSnapshot | null {
    for (const upstream of this.upstreams) {
      const found = this.#all.endpoint(upstream, id as EndpointId);
      if (found !== null) return found;
    }
    return null;
  }

  get upstreams(): ReadonlySet<UpstreamId> {
    return new Set(this.#upstreams.map(({ id }) => id));
  }

  /** That lead to it. */
  get routes(): readonly string[] {
    const { upstreams } = this;
    return this.#all
      .configuration()
      .routes.flatMap(({ id, action }) => (upstreamsOf(action).some((one) => upstreams.has(one)) ? [id] : []));
  }

  /** Clients stay at the endpoint that has answered them. */
  get isSticky(): boolean {
    return this.#upstreams.some(({ features }) => features?.['sticky'] !== undefined);
  }

  get #upstreams(): Configuration['upstreams'] {
    return this.#all.configuration().upstreams.filter(({ application }) => application === this.id);
  }
}
