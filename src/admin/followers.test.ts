import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { Followers } from './followers.ts';

const reader = { socket: new Socket(), role: 'read' } as const;
const operator = { socket: new Socket(), role: 'operate' } as const;

function stream(): { stop(): void } {
  return { stop: () => {} };
}

describe('streams of events and of the status', () => {
  test('have room for operators when readers have taken all that they may', () => {
    const followers = new Followers();
    for (let count = 0; count < 24; count++) assert.equal(followers.add(stream(), reader), null);
    assert.match(followers.add(stream(), reader) ?? '', /^24 readers .* for the role read/);
    for (let count = 24; count < 32; count++) assert.equal(followers.add(stream(), operator), null);
    assert.match(followers.add(stream(), operator) ?? '', /^32 readers/);
  });

  test('make room when they end', () => {
    const followers = new Followers();
    const streams = Array.from({ length: 24 }, stream);
    for (const one of streams) followers.add(one, reader);
    followers.remove(streams[0] as { stop(): void });
    assert.equal(followers.add(stream(), reader), null);
  });

  test('end by their connections', () => {
    const followers = new Followers();
    const stopped: string[] = [];
    followers.add({ stop: () => stopped.push('reader') }, reader);
    followers.add({ stop: () => stopped.push('operator') }, operator);
    followers.stop(new Set([reader.socket]));
    assert.deepEqual(stopped, ['reader']);
  });
});
