import type { ApplicationId, EndpointAddress, EndpointState, ReadinessFinding } from './endpoint.ts';
import type { ArmName } from './endpoint-release.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';

/** One instance of an application that Candor runs, as an endpoint needs it. */
export interface LiveInstance {
  readonly id: string;
  /** The port is 0 until a port has been found, and may change with a restart. */
  readonly address: EndpointAddress;
  readonly state: EndpointState;
  /** Why it is in that state, one sentence. */
  readonly reason: string;
  /** Why it is not ready, as its checks observe it. */
  readonly finding: ReadinessFinding | null;
  readonly sinceInstant: number;
  /** Null: its application was never deployed. */
  readonly release: string | null;
  /** The share of requests that the instances of its release get together, from 0 to 1; null: those that are chosen for it; absent: only one release runs. */
  readonly share?: number | null;
  /** Which of two releases that is; absent as above. */
  readonly arm?: ArmName;
  /** The last exit of its program, kept while the next one runs. */
  readonly exit: InstanceExit | null;
  /** All processes of it that a signal has stopped, where none is left that could answer; absent: some may, or it is not known. */
  readonly stoppedPids?: readonly number[];
}

/** The outcomes of requests at an instance since they were last reported. */
export interface InstanceTraffic {
  /** At least one request was answered without a 5xx status. A 5xx does not show that the application works. */
  readonly served: boolean;
  /** At least one request failed in a way that counts against the instance. */
  readonly failed: boolean;
  /** A connection was refused. */
  readonly refused?: true;
}

/** The applications that Candor runs, as discovery sees them. `deploy/` implements it. */
export interface SupervisedInstances {
  /** The instances that run, will run, or are ending. */
  instances(application: ApplicationId): readonly LiveInstance[];
  /** Calls back after each change of the instances, or of one of them, until the returned function is called. */
  onChange(callback: () => void): () => void;
  /** Reports requests at one instance. The supervisor checks an instance less often while its requests succeed. */
  noteTraffic(application: ApplicationId, instance: string, traffic: InstanceTraffic): void;
}
