import type { ApplicationSpec, Configuration } from '../core/configuration.ts';
import { keyOf } from '../features/resources/holding-text.ts';
import { holdingsOf } from '../features/resources/holdings.ts';
import { type ResourceMachine, SystemMachine } from '../features/resources/machine.ts';
import { type Holding, resourcesOf } from '../features/resources/settings.ts';
import type { MachineWarning } from './adjust-paths.ts';

interface ResourcesReview {
  /** A line for each application of which this machine holds something as it is written. */
  readonly held: readonly string[];
  readonly warnings: readonly MachineWarning[];
  /** An application would not be started here. */
  readonly isRefused: boolean;
}

/** By what this machine holds limits, users and isolation, for a gateway that is started as this process is. */
export function reviewResources(
  { applications }: Pick<Configuration, 'applications'>,
  machine: ResourceMachine = new SystemMachine(),
): ResourcesReview {
  // Workers have the limits of their application.
  const own = applications.filter(({ of }) => of === undefined);
  const all = own.flatMap((application) => {
    const spec = resourcesOf(application.features);
    return spec === undefined
      ? []
      : [{ application, holdings: holdingsOf(spec, machine, undefined, application.directory) }];
  });
  return {
    held: all.flatMap(({ application, holdings }) => {
      const held = holdings.filter(({ by }) => by !== null);
      return held.length === 0 ? [] : `${application.id}: ${held.map(heldText).join(', ')}`;
    }),
    warnings: withoutRepeated(
      all.flatMap(({ application, holdings }) => holdings.flatMap((one) => warningOf(application, one))),
    ),
    isRefused: all.some(({ holdings }) => holdings.some(({ isRefused }) => isRefused)),
  };
}

const heldText = ({ setting, value, by }: Holding): string => `${setting} ${value} (${by})`;

function warningOf({ id }: ApplicationSpec, { setting, value, by, remark, fix, isRefused }: Holding): MachineWarning[] {
  if (remark === null) return [];
  const name = `applications.${id}.${keyOf(setting)}`;
  const what =
    by !== null
      ? `${name} ${value} is held by ${by}`
      : isRefused
        ? `${name} ${value} cannot be had, and nothing of ${id} would be started`
        : `${name} ${value} is not held`;
  return [{ setting: name, value, message: `${what}: ${remark}`, suggestion: fix }];
}

/** What is to be done once is said once. */
function withoutRepeated(warnings: readonly MachineWarning[]): readonly MachineWarning[] {
  const said = new Set<string>();
  return warnings.map((warning) => {
    const { suggestion } = warning;
    if (suggestion !== null && said.has(suggestion)) return { ...warning, suggestion: null };
    if (suggestion !== null) said.add(suggestion);
    return warning;
  });
}
