import { type PageId, pages } from './page-address.ts';

export type KeyCommand =
  | { readonly kind: 'go'; readonly page: PageId }
  | { readonly kind: 'search' }
  | { readonly kind: 'help' }
  | { readonly kind: 'move'; readonly by: 1 | -1 };

/** How long the second key of `g n` may take. */
const sequenceMsMax = 1500;

/** Turns keys into commands. `g` waits for the key of a page. */
export class KeyCommands {
  #pressedG = Number.NEGATIVE_INFINITY;

  /** `at` in milliseconds. Null: the key means nothing, or not yet. */
  press(key: string, at: number): KeyCommand | null {
    const afterG = at - this.#pressedG <= sequenceMsMax;
    this.#pressedG = Number.NEGATIVE_INFINITY;
    if (afterG) {
      const page = pages.find((one) => one.key === key);
      if (page !== undefined) return { kind: 'go', page: page.id };
    }
    switch (key) {
      case 'g':
        this.#pressedG = at;
        return null;
      case '/':
        return { kind: 'search' };
      case '?':
        return { kind: 'help' };
      case 'j':
        return { kind: 'move', by: 1 };
      case 'k':
        return { kind: 'move', by: -1 };
      default:
        return null;
    }
  }
}

/** Every key with what it does, for the help. */
export const keyHelp: readonly (readonly [keys: string, what: string])[] = [
  ...pages.map(({ key, name }) => [`g ${key}`, name] as const),
  ['/', 'search requests'],
  ['j, k', 'next row, previous row'],
  ['Enter', 'open the row'],
  ['?', 'this list'],
  ['Esc', 'close'],
];
