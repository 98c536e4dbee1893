import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Result } from '#failures/result.ts';
import { systemClock } from '../testing/system.ts';
import type { ReleaseRefusal } from './release-refusal.ts';
import { type CopiedTree, copyTree, type CopyOptions } from './release-tree.ts';

/** A folder that is copied, and one for its trees. */
export class TreeFolders {
  readonly root = mkdtempSync(join(tmpdir(), 'candor-tree-'));
  from = join(this.root, 'shop');
  into = join(this.root, 'state');

  constructor() {
    mkdirSync(this.into);
    this.write({ 'server.js': 'listen()', 'lib/a.js': 'a', 'lib/deep/b.js': 'b', 'empty/': '' });
  }

  /** A name that ends with a slash is a folder. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.from, `${path}x`)), { recursive: true });
      if (!path.endsWith('/')) writeFileSync(join(this.from, path), content);
    }
  }

  copy(options: Partial<CopyOptions> = {}): Promise<Result<CopiedTree, ReleaseRefusal>> {
    return copyTree(this.from, this.into, { clock: systemClock, reserveBytes: 0, ...options });
  }

  async copied(options: Partial<CopyOptions> = {}): Promise<CopiedTree> {
    const result = await this.copy(options);
    assert.ok(result.ok, JSON.stringify(result));
    return result.value;
  }

  async refused(options: Partial<CopyOptions> = {}): Promise<ReleaseRefusal> {
    const result = await this.copy(options);
    assert.ok(!result.ok, JSON.stringify(result));
    assert.deepEqual(this.listing(), [], 'nothing is left');
    return result.failure;
  }

  /** Without what is persistent. */
  listing(): readonly string[] {
    return readdirSync(this.into).filter((name) => name !== 'persistent');
  }
}
