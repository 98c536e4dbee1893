import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { faultOfProgramFile } from './program-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'program-file-'));
after(() => rmSync(folder, { recursive: true }));

function elf(machine: number, loader = '', isLittle = true): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF', 'latin1');
  head[5] = isLittle ? 1 : 2;
  if (isLittle) head.writeUInt16LE(machine, 18);
  else head.writeUInt16BE(machine, 18);
  return Buffer.concat([head, Buffer.from(`${loader}\0`, 'latin1')]);
}

const files: readonly (readonly [what: string, content: Buffer | string, says: RegExp | null])[] = [
  ['a script whose interpreter exists', '#!/bin/sh\necho\n', null],
  ['a script of env', '#!/usr/bin/env python3\n', null],
  [
    'a script without an interpreter',
    '#!/usr/bin/python2.9 -u\n',
    /^\.\/app exists, but \/usr\/bin\/python2\.9, the interpreter .+ does not/,
  ],
  [
    'a first line that ends with a carriage return',
    '#!/bin/sh\r\necho\r\n',
    /`#!\/bin\/sh`\) ends with a carriage return.+CRLF/,
  ],
  ['a carriage return behind env', '#!/usr/bin/env python3\r\n', /python3.+carriage return/],
  ['a text without a first line of its own', 'echo hello\r\n', null],
  ['an empty file', '', null],
  ['an executable for this machine', elf(62), null],
  ['an executable for another processor', elf(183), /built for another architecture, arm64; this machine is x64/],
  ['an executable of a machine with the other order of bytes', elf(22, '', false), /s390x/],
  ['an executable for a processor without a name', elf(9999), /the processor 9999 of ELF/],
  [
    'an executable whose loader is missing',
    elf(62, '/lib/ld-musl-nowhere.so.1'),
    /its loader \/lib\/ld-musl-nowhere\.so\.1 does not/,
  ],
  ['an executable of Windows', 'MZ\x90\0'.padEnd(64, '\0'), /built for Windows/],
  ['an executable of macOS', Buffer.from('cffaedfe'.padEnd(128, '0'), 'hex'), /built for macOS/],
];

for (const [what, content, says] of files)
  test(`why a file cannot be executed: ${what}`, () => {
    const path = join(folder, 'app');
    writeFileSync(path, content);
    const said = faultOfProgramFile(path, './app', 'x64');
    if (says === null) assert.equal(said, null);
    else assert.match(said ?? '', says);
  });

test('why a file cannot be executed: it is a folder', () => {
  const path = join(folder, 'folder');
  mkdirSync(path);
  assert.match(faultOfProgramFile(path, './folder') ?? '', /\.\/folder is a directory/);
});

test('of a file that does not exist nothing is said', () =>
  assert.equal(faultOfProgramFile(join(folder, 'nothing'), './nothing'), null));
