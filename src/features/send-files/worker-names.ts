import type { NamedFileFault } from '#failures/failure.ts';
import type { Root } from '../files/worker-file.ts';
import { filePathOf } from '../files/worker-path.ts';
import type { NamedFolder } from './settings.ts';

/** Which file a response names. */
export interface FileName {
  readonly header: 'X-Accel-Redirect' | 'X-Sendfile';
  /** The value, as the application has written it. */
  readonly text: string;
}

interface Found {
  readonly root: Root;
  /** Below the root. */
  readonly path: string;
}

/** The folders of a route, by how the names of their files begin. */
export class NamedFolders {
  /** The longest first. */
  readonly #beginnings: readonly (readonly [text: string, root: Root])[];

  constructor(folders: readonly NamedFolder[], rootAt: (folder: string) => Root) {
    const roots = folders.map((one) => ({ ...one, root: rootAt(one.folder) }));
    this.#beginnings = roots
      .flatMap(({ prefix, folder, root }) =>
        [prefix, folder === '/' ? folder : `${folder}/`].flatMap(spellings).map((text) => [text, root] as const),
      )
      .toSorted(([one], [other]) => other.length - one.length);
  }

  /** The name is percent-encoded, or has the bytes of UTF-8. Dot segments, which would lead elsewhere, are no names. */
  find({ header, text }: FileName): Found | NamedFileFault {
    const path = (header === 'X-Accel-Redirect' ? withoutQuery(text) : text).replace(/\/{2,}/g, '/');
    const beginning = this.#beginnings.find(([one]) => path.startsWith(one));
    if (beginning === undefined) return 'elsewhere';
    const [begun, root] = beginning;
    const below = filePathOf(`/${path.slice(begun.length)}`);
    if (typeof below === 'string') return below;
    return below.isFolder || below.path === '' ? 'folder' : { root, path: below.path };
  }
}

/** As bytes, and percent-encoded. */
const spellings = (path: string): string[] => [...new Set([Buffer.from(path).toString('latin1'), encodeURI(path)])];

/** It is a target, as of a request. */
function withoutQuery(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}
