import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { FakeKitClock, settled } from './fake-clock.test-support.ts';
import { onSignals } from './signals.ts';

/** A program whose signals are events, and whose end is noted. */
class SignalledProgram {
  readonly clock = new FakeKitClock();
  readonly codes: unknown[] = [];
  drains = 0;
  readonly #ends: (() => void)[] = [];

  constructor(context: TestContext) {
    context.mock.method(process, 'exit', (code: number) => void this.codes.push(code));
    context.after(async () => {
      for (const end of this.#ends) end();
      await settled();
    });
  }

  /** A server with the kit. Returns what ends its drain. */
  serve(exits = true): (code: number) => Promise<void> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const drain = (): Promise<number> => {
      this.drains++;
      return promise;
    };
    this.#ends.push(onSignals({ names: ['SIGHUP', 'SIGWINCH'], exits, clock: this.clock, drain, log: () => {} }));
    this.#ends.push(() => resolve(0));
    return (code) => {
      resolve(code);
      return settled();
    };
  }

  send(name: NodeJS.Signals): void {
    process.emit(name, name);
  }
}

describe('a signal', () => {
  test('ends the program with the code of the drain', async (context) => {
    const program = new SignalledProgram(context);
    const end = program.serve();
    program.send('SIGHUP');
    assert.deepEqual([program.drains, program.codes], [1, []]);
    await end(0);
    assert.deepEqual(program.codes, [0]);
  });

  test('that another process passes on a moment later is the same one; a second later it is another', async (context) => {
    const program = new SignalledProgram(context);
    program.serve();
    program.send('SIGHUP');
    await program.clock.pass(999);
    program.send('SIGHUP');
    assert.deepEqual(program.codes, []);
    await program.clock.pass(1);
    program.send('SIGHUP');
    assert.deepEqual([program.drains, program.codes], [1, [129]]);
  });

  test('of another kind ends it at once', (context) => {
    const program = new SignalledProgram(context);
    program.serve();
    program.send('SIGHUP');
    program.send('SIGWINCH');
    assert.deepEqual(program.codes, [156]);
  });
});

describe('a program with two servers', () => {
  test('ends when both have drained, and with 1 where one of them cut requests', async (context) => {
    const program = new SignalledProgram(context);
    const [endIdle, endBusy] = [program.serve(), program.serve()];
    program.send('SIGHUP');
    await endIdle(1);
    assert.deepEqual([program.drains, program.codes], [2, []]);
    await endBusy(0);
    assert.deepEqual(program.codes, [1]);
  });

  test('ends itself where its servers leave that to it', async (context) => {
    const program = new SignalledProgram(context);
    const ends = [program.serve(false), program.serve(false)];
    program.send('SIGHUP');
    for (const end of ends) await end(0);
    assert.deepEqual(program.codes, []);
  });
});
