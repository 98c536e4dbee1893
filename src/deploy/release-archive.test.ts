// Starts processes: tar and zstd make the archives, and git the repository.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Header, type HeaderData } from 'tar/header';
import * as fc from '../../test/properties.ts';
import { unpackArchive, type UnpackOptions, unpackTar } from './release-archive.ts';
import { faultyFiles } from './faulty-files.test-support.ts';
import { releaseFiles } from './release-files.ts';
import { unpackGit } from './release-git.ts';
import { ReleaseRefused } from './release-refusal.ts';

const options: UnpackOptions = { limits: { files: 1000, bytes: 1_000_000 }, reserveBytes: 0 };

let root: string;
let into: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'candor-archive-'));
  into = join(root, 'into');
  mkdirSync(into);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const fresh = (): void => {
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into);
};

interface Entry extends Partial<HeaderData> {
  readonly path: string;
  readonly content?: string;
}

/** An archive as no tar would write it. */
function tarOf(entries: readonly Entry[], end = 1024): Buffer {
  const blocks = entries.flatMap(({ content = '', ...data }) => {
    const header = new Header({ mode: 0o644, type: 'File', size: Buffer.byteLength(content), ...data });
    header.encode();
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
    body.write(content);
    return [header.block as Buffer, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(end)]);
}

/** In slices of that many bytes. */
const streamOf = (content: Buffer, slice = 65_536): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(content.length / slice) }, (_, at) =>
      content.subarray(at * slice, (at + 1) * slice),
    ),
  );

async function refused(content: Buffer, more: Partial<UnpackOptions> = {}): Promise<string> {
  try {
    await unpackTar(streamOf(content), into, 'shop.tar', { ...options, ...more });
    return 'it was unpacked';
  } catch (error) {
    assert.ok(error instanceof ReleaseRefused, String(error));
    return `${error.refusal.kind}: ${error.message}`;
  }
}

const listing = (folder = into): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();

describe('an archive', () => {
  const long = `${'long/'.repeat(40)}ü.txt`;
  beforeEach(() => {
    mkdirSync(join(root, 'shop/lib'), { recursive: true });
    mkdirSync(dirname(join(root, 'shop', long)), { recursive: true });
    writeFileSync(join(root, 'shop', long), 'long');
    writeFileSync(join(root, 'shop/run.sh'), 'run');
    chmodSync(join(root, 'shop/run.sh'), 0o755);
    writeFileSync(join(root, 'shop/lib/large'), 'x'.repeat(300_000));
    writeFileSync(join(root, 'shop/empty'), '');
    symlinkSync('lib/large', join(root, 'shop/link'));
    spawnSync('ln', [join(root, 'shop/run.sh'), join(root, 'shop/second.sh')]);
  });

  for (const format of ['gnu', 'pax', 'ustar'])
    for (const [name, compress] of [
      ['shop.tar', (content: Buffer) => content],
      ['shop.tar.gz', gzipSync],
      ['shop.tar.zst', zstdCompressSync],
      // Its name does not matter.
      ['shop.tar', gzipSync],
    ] as const)
      it(`is unpacked as it was: ${name} of the form ${format}`, async () => {
        const made = spawnSync('tar', ['-C', root, `--format=${format}`, '-cf', '-', './shop'], { maxBuffer: 1e7 });
        assert.equal(made.status, 0, made.stderr.toString());
        writeFileSync(join(root, name), compress(made.stdout));
        const folder = await unpackArchive(join(root, name), into, { ...options, dropsTop: true });
        assert.equal(folder, join(into, 'shop'));
        assert.deepEqual(listing(folder), listing(join(root, 'shop')));
        assert.equal(readFileSync(join(folder, long), 'utf8'), 'long');
        assert.equal(readFileSync(join(folder, 'link'), 'utf8').length, 300_000);
        assert.equal(readlinkSync(join(folder, 'link')), 'lib/large');
        assert.equal(readFileSync(join(folder, 'second.sh'), 'utf8'), 'run');
        assert.deepEqual(
          ['run.sh', 'second.sh', 'empty'].map((path) => lstatSync(join(folder, path)).mode & 0o100),
          [0o100, 0o100, 0],
        );
      });

  it('keeps its top folder where the caller does not drop it, and where it has two', async () => {
    const two = [{ path: 'a/x' }, { path: 'b' }];
    assert.equal(await unpackTar(streamOf(tarOf(two.slice(0, 1))), into, '', options), into);
    fresh();
    assert.equal(await unpackTar(streamOf(tarOf(two)), into, '', { ...options, dropsTop: true }), into);
  });

  it('is unpacked however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3000), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 9000 }),
        async (sizes, slice) => {
          fresh();
          const entries = sizes.map((size, at) => ({ path: `f/${at}`, content: `${at % 10}`.repeat(size) }));
          await unpackTar(streamOf(tarOf(entries), slice), into, '', options);
          for (const { path, content } of entries) assert.equal(readFileSync(join(into, path), 'utf8'), content);
        },
      ),
      { numRuns: 100 },
    );
  });
});

const link = (path: string, linkpath: string): Entry => ({ path, type: 'SymbolicLink', linkpath });
const hard = (path: string, linkpath: string): Entry => ({ path, type: 'Link', linkpath });

const hostile: readonly (readonly [what: string, entries: readonly Entry[], why: RegExp])[] = [
  ['an absolute path', [{ path: '/etc/x' }], /^source: shop\.tar has \/etc\/x, which leads out/],
  ['a path that goes up', [{ path: 'a/../../x' }], /leads out of the archive/],
  ['a link to an absolute path', [link('a', '/etc')], /^source: The link a leads out of the folder, to \/etc/],
  ['a link that goes up', [link('a/b', '../../x')], /leads out of the folder/],
  ['a file below a link', [{ path: 'b/x' }, link('a', 'b'), { path: 'a/x' }], /has a twice/],
  ['a link in place of a folder', [{ path: 'a/x' }, link('a', 'b')], /has a twice/],
  ['a file below a file', [{ path: 'a' }, { path: 'a/x' }], /has a twice/],
  ['a file twice', [{ path: 'a' }, { path: './a' }], /has a twice/],
  ['a hard link out', [hard('a', '/etc/passwd')], /leads out/],
  ['a hard link to a link', [link('a', 'x'), hard('b', 'a')], /links to a, which is no file before it/],
  ['a hard link to what comes later', [hard('b', 'a'), { path: 'a' }], /no file before it/],
  ['a device', [{ path: 'a', type: 'CharacterDevice', devmaj: 1, devmin: 3 }], /a is a device/],
  ['a named pipe', [{ path: 'a', type: 'FIFO' }], /a is a named pipe/],
  ['a sparse file', [{ path: 'a', type: 'SparseFile', content: 'x' }], /of a type that is not read/],
  ['a sparse file of pax', [{ path: 'GNUSparseFile.0/a' }], /of a type that is not read/],
  ['no file', [], /no tar archive|has no files/],
  ['a name that is not UTF-8', [{ path: '\uFFFD' }], /not UTF-8/],
];

describe('an archive is refused that has', () => {
  for (const [what, entries, why] of hostile)
    it(what, async () => {
      assert.match(await refused(tarOf(entries)), why);
      for (const path of listing()) assert.ok(!lstatSync(join(into, path)).isSymbolicLink(), 'links come last');
      assert.deepEqual(
        listing(root).filter((path) => !path.startsWith('into')),
        [],
      );
    });

  it('too many files, or bytes, by hard links too', async () => {
    const many = Array.from({ length: 1001 }, (_, at) => ({ path: `${at}` }));
    assert.match(await refused(tarOf(many)), /^limit: The release has more than 1000 files/);
    fresh();
    assert.match(await refused(tarOf([{ path: 'a', content: 'x'.repeat(1_000_001) }])), /^limit: /);
    fresh();
    const half = [{ path: 'a', content: 'x'.repeat(600_000) }, hard('b', 'a')];
    assert.match(await refused(tarOf(half)), /^limit: .* b exceeds that/);
  });

  it('endless zeros at its end', async () => {
    async function* endless() {
      yield tarOf([{ path: 'a' }]);
      for (;;) yield Buffer.alloc(1_000_000);
    }
    // The parser would take minutes for them.
    const limits = { files: 1000, bytes: 200_000_000 };
    const unpacking = unpackTar(Readable.from(endless()), into, 'shop.tar', { ...options, limits });
    await assert.rejects(unpacking, (error) => error instanceof ReleaseRefused && error.refusal.kind === 'limit');
  });
});

describe('an archive is refused in words', () => {
  const whole = tarOf([
    { path: 'a', content: 'x'.repeat(3000) },
    { path: 'b', content: 'y' },
  ]);

  it('where it is cut off anywhere', async () => {
    for (let at = 0; at < whole.length - 1024; at += 171) {
      fresh();
      assert.match(await refused(whole.subarray(0, at)), /is no tar archive, or it is cut off or damaged/, `${at}`);
    }
  });

  it('where it is cut off within its compression, or is none', async () => {
    const path = join(root, 'shop.tar.gz');
    for (const content of [
      gzipSync(whole).subarray(0, 60),
      zstdCompressSync(whole).subarray(0, 40),
      Buffer.from('PK'),
    ]) {
      fresh();
      writeFileSync(path, content);
      await assert.rejects(unpackArchive(path, into, options), /cut off or damaged/);
    }
  });

  it('and leaves no file open, wherever it is cut off', async () => {
    let open = 0;
    const files = {
      ...releaseFiles,
      open: async (...of: Parameters<typeof releaseFiles.open>) => {
        const handle = await releaseFiles.open(...of);
        open++;
        const close = handle.close.bind(handle);
        handle.close = async () => {
          await close();
          open--;
        };
        return handle;
      },
    };
    const content = fc.sample(fc.uint8Array({ minLength: 5000, maxLength: 5000 }), 1)[0] as Uint8Array;
    const whole = gzipSync(tarOf([{ path: 'a', content: Buffer.from(content).toString('hex') }, { path: 'b' }]));
    for (let bytes = 100; bytes < whole.length; bytes += 500) {
      fresh();
      writeFileSync(join(root, 'cut.tgz'), whole.subarray(0, bytes));
      await assert.rejects(unpackArchive(join(root, 'cut.tgz'), into, { ...options, files }), ReleaseRefused);
      assert.equal(open, 0, `cut off after ${bytes} bytes`);
    }
  });

  it('where its header is damaged', async () => {
    const damaged = Buffer.from(whole);
    damaged[20] = 65;
    assert.match(await refused(damaged), /cut off or damaged/);
  });

  it('where it is not there, or a folder', async () => {
    await assert.rejects(unpackArchive(join(root, 'none'), into, options), /none is not there/);
    await assert.rejects(unpackArchive(root, into, options), /is not a file/);
  });

  it('where the disk is full, and where it is aborted', async () => {
    const statfs = (async () => ({ bavail: 1, bsize: 1 })) as never;
    const many = tarOf(Array.from({ length: 300 }, (_, at) => ({ path: `${at}` })));
    assert.match(await refused(many, { reserveBytes: 10, files: { ...releaseFiles, statfs } }), /^disk_full: /);
    fresh();
    // Its calls: open, writeFile.
    const full = { files: faultyFiles(1, 'ENOSPC').files };
    const needs = /^disk_full: The release needs at least 3 KiB on the disk of .*, which has .* left/;
    assert.match(await refused(whole, full), needs);
    assert.match(await refused(many, { signal: AbortSignal.abort() }), /^aborted: /);
  });
});

const hasGit = spawnSync('git', ['--version']).status === 0;

describe('a revision of a git repository', { skip: !hasGit && 'git is not here' }, () => {
  const repository = (): string => join(root, 'shop');
  const git = (...args: readonly string[]): string => {
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'protocol.file.allow=always'];
    const ran = spawnSync('git', [...who, ...args], { cwd: repository(), encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout.trim();
  };
  beforeEach(() => {
    mkdirSync(join(repository(), 'app'), { recursive: true });
    git('init', '-q', '-b', 'main');
    writeFileSync(join(repository(), 'app/server.js'), 'one');
    git('add', '.');
    git('commit', '-qm', 'one');
    git('tag', 'v1');
    writeFileSync(join(repository(), 'app/server.js'), 'two');
    git('commit', '-qam', 'two');
    writeFileSync(join(repository(), 'app/server.js'), 'not committed');
  });

  it('is what was committed, by its branch, tag or hash, of the repository or a folder in it', async (context) => {
    for (const [revision, content] of [
      ['main', 'two'],
      ['v1', 'one'],
      ['HEAD~1', 'one'],
      [git('rev-parse', 'HEAD').slice(0, 8), 'two'],
    ] as const) {
      fresh();
      const { commit, remarks } = await unpackGit(repository(), revision, into, options);
      assert.equal(commit, git('rev-parse', revision));
      assert.deepEqual([listing(), remarks], [['app', 'app/server.js'], []]);
      assert.equal(readFileSync(join(into, 'app/server.js'), 'utf8'), content);
    }
    fresh();
    // As in a hook of git.
    process.env['GIT_DIR'] = join(root, 'other');
    context.after(() => delete process.env['GIT_DIR']);
    await unpackGit(join(repository(), 'app'), 'main', into, options);
    assert.deepEqual(listing(), ['server.js']);
  });

  it('is remarked upon where it has submodules', async () => {
    git('submodule', '--quiet', 'add', repository(), 'sub');
    git('commit', '-qm', 'three');
    const { remarks } = await unpackGit(repository(), 'main', into, options);
    assert.match(remarks.join(), /^The submodules of \S+ are not part of the release/);
  });

  it('runs no program that the repository itself names', async (context) => {
    const ran = join(root, 'ran');
    const program = join(root, 'program');
    writeFileSync(program, `#!/bin/sh\necho "$0 $@" >> ${ran}\ncat\n`, { mode: 0o755 });
    writeFileSync(join(repository(), 'app/server.js'), 'three');
    writeFileSync(
      join(repository(), '.gitattributes'),
      'app/* filter=evil\nother filter=usual\nother2 filter=process\n',
    );
    for (const name of ['other', 'other2']) writeFileSync(join(repository(), name), name);
    git('add', '.');
    git('commit', '-qm', 'three');
    const settings = ['filter.evil.smudge', 'filter.usual.smudge', 'filter.process.process', 'tar.tar.command'];
    const more = ['core.fsmonitor', 'core.sshCommand', 'core.pager'];
    for (const key of [...settings, ...more]) git('config', key, program);
    git('config', 'filter.evil.required', 'true');
    git('config', 'remote.origin.promisor', 'true');
    git('config', 'remote.origin.url', 'ssh://127.0.0.1:1/x');
    // The user has another program for one of them.
    const home = process.env['HOME'];
    context.after(() => (home === undefined ? delete process.env['HOME'] : (process.env['HOME'] = home)));
    process.env['HOME'] = root;
    writeFileSync(join(root, '.gitconfig'), '[filter "usual"]\n\tsmudge = "tr o 0"\n');
    const { remarks } = await unpackGit(repository(), 'main', into, options);
    assert.equal(existsSync(ran) ? readFileSync(ran, 'utf8') : '', '');
    const read = (path: string): string => readFileSync(join(into, path), 'utf8');
    assert.deepEqual(['app/server.js', 'other', 'other2'].map(read), ['three', '0ther', 'other2']);
    assert.match(remarks.join(), /^Filters that \S+ itself configures were not run \(evil, usual, process\)/);
    fresh();
    rmSync(join(repository(), '.git/objects', git('rev-parse', 'HEAD:other').replace(/^../, '$&/')));
    await assert.rejects(unpackGit(repository(), 'main', into, options));
    assert.equal(existsSync(ran) ? readFileSync(ran, 'utf8') : '', '');
  });

  it('is refused in words where there is none', async () => {
    for (const revision of ['none', '--output=x', '', 'v1:app'])
      await assert.rejects(unpackGit(repository(), revision, into, options), /has no revision/);
    await assert.rejects(unpackGit(into, 'main', into, options), /is no git repository .*not a git repository/);
    await assert.rejects(
      unpackGit(join(root, 'none'), 'main', into, options),
      /none is no git repository .*\w\. Name the/,
    );
    const file = join(root, 'file');
    writeFileSync(file, '');
    await assert.rejects(unpackGit(file, 'main', into, options), /Not a directory\. Name the folder of a repository/);
    assert.deepEqual(listing(), []);
  });

  it('is refused where git is missing, or the deploy is aborted', async (context) => {
    const signal = AbortSignal.abort();
    const aborted = unpackGit(repository(), 'main', into, { ...options, signal });
    await assert.rejects(aborted, (error) => error instanceof ReleaseRefused && error.refusal.kind === 'aborted');
    const path = process.env['PATH'];
    context.after(() => {
      process.env['PATH'] = path;
    });
    process.env['PATH'] = into;
    await assert.rejects(unpackGit(repository(), 'main', into, options), /git is not installed/);
  });
});
