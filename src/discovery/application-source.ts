import type { Configuration } from '../core/configuration.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import { addressText, type ApplicationId, type EndpointId, type UpstreamId } from '../core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { InstanceTraffic, LiveInstance, SupervisedInstances } from '../core/live-instance.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { endpointIdOf } from './configured-addresses.ts';
import type { EndpointSource, SourceContext, SourceEndpoint } from './endpoint-source.ts';

/** The instances of applications that Candor runs. Their supervisor checks them, so their health is reported. */
export class ApplicationSource implements EndpointSource {
  readonly isSettled = true;
  readonly #context: SourceContext;
  readonly #instances: SupervisedInstances;
  /** Of the active configuration. */
  #applications: ReadonlyMap<UpstreamId, ApplicationId> = new Map();

  constructor(instances: SupervisedInstances, context: SourceContext) {
    this.#instances = instances;
    this.#context = context;
    instances.onChange(() => this.#instancesChanged());
  }

  /** The supervisor starts the applications of a prepared configuration by itself. */
  prepare(): void {}

  activate({ upstreams }: Configuration): void {
    this.#applications = new Map(
      upstreams.flatMap(({ id, application }) => (application === null ? [] : [[id, application]])),
    );
  }

  endpointsOf({ id, application }: UpstreamSpec): readonly SourceEndpoint[] {
    if (application === null) return [];
    return this.#instances.instances(application).map((instance) => endpointOf(id, instance));
  }

  #instancesChanged(): void {
    for (const upstream of this.#applications.keys()) this.#context.onChange(upstream);
  }

  onTraffic(upstream: UpstreamId, { instance }: EndpointSnapshot, traffic: InstanceTraffic): void {
    const application = this.#applications.get(upstream);
    if (application === undefined || instance === undefined) return;
    this.#instances.noteTraffic(application, instance, traffic);
  }

  /** The supervisor goes on: it reports how each instance ends. */
  stop(): void {}
}

/** The address is part of it: after a restart on another port it is another endpoint. */
export function instanceEndpointId(upstream: UpstreamId, { id, address }: LiveInstance): EndpointId {
  return endpointIdOf(upstream, `${id}/${addressText(address)}`);
}

function endpointOf(upstream: UpstreamId, instance: LiveInstance): SourceEndpoint {
  const { id, address, state, sinceInstant, release, share, arm, exit, finding, stoppedPids } = instance;
  // What an application printed goes into answers and records from here on: never with its credentials.
  const reason = redactor.redact(instance.reason);
  const redactedFinding = finding === null ? {} : { finding: { ...finding, reason: redactor.redact(finding.reason) } };
  return {
    id: instanceEndpointId(upstream, instance),
    position: 0,
    instance: id,
    address,
    health: {
      ...{ state, reason, ...redactedFinding, sinceInstant, release, exit: exit && redactedExit(exit) },
      ...(stoppedPids === undefined ? {} : { stoppedPids }),
      ...(share === undefined ? {} : { share }),
      ...(arm === undefined ? {} : { arm }),
    },
  };
}

const redactor = new TextRedactor();

function redactedExit(exit: InstanceExit): InstanceExit {
  return exit.lastLine === null ? exit : { ...exit, lastLine: redactor.redact(exit.lastLine) };
}
