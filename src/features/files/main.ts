import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { scopeKey } from '../../core/feature.ts';
import {
  type MainFeaturePorts,
  type MainPart,
  mainFeature,
  type ReleaseFolders,
  type ScopedSpec,
} from '../main-feature.ts';
import { filesName, type FilesSpec, type SiteFolders } from './settings.ts';

/** Tells workers in which folders the releases of static applications lie. */
export class StaticSites implements MainPart<FilesSpec> {
  readonly #ports: Pick<MainFeaturePorts, 'publish'>;
  readonly #folders = new Map<string, ReleaseFolders>();
  #scopes: readonly ScopedSpec<FilesSpec>[] = [];

  constructor(ports: Pick<MainFeaturePorts, 'publish'>) {
    this.#ports = ports;
  }

  use(scopes: readonly ScopedSpec<FilesSpec>[]): void {
    this.#scopes = scopes.filter(({ spec }) => spec.release !== undefined);
    if (this.#folders.size > 0) this.#publish();
  }

  onReleaseFolders(application: string, folders: ReleaseFolders): void {
    this.#folders.set(application, folders);
    if (this.#isStatic(application)) this.#publish();
  }

  async refuses(application: string, folder: string): Promise<string | null> {
    const spec = this.#scopes.find(({ spec: { release } }) => release?.application === application)?.spec;
    const below = spec?.release?.below;
    if (below === undefined) return null;
    const found = await stat(join(folder, below)).catch(() => null);
    if (found?.isDirectory() === true) return null;
    return found === null ? `it has no folder ${below}` : `its ${below} is no folder`;
  }

  /** A worker that starts now, or gets another revision, begins with the present folder. */
  forWorkers(spec: FilesSpec): FilesSpec {
    const folders = this.#foldersOf(spec);
    return folders === null ? spec : { ...spec, root: folders.root };
  }

  #isStatic(application: string): boolean {
    return this.#scopes.some(({ spec: { release } }) => release?.application === application);
  }

  #foldersOf({ release }: FilesSpec): SiteFolders | null {
    const folders = release === undefined ? undefined : this.#folders.get(release.application);
    if (release === undefined || folders === undefined) return null;
    const { present, previous } = folders;
    return {
      root: join(present, release.below),
      previous: previous === null ? null : join(previous, release.below),
    };
  }

  #publish(): void {
    const states = this.#scopes.flatMap(({ scope, spec }) => {
      const folders = this.#foldersOf(spec);
      return folders === null ? [] : [[scopeKey(scope), folders] as const];
    });
    this.#ports.publish(Object.fromEntries(states));
  }
}

export const files = mainFeature<FilesSpec, StaticSites>({
  name: filesName,
  start: (ports) => new StaticSites(ports),
});
