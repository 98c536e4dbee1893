import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile, writeWholeLater } from '../deploy/own-file.ts';
import { type OverlayContent, overlayBytesMax, readOverlay, writeOverlay } from './overlay-file.ts';

const fileName = 'overlay.json';

export type OverlayReading =
  | { readonly kind: 'read'; readonly content: OverlayContent }
  | { readonly kind: 'none' }
  /** `why`: a sentence whose subject, "it", is the file. `aside`: the path to which the file was renamed; null if it was not. */
  | { readonly kind: 'ignored'; readonly file: string; readonly why: string; readonly aside: string | null };

/** Keeps the overlay beyond the end of the process. */
export interface OverlayStorage {
  readonly folder: string;
  /** Reads the overlay of an earlier process. Never throws. */
  read(): OverlayReading;
  /** Reads the current file, which another process may change; null if it cannot be used. */
  peek(): OverlayContent | null;
  /** Returns null if the overlay was written, else the reason, one clause. */
  write(content: OverlayContent): Promise<string | null>;
}

/** A file in the state folder. */
export class OverlayStore implements OverlayStorage {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get path(): string {
    return join(this.folder, fileName);
  }

  /** A file that cannot be used is renamed, so that the next change does not overwrite it. */
  read(): OverlayReading {
    const found = readOwnFile(this.path, overlayBytesMax);
    if (found.kind === 'none') return { kind: 'none' };
    if (found.kind === 'refused') return this.#ignored(found.why);
    const problem = this.#folderProblem();
    if (problem !== null) return { kind: 'ignored', file: this.path, why: `its folder ${problem}`, aside: null };
    const content = readOverlay(found.text);
    return 'why' in content ? this.#ignored(content.why) : { kind: 'read', content };
  }

  peek(): OverlayContent | null {
    const found = readOwnFile(this.path, overlayBytesMax);
    if (found.kind !== 'text' || this.#folderProblem() !== null) return null;
    const content = readOverlay(found.text);
    return 'why' in content ? null : content;
  }

  async write(content: OverlayContent): Promise<string | null> {
    const problem = this.#folderProblem();
    if (problem !== null) return `the state folder ${this.folder} ${problem}`;
    try {
      await writeWholeLater(this.path, writeOverlay(content));
      return null;
    } catch (error) {
      return `${this.path} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'EIO'})`;
    }
  }

  #folderProblem(): string | null {
    try {
      return makePrivateFolder(this.folder);
    } catch (error) {
      return `cannot be used (${(error as NodeJS.ErrnoException).code ?? 'EIO'})`;
    }
  }

  #ignored(why: string): OverlayReading {
    const aside = `${this.path}.unusable`;
    try {
      renameSync(this.path, aside);
      return { kind: 'ignored', file: this.path, why, aside };
    } catch {
      return { kind: 'ignored', file: this.path, why, aside: null };
    }
  }
}
