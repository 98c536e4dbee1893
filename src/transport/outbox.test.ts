import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TurnEndListener } from '../core/transport.ts';
import { heldSliceBytesMax, noBytes, Outbox, type OutboxHolder } from './outbox.ts';

/** A connection that takes everything at once, or nothing: then it keeps what it was given as it is, as the real ones do. */
class FakeHolder implements OutboxHolder {
  readonly written: Buffer[] = [];
  heldBytes = 0;
  sentBytes = 0;
  refused: Uint8Array = noBytes;
  isReset = false;
  onPiece: (piece: Uint8Array) => void = () => {};
  readonly #takes: boolean;

  constructor(takes = true) {
    this.#takes = takes;
  }

  sendHeld(bytes: Uint8Array): boolean {
    this.heldBytes -= bytes.length;
    this.onPiece(bytes);
    if (this.isReset) this.refused = Buffer.concat([this.refused, bytes]);
    else this.sentBytes += bytes.length;
    this.written.push(this.#takes ? Buffer.from(bytes) : (bytes as Buffer));
    return this.#takes;
  }

  get text(): string {
    return Buffer.concat(this.written).toString('latin1');
  }
}

function world(): { outbox: Outbox; ends: (() => void)[] } {
  const ends: (() => void)[] = [];
  return { outbox: new Outbox((flush) => ends.push(flush)), ends };
}

function hold(outbox: Outbox, to: OutboxHolder, text: string): void {
  const bytes = Buffer.from(`<${text}>`, 'latin1');
  outbox.hold(to, bytes, 1, bytes.length - 1);
  bytes.fill(0xdb);
}

/** Writes once, when the turn ends. */
function composer(outbox: Outbox, to: OutboxHolder, text: string, then: () => void = () => {}): TurnEndListener {
  return {
    onTurnEnd() {
      hold(outbox, to, text);
      then();
    },
  };
}

describe('the outbox at the end of a turn', () => {
  it('lets those compose who asked for it, and sends what they write with the rest', () => {
    const { outbox, ends } = world();
    const one = new FakeHolder();
    outbox.notifyAtTurnEnd(composer(outbox, one, 'b'));
    hold(outbox, one, 'a');
    assert.equal(ends.length, 1, 'one call for the turn');
    ends[0]?.();
    assert.deepEqual(one.written.map(String), ['ab']);
  });

  it('calls in a later turn who has asked while others compose', () => {
    const { outbox, ends } = world();
    const [one, other] = [new FakeHolder(), new FakeHolder()];
    hold(outbox, one, 'a');
    const late = composer(outbox, other, 'c');
    outbox.notifyAtTurnEnd(composer(outbox, one, 'b', () => outbox.notifyAtTurnEnd(late)));
    ends.shift()?.();
    assert.deepEqual([one.text, other.text], ['ab', '']);
    ends.shift()?.();
    assert.equal(other.text, 'c');
  });

  it('calls also when the held bytes had to leave before', () => {
    const { outbox, ends } = world();
    const one = new FakeHolder();
    hold(outbox, one, 'a');
    outbox.notifyAtTurnEnd(composer(outbox, one, 'b'));
    outbox.flush();
    assert.equal(one.text, 'a');
    for (const end of ends.splice(0)) end();
    assert.equal(one.text, 'ab');
  });
});

describe('the outbox', () => {
  it('is not entered again while it sends held bytes, and goes on afterwards', () => {
    const { outbox, ends } = world();
    const [one, other] = [new FakeHolder(), new FakeHolder()];
    const again: OutboxHolder = {
      heldBytes: 0,
      refused: noBytes,
      sendHeld(): boolean {
        outbox.flush();
        return true;
      },
    };
    hold(outbox, one, 'a');
    hold(outbox, again, 'b');
    hold(outbox, other, 'c');
    assert.throws(() => outbox.flush(), /nobody is called back/);
    assert.deepEqual([one.text, other.text], ['a', '']);
    ends.at(-1)?.();
    assert.deepEqual([one.text, other.text, other.heldBytes], ['a', 'c', 0]);
  });

  it('sends nothing before the end of the turn, and asks for it once a turn', () => {
    const { outbox, ends } = world();
    const [one, other] = [new FakeHolder(), new FakeHolder()];
    hold(outbox, one, 'a');
    hold(outbox, other, 'b');
    assert.deepEqual([one.text, other.text, ends.length, one.heldBytes], ['', '', 1, 1]);
    ends[0]?.();
    assert.deepEqual([one.text, other.text, one.heldBytes], ['a', 'b', 0]);
    hold(outbox, one, 'c');
    assert.equal(ends.length, 2);
  });

  it('sends consecutive bytes of one connection in one write, and keeps the order', () => {
    const { outbox, ends } = world();
    const [one, other] = [new FakeHolder(), new FakeHolder()];
    hold(outbox, one, 'a');
    hold(outbox, one, 'b');
    hold(outbox, other, 'x');
    hold(outbox, one, 'c');
    ends[0]?.();
    assert.deepEqual(one.written.map(String), ['ab', 'c']);
    assert.equal(other.text, 'x');
  });

  it('sends a head and its body in one write where both fit into a page, whatever the page had', () => {
    const { outbox, ends } = world();
    const [head, body] = ['h'.repeat(300), 'b'.repeat(10_000)];
    const holders = Array.from({ length: 11 }, () => new FakeHolder());
    for (const holder of holders) {
      hold(outbox, holder, head);
      hold(outbox, holder, body);
    }
    const large = new FakeHolder();
    hold(outbox, large, head);
    hold(outbox, large, 'l'.repeat(heldSliceBytesMax));
    ends[0]?.();
    for (const { written } of holders) assert.deepEqual(written.map(String), [head + body]);
    assert.equal(large.text.length, 300 + heldSliceBytesMax);
  });

  it('never overwrites pending bytes of a slow connection', () => {
    const { outbox } = world();
    const slow = new FakeHolder(false);
    hold(outbox, slow, 'kept');
    outbox.flush();
    const quick = new FakeHolder();
    hold(outbox, quick, 'other');
    outbox.flush();
    assert.deepEqual([slow.text, quick.text], ['kept', 'other']);
  });

  it('sends none of the bytes that are reclaimed, and all others', () => {
    const { outbox, ends } = world();
    const [one, other] = [new FakeHolder(), new FakeHolder()];
    hold(outbox, one, 'a');
    hold(outbox, other, 'x');
    hold(outbox, one, 'b');
    outbox.reclaimUnsent(one);
    hold(outbox, one, 'c');
    ends[0]?.();
    assert.deepEqual([one.text, other.text], ['c', 'x']);
    assert.deepEqual([one.sentBytes, one.heldBytes, other.sentBytes], [1, 0, 1]);
  });

  it('does not count as sent what the system refused, and gives it back', () => {
    const { outbox, ends } = world();
    const one = new FakeHolder();
    one.isReset = true;
    hold(outbox, one, 'a');
    ends[0]?.();
    assert.equal(one.sentBytes, 0);
    hold(outbox, one, 'b');
    assert.equal(Buffer.from(outbox.reclaimUnsent(one)).toString(), 'ab');
    assert.equal(outbox.reclaimUnsent(one).length, 0);
  });

  it('keeps one small page for a slow connection, and goes on with the others', () => {
    const { outbox } = world();
    const slow = new FakeHolder(false);
    const quick = new FakeHolder();
    const pages = new Set<ArrayBufferLike>();
    for (let turn = 0; turn < 20; turn++) {
      for (let n = 0; n < 20; n++) outbox.hold(quick, Buffer.alloc(1000, n), 0, 1000);
      if (turn === 10) hold(outbox, slow, 'kept');
      for (let n = 0; n < 20; n++) outbox.hold(quick, Buffer.alloc(1000, n), 0, 1000);
      quick.onPiece = ({ buffer }) => void pages.add(buffer);
      outbox.flush();
    }
    assert.ok((slow.written[0]?.buffer.byteLength ?? 0) <= heldSliceBytesMax);
    assert.equal(pages.size, 3 + 1, 'that of the slow one is replaced, and no other');
    assert.equal(slow.text, 'kept');
  });

  it('keeps bytes apart where parts end or begin at the bounds of pages', () => {
    const { outbox } = world();
    const holders = [new FakeHolder(), new FakeHolder()] as const;
    const expected: [string, string] = ['', ''];
    const sizes = [heldSliceBytesMax, 1, heldSliceBytesMax - 1, heldSliceBytesMax, heldSliceBytesMax, 7];
    for (let n = 0; n < 100; n++) {
      const to = n % 7 === 0 ? 1 : 0;
      const piece = Buffer.alloc(sizes[n % sizes.length] as number, 33 + (n % 90));
      outbox.hold(holders[to], piece, 0, piece.length);
      expected[to] += piece.toString('latin1');
    }
    const taken = Buffer.from(outbox.reclaimUnsent(holders[1])).toString('latin1');
    outbox.flush();
    assert.ok(holders[0].text === expected[0]);
    assert.ok(holders[1].text + taken === expected[1]);
    assert.deepEqual([holders[0].heldBytes, holders[1].heldBytes], [0, 0]);
  });

  it('sends bytes that do not fit early, and loses none', () => {
    const { outbox } = world();
    const one = new FakeHolder();
    const piece = Buffer.alloc(heldSliceBytesMax);
    const count = 40;
    for (let index = 0; index < count; index++) outbox.hold(one, piece.fill(index), 0, piece.length);
    outbox.flush();
    const all = Buffer.concat(one.written);
    assert.equal(all.length, count * piece.length);
    for (let index = 0; index < count; index++) assert.equal(all[index * piece.length], index);
  });
});
