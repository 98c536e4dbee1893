import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { releaseInForce } from '../deploy/release-in-force.ts';
import { filesName, type FilesSpec } from '../features/files/settings.ts';
import type { MachineWarning } from './adjust-paths.ts';

type Reviewed = Pick<Configuration, 'applications' | 'routes' | 'stateFolder'>;

/** Folders of applications that are not there, where no release brings its own. */
export function reviewFolders({ applications, routes, stateFolder }: Reviewed): readonly MachineWarning[] {
  const own = applications.filter(({ id, of }) => of === undefined && !isDeployed(id, stateFolder));
  const programs = own
    .filter(({ answeredBy, directory }) => answeredBy === undefined && !isThere(directory, 'folder'))
    .map(({ id, directory }) => ({
      ...{ setting: `applications.${id}.directory`, value: directory },
      message: `the folder ${directory} of ${id} is not there, and its programs cannot start`,
      suggestion: 'make it, or correct `directory`',
    }));
  const sites = routes.flatMap(({ features }) => {
    const spec = features?.[filesName] as FilesSpec | undefined;
    return spec?.release !== undefined && own.some(({ id }) => id === spec.release?.application) ? [spec] : [];
  });
  return withoutRepeated([...programs, ...sites.flatMap(siteWarnings)]);
}

function siteWarnings({ root, fallback, release }: FilesSpec): MachineWarning[] {
  const id = release?.application ?? '';
  const setting = `applications.${id}.static`;
  if (!isThere(root, 'folder'))
    return [
      {
        ...{ setting, value: root },
        message: `the folder ${root} of ${id} is not there, and requests for its files get a 404`,
        suggestion: `build it, correct \`static\`, or bring it with \`candor deploy ${id}\``,
      },
    ];
  const page = fallback === null ? null : join(root, fallback);
  if (page === null || isThere(page, 'file')) return [];
  const message = `the page ${page}, the fallback of ${id}, is not there`;
  return [{ ...{ setting, value: page, message }, suggestion: 'make it, or correct `fallback`' }];
}

/** A state folder of another user says nothing: the check is not the gateway. */
function isDeployed(application: string, stateFolder: string | null): boolean {
  const found = stateFolder === null ? null : releaseInForce(stateFolder, application);
  return found !== null && (!found.ok || found.value.release !== null);
}

function isThere(path: string, what: 'folder' | 'file'): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return (what === 'folder' ? found?.isDirectory() : found?.isFile()) ?? false;
  } catch {
    // What this user may not look at, the gateway may.
    return true;
  }
}

/** Several routes may lead to one site. */
function withoutRepeated(warnings: readonly MachineWarning[]): readonly MachineWarning[] {
  return [...new Map(warnings.map((one) => [one.message, one])).values()];
}
