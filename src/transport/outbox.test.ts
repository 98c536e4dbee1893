import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { heldPieceOctetsMax, nothing, Outbox, type OutboxHolder } from './outbox.ts';

/** A socket that takes everything at once, or nothing: then it keeps what it was given as it is, as Node does. */
class FakeSocket {
  readonly written: Buffer[] = [];
  writableLength = 0;
  errored: Error | null = null;
  readonly #takes: boolean;

  constructor(takes = true) {
    this.#takes = takes;
  }

  write(octets: Buffer): boolean {
    this.written.push(this.#takes ? Buffer.from(octets) : octets);
    if (!this.#takes) this.writableLength += octets.length;
    return this.#takes;
  }

  get text(): string {
    return Buffer.concat(this.written).toString('latin1');
  }
}

function holder(socket: FakeSocket): OutboxHolder {
  return { socket: socket as unknown as Socket, heldOctets: 0, sentOctets: 0, refused: nothing };
}

function world(): { outbox: Outbox; ends: (() => void)[] } {
  const ends: (() => void)[] = [];
  return { outbox: new Outbox((flush) => ends.push(flush)), ends };
}

function hold(outbox: Outbox, to: OutboxHolder, text: string): void {
  const octets = Buffer.from(`<${text}>`, 'latin1');
  outbox.hold(to, octets, 1, octets.length - 1);
  octets.fill(0xdb);
}

describe('the outbox', () => {
  it('sends nothing before the end of the turn, and asks for it once a turn', () => {
    const { outbox, ends } = world();
    const [one, other] = [new FakeSocket(), new FakeSocket()];
    const [first, second] = [holder(one), holder(other)];
    hold(outbox, first, 'a');
    hold(outbox, second, 'b');
    assert.deepEqual([one.text, other.text, ends.length, first.heldOctets], ['', '', 1, 1]);
    ends[0]?.();
    assert.deepEqual([one.text, other.text, first.heldOctets], ['a', 'b', 0]);
    hold(outbox, first, 'c');
    assert.equal(ends.length, 2);
  });

  it('sends what follows each other for one connection in one write, and never changes an order', () => {
    const { outbox, ends } = world();
    const [one, other] = [new FakeSocket(), new FakeSocket()];
    const [first, second] = [holder(one), holder(other)];
    hold(outbox, first, 'a');
    hold(outbox, first, 'b');
    hold(outbox, second, 'x');
    hold(outbox, first, 'c');
    ends[0]?.();
    assert.deepEqual(one.written.map(String), ['ab', 'c']);
    assert.equal(other.text, 'x');
  });

  it('never overwrites octets that a slow connection has yet to take', () => {
    const { outbox } = world();
    const slow = new FakeSocket(false);
    hold(outbox, holder(slow), 'kept');
    outbox.flush();
    const quick = new FakeSocket();
    hold(outbox, holder(quick), 'other');
    outbox.flush();
    assert.deepEqual([slow.text, quick.text], ['kept', 'other']);
  });

  it('sends nothing of what is taken back, and all of the rest', () => {
    const { outbox, ends } = world();
    const [one, other] = [new FakeSocket(), new FakeSocket()];
    const [first, second] = [holder(one), holder(other)];
    hold(outbox, first, 'a');
    hold(outbox, second, 'x');
    hold(outbox, first, 'b');
    outbox.takeBack(first);
    hold(outbox, first, 'c');
    ends[0]?.();
    assert.deepEqual([one.text, other.text], ['c', 'x']);
    assert.deepEqual([first.sentOctets, first.heldOctets, second.sentOctets], [1, 0, 1]);
  });

  it('does not count as sent what the system refused, and gives it back', () => {
    const { outbox, ends } = world();
    const reset = new FakeSocket();
    const one = holder(reset);
    reset.errored = new Error('EPIPE');
    hold(outbox, one, 'a');
    ends[0]?.();
    assert.equal(one.sentOctets, 0);
    hold(outbox, one, 'b');
    assert.equal(Buffer.from(outbox.takeBack(one)).toString(), 'ab');
    assert.equal(outbox.takeBack(one).length, 0);
  });

  it('sends early what does not fit, and loses nothing of it', () => {
    const { outbox } = world();
    const socket = new FakeSocket();
    const one = holder(socket);
    const piece = Buffer.alloc(heldPieceOctetsMax);
    const count = 40;
    for (let index = 0; index < count; index++) outbox.hold(one, piece.fill(index), 0, piece.length);
    outbox.flush();
    const all = Buffer.concat(socket.written);
    assert.equal(all.length, count * piece.length);
    for (let index = 0; index < count; index++) assert.equal(all[index * piece.length], index);
  });
});
